"""What the simulation is for: a planted mistake is found, and told."""

from __future__ import annotations

import pytest

from ballast.simulation import Setting, kinds_named, run, simulate
from tests.simulation.mistakes import FOUND_AS

SEEDS = 20
STEPS = 25
# How often a step is drawn that is drawn often.
OFTEN = 60


def first_violation(expected):
    """What a few seeds come to, up to the one that says the expected words."""
    for seed in range(expected.seed, expected.seed + SEEDS):
        setting = Setting(seed=seed, steps=STEPS, faults=kinds_named(expected.faults), indexes=3)
        outcome = simulate(setting)
        if any(expected.words in one for one in outcome.violations):
            return outcome
    raise AssertionError(f"{SEEDS} seeds have not found it")


@pytest.mark.parametrize("mistake", FOUND_AS, ids=lambda one: one.__name__)
def test_a_planted_mistake_is_found_within_a_few_seeds_and_told(mistake, monkeypatch):
    expected = FOUND_AS[mistake]
    mistake(monkeypatch)
    if expected.often:
        monkeypatch.setattr(run, "STEPS", {**run.STEPS, expected.often: OFTEN})

    found = first_violation(expected)

    assert found.story[-1].startswith("VIOLATION")
