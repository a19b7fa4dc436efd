"""Two hundred short lives of the product, and a few long ones, with every kind of fault."""

from __future__ import annotations

import pytest

from ballast.simulation import Setting, kinds_named, simulate

STEPS = 8
CHUNK = 10


@pytest.mark.parametrize("first", range(1, 201, CHUNK))
def test_whatever_goes_wrong_nothing_is_doubled_lost_or_left_open(first):
    for seed in range(first, first + CHUNK):
        setting = Setting(seed=seed, steps=STEPS, faults=kinds_named("all"), indexes=1 + seed % 4)
        assert simulate(setting).violations == [], f"seed {seed}"


@pytest.mark.parametrize("seed", [1001, 1002, 1003])
def test_a_long_life_with_many_indexes_ends_with_books_that_agree(seed):
    setting = Setting(seed=seed, steps=100, faults=kinds_named("all"), indexes=6)

    outcome = simulate(setting)

    assert outcome.violations == []
    assert outcome.deaths > 0


def test_a_seed_tells_the_same_story_again_to_the_letter():
    setting = Setting(seed=7, steps=30, faults=kinds_named("all"), indexes=2)

    assert simulate(setting).digest == simulate(setting).digest
