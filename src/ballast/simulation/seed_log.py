"""A file with a line for each simulation that has ended: what a long campaign is taken up with."""

from __future__ import annotations

from pathlib import Path

from ballast.simulation.run import Outcome, Setting


class SeedLog:
    """The simulations that are done. Nothing is kept, and none is known, without a file.

    Args:
        faults: the word or list that the faults were asked for with.
    """

    def __init__(self, file: Path | None, faults: str) -> None:
        self._file = file
        self._faults = faults
        lines = file.read_text(encoding="utf-8").splitlines() if file and file.exists() else []
        self._done = {line.partition(": ")[0] for line in lines}

    def __contains__(self, setting: Setting) -> bool:
        return self._name(setting) in self._done

    def add(self, outcome: Outcome) -> None:
        """One more has ended."""
        if self._file is None:
            return
        figures = {
            "done": outcome.steps,
            "requests": outcome.requests,
            "struck": outcome.strikes,
            "killed": outcome.deaths,
            "moments": outcome.moments,
            "violations": len(outcome.violations),
            "story": outcome.digest[:16],
        }
        told = " ".join(f"{name}={figure}" for name, figure in figures.items())
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{self._name(outcome.setting)}: {told}\n")

    def _name(self, setting: Setting) -> str:
        """All that a simulation depends on, but for the code."""
        return (
            f"seed={setting.seed} steps={setting.steps} faults={self._faults}"
            f" indexes={setting.indexes}"
        )
