"""Many simulations for somebody at a terminal: figures, and the story of each that fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from rich.progress import Progress

from ballast.adapters.local import SystemClock
from ballast.faces.cli.rendering import make_console
from ballast.simulation.run import Outcome, Setting, simulate
from ballast.simulation.seed_log import SeedLog
from ballast.simulation.trouble import kinds_named

VIOLATED: Final = 1


@dataclass(slots=True)
class Sums:
    """What all simulations come to together."""

    simulations: int = 0
    steps: int = 0
    requests: int = 0
    strikes: int = 0
    moments: int = 0
    deaths: int = 0
    violated: int = 0
    swaps: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """One more."""
        self.simulations += 1
        self.steps += outcome.steps
        self.requests += outcome.requests
        self.strikes += outcome.strikes
        self.moments += outcome.moments
        self.deaths += outcome.deaths
        self.violated += bool(outcome.violations)
        self.swaps.update(outcome.swaps)

    def sentences(self, took: timedelta) -> Iterator[str]:
        """The sums for people."""
        seconds = max(took / timedelta(seconds=1), 0.001)
        yield f"{self.simulations:,} simulation(s), {self.violated} with a violation."
        yield f"{self.steps:,} steps in {seconds:,.1f} s: {self.steps / seconds:,.0f} a second."
        yield (
            f"{self.requests:,} requests, {self.strikes:,} struck by a fault; killed "
            f"{self.deaths:,} times, at one of {self.moments:,} moments."
        )
        swaps = ", ".join(f"{count:,} {state}" for state, count in sorted(self.swaps.items()))
        yield f"Swaps: {swaps or 'none'}."


def run_simulations(  # one for each option of the command
    *, seed: int, seeds: int, steps: int, faults: str, indexes: int, jobs: int, log: Path | None
) -> int:
    """Run simulations of `seeds` seeds one after the other, from `seed` on, and print what came of
    them; of one that fails all of its story.

    Args:
        log: a file that gets a line for each seed as it ends; what it has already is left out.

    Returns:
        The exit code: 1 if anything happened that must not.

    Raises:
        BallastError: `invalid_input` for a fault that there is not.
    """
    first = Setting(seed=seed, steps=steps, faults=kinds_named(faults), indexes=indexes)
    settings = [replace(first, seed=seed + number) for number in range(seeds)]
    seed_log = SeedLog(log, faults)
    settings = [one for one in settings if one not in seed_log]
    console, clock, sums = make_console(), SystemClock(), Sums()
    started = clock.now()
    with Progress(console=make_console(errors=True), transient=True) as progress:
        task = progress.add_task("Simulating", total=len(settings))
        for outcome in _outcomes(settings, jobs):
            progress.advance(task)
            sums.add(outcome)
            seed_log.add(outcome)
            if outcome.violations:
                for line in _told(outcome, faults):
                    console.print(line, soft_wrap=True)
    for sentence in sums.sentences(clock.now() - started):
        console.print(sentence)
    if len(settings) == 1:
        console.print(f"Story: {outcome.digest}")
    return VIOLATED if sums.violated else 0


def _outcomes(settings: Sequence[Setting], jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(simulate, settings)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_without_a_good_story, settings)


def _without_a_good_story(setting: Setting) -> Outcome:
    """Nobody reads the story of what went well; it need not be carried between processes."""
    outcome = simulate(setting)
    return outcome if outcome.violations else replace(outcome, story=[])


def _told(outcome: Outcome, faults: str) -> Iterator[str]:
    yield from outcome.story
    yield ""
    yield f"Seed {outcome.setting.seed} went wrong after {outcome.steps} steps:"
    yield from (f"- {violation}" for violation in outcome.violations)
    setting = outcome.setting
    yield (
        f"Again: ballast simulate --seed {setting.seed} --steps {setting.steps} "
        f"--faults {faults} --indexes {setting.indexes}"
    )
    yield ""
