"""Strike a flow at its N-th call, start again until it is done, and let the referee compare.

Here a process is struck for real, once for each crash; `recording.py` does with one run of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.crash import flows, referee
from tests.crash.flows import Site
from tests.crash.referee import Findings
from tests.crash.supervisor import (
    EVERYTHING,
    KILLED,
    Blow,
    Child,
    Run,
    Strike,
    Struck,
    Witness,
    run,
)
from tests.e2e.machine import until
from tests.postgres import Server

# Of so many crashes one is followed by another during the recovery from it.
SECOND_CRASH_EVERY = 3
# A recovery that changes anything makes more calls than this; where in it the second crash comes
# runs through all of them by steps that share no factor with their number.
RECOVERY_CALLS, RECOVERY_STEP = 211, 37


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of starting again.

    Attributes:
        doubled, lost: movements of money at the devnet that are too many, or missing.
        problems: everything else that is wrong; empty when the crash made no difference.
        recovery_seconds: real time from the start of the next process until nothing is unfinished.
    """

    doubled: int
    lost: int
    problems: tuple[str, ...]
    recovery_seconds: float

    @property
    def wrong(self) -> bool:
        """Whether the crash made a difference."""
        return bool(self.doubled or self.lost or self.problems)


@dataclass(frozen=True, slots=True)
class Point:
    """What came of one crash."""

    strike: Strike
    struck: Struck
    outcome: Outcome


class Campaign:
    """One flow, prepared and run undisturbed once; then as often as wanted with a crash.

    Args:
        workshop: an empty or missing directory for all of its files.
        served: whether the devnet is served by another process, which nothing strikes.
        server: the Postgres server that the ledger is on; without one it is in a file.
        witness: sees the calls of the undisturbed run; told where that works, and closed with it.
    """

    def __init__(
        self,
        name: str,
        workshop: Path,
        *,
        served: bool = False,
        server: Server | None = None,
        witness: Callable[[Site], AbstractContextManager[Witness]] | None = None,
    ) -> None:
        self.name = name
        self._workshop = workshop
        self._served = served
        self._server = server
        (workshop / "start").mkdir(parents=True)
        self._start = Site(workshop / "start", database_url=server.fresh() if server else None)
        done(run(flows.prepare, name, self._start))
        with self._beginning("undisturbed") as site:
            with Child(flows.carry_out, name, site, watched=True) as child, ExitStack() as end:
                see = end.enter_context(witness(site)) if witness else None
                undisturbed = child.strike(Strike(targets=(*EVERYTHING, "socket")), witness=see)
            done(undisturbed)
            self._calls = undisturbed.calls
            self.expected: Findings = done(run(referee.examine, site))
        assert not self.expected.problems, self.expected

    def calls_for(self, strike: Strike) -> int:
        """How many calls such a strike counts when nothing is struck."""
        return sum(number for call, number in self._calls.items() if strike.counts(*call))

    @contextmanager
    def _beginning(self, name: str) -> Iterator[Site]:
        """A copy of the start, with a world outside that goes on whatever is killed there."""
        with ExitStack() as end:
            directory = Path(shutil.copytree(self._start.directory, self._workshop / name))
            end.callback(shutil.rmtree, directory)
            site = replace(self._start, directory=directory)
            if self._server is not None and site.database_url is not None:
                site = replace(site, database_url=self._server.copy(site.database_url))
                end.callback(self._server.drop, site.database_url)
            if self._served:
                end.enter_context(Child(flows.serve_devnet, directory, watched=False))
                file = directory / "url"
                until(file.exists, "the devnet is served")
                site = replace(site, devnet_url=file.read_text())
            yield site

    def point(self, strike: Strike, number: int | None = None) -> Point | None:
        """What came of one strike; None if it came too late for the flow.

        Args:
            number: of the crash, if it is another one than that of the call.
        """
        name = f"{strike.blow.name} {strike.at} of {' and '.join(strike.kinds)}"
        with self._beginning(name) as site:
            with Child(flows.carry_out, self.name, site, watched=True) as child:
                first = child.strike(strike, self._server_crashes)
            if first.struck is None:
                return None
            number = number or strike.at
            outcome = start_again(self.name, site, number, self.expected, strike.targets)
        if not _ended_well(first, strike):
            said = f"It ended with {first.trouble}"
            outcome = replace(outcome, problems=(said, *outcome.problems))
        return Point(strike, first.struck, outcome)

    def _server_crashes(self) -> bool:
        assert self._server is not None
        self._server.crash()
        return True


def start_again(
    name: str,
    site: Site,
    number: int,
    expected: Findings,
    targets: tuple[str, ...] = EVERYTHING,
) -> Outcome:
    """Run a flow that was broken off to its end, then once more, and compare.

    Args:
        number: of the crash; it says whether, and where, another one comes in the recovery.
        targets: what that other one strikes.
    """
    if number % SECOND_CRASH_EVERY == 0:
        at = 1 + number * RECOVERY_STEP % RECOVERY_CALLS
        run(flows.carry_out, name, site, strike=Strike(at, targets=targets))
    recovery = run(to_the_end, name, site)
    again = recovery if recovery.trouble else run(once_more, name, site)
    if again.trouble:
        return _failed(again)
    found: Findings = again.answer
    problems = found.problems + _unlike(found, expected)
    if found.books != recovery.answer:
        problems.append("A second start changed the books.")
    return Outcome(
        (found.movements - expected.movements).total(),
        (expected.movements - found.movements).total(),
        tuple(problems),
        recovery.seconds,
    )


def to_the_end(name: str, site: Site) -> str:
    """Carry a flow out to its end; a digest of the books then."""
    flows.carry_out(name, site)
    return referee.books(site)


def once_more(name: str, site: Site) -> Findings:
    """Carry it out again, which changes nothing; then look at everything."""
    flows.carry_out(name, site)
    return referee.examine(site)


def _unlike(found: Findings, expected: Findings) -> list[str]:
    more, fewer = found.counts - expected.counts, expected.counts - found.counts
    return [f"There are more {dict(more)} and fewer {dict(fewer)}."] if more or fewer else []


def _failed(ended: Run) -> Outcome:
    return Outcome(0, 0, (f"It does not start again: {ended.trouble}",), ended.seconds)


def done(ended: Run) -> Any:
    """The answer of a run that must not fail."""
    assert not ended.trouble, ended.trouble
    return ended.answer


def _ended_well(ended: Run, strike: Strike) -> bool:
    """A process that was struck died of it, or said what is wrong in Ballast's own words; one that
    met a crash of its server may have got over it."""
    if strike.blow is Blow.STOP and not ended.trouble:
        return True
    return ended.trouble == KILLED or ended.trouble.startswith("BallastError: ")
