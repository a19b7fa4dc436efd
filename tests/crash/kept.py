"""Outcomes are kept as they come, and found out by several processes at a time."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.campaign import Outcome
from tests.crash.supervisor import fork_this_process
from tests.crash.system_calls import Call

# Of so many starts those at even steps come first, so that a part is spread over the whole.
STRIDE = 16


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one crash, and the kind of call that was struck; one that was taken down may
    have been any of several."""

    outcome: Outcome
    kind: Call | None = None


# Finds out one of them by its number; None if there is no such crash after all.
Work = Callable[[int], Found | None]
_work: Work


@dataclass(slots=True)
class Kept:
    """Outcomes in a file, line by line: what is there need not be found out again.

    Attributes:
        missing: crashes that there are not after all: the flow was done before.
    """

    file: Path
    known: dict[int, Found] = field(default_factory=dict)
    missing: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if self.file.exists():
            for line in self.file.read_text().splitlines():
                number, found = json.loads(line)
                self._take(number, _found(found))

    def unknown(self, numbers: Sequence[int]) -> list[int]:
        """Those of which nothing is kept yet."""
        return [one for one in numbers if one not in self.known and one not in self.missing]

    def add(self, number: int, found: Found | None) -> None:
        """Keep one more."""
        self._take(number, found)
        with self.file.open("a") as lines:
            lines.write(json.dumps([number, found and asdict(found)]) + "\n")

    def find_out(self, numbers: Sequence[int], works: Sequence[Work]) -> None:
        """All of these that are not known yet; each work is done in a process of its own."""
        wanted = self.unknown(numbers)
        context: Any = multiprocessing.get_context("fork")
        begin = (context.Value("i", 0), works)
        with ProcessPoolExecutor(len(works), context, _begin, begin) as pool:
            for number, found in zip(wanted, pool.map(_do, wanted), strict=True):
                self.add(number, found)

    def _take(self, number: int, found: Found | None) -> None:
        if found is None:
            self.missing.add(number)
        else:
            self.known[number] = found


def _found(given: Any) -> Found | None:
    if given is None:
        return None
    outcome = {**given["outcome"], "problems": tuple(given["outcome"]["problems"])}
    return Found(Outcome(**outcome), given["kind"] and Call(given["kind"]))


def _begin(turn: Any, works: Sequence[Work]) -> None:
    global _work  # noqa: PLW0603 of this process, which does nothing else
    fork_this_process()
    with turn.get_lock():
        _work = works[turn.value]
        turn.value += 1


def _do(number: int) -> Found | None:
    try:
        return _work(number)
    except AssertionError as error:  # it stands still, or something does not come about
        return Found(Outcome(0, 0, (str(error),), 0.0))


def spread(numbers: Sequence[int]) -> list[int]:
    """The same, every so many-th first."""
    return [one for first in range(STRIDE) for one in numbers[first::STRIDE]]
