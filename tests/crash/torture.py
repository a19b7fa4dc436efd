"""`make torture`: every crash of every flow, and the table of what came of them.

At each N-th call of a flow, for N = 1, 2, 3 ...: killed before it; killed with half of it written;
the power cut. What that leaves is taken down from one run, and Ballast is started again from it;
crashes that leave the same are started from once. Killed for real: at each request and each sync,
with the devnet in a process of its own; at each message to Postgres, with the ledger there; and
Postgres itself, at the same moments.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

import tests.crash.loaded  # noqa: F401 what is forked from this process needs it
from tests.crash.campaign import Campaign, Outcome, Recording
from tests.crash.flows import FLOWS
from tests.crash.remains import quick_place
from tests.crash.supervisor import Blow, Strike, fork_this_process
from tests.crash.system_calls import Call
from tests.postgres import running_server

SERVED = ("deposit", "rebalance", "refund", "withdrawal")
ON_POSTGRES = ("deposit", "rebalance", "withdrawal")
HOW = {
    Blow.KILL: "killed",
    Blow.TEAR: "half written",
    Blow.POWER: "power cut",
    Blow.STOP: "Postgres killed",
}
RECORDED = (Blow.KILL, Blow.TEAR, Blow.POWER)
CONTROLS = "as another"
KINDS = {Call.WRITE: "writes", Call.SYNC: "syncs", Call.SEND: "sends", Call.NAME: "renames"}
HEADINGS = (
    "flow", "ledger", "devnet", "how", *KINDS.values(), "starts", "doubled", "lost", "wrong",
    "recovery p50 s", "max s",
)  # fmt: skip
# Of so many starts those at even steps come first, so that a part is spread over the whole.
STRIDE = 16


class Ledger(StrEnum):
    """What the ledger is in."""

    SQLITE = "SQLite"
    POSTGRES = "Postgres"


class Devnet(StrEnum):
    """Where the devnet is."""

    IN_PROCESS = "in process"
    SERVED = "served"


@dataclass(frozen=True, slots=True)
class Live:
    """Crashes that happen for real: where, and at which calls."""

    ledger: Ledger
    devnet: Devnet
    strike: Strike
    flows: tuple[str, ...]

    @property
    def name(self) -> str:
        """How a line of the table is told from others."""
        return f"{self.ledger}, {self.devnet}, {HOW[self.strike.blow]}"


MESSAGES = Strike(targets=("socket",), kinds=(Call.SEND,))
LIVE = (
    Live(Ledger.SQLITE, Devnet.SERVED, Strike(kinds=(Call.SEND, Call.SYNC)), SERVED),
    Live(Ledger.POSTGRES, Devnet.IN_PROCESS, MESSAGES, ON_POSTGRES),
    Live(Ledger.POSTGRES, Devnet.IN_PROCESS, replace(MESSAGES, blow=Blow.STOP), ON_POSTGRES),
    Live(Ledger.POSTGRES, Devnet.SERVED, Strike(kinds=(Call.SEND,)), ON_POSTGRES),
)

out = Console(soft_wrap=True, highlight=False)


@dataclass(slots=True)
class Row:
    """One line of the table.

    Attributes:
        possible: how many crashes there are, of which some may have been left out.
    """

    flow: str
    how: str
    ledger: Ledger = Ledger.SQLITE
    devnet: Devnet = Devnet.IN_PROCESS
    struck: Counter[Call] = field(default_factory=Counter)
    outcomes: list[Outcome] = field(default_factory=list)
    starts: int = 0
    possible: int = 0

    def add(self, kind: Call, outcome: Outcome, starts: int = 1) -> None:
        """One crash more, at a call of this kind."""
        self.struck[kind] += 1
        self.outcomes.append(outcome)
        self.starts += starts

    def cells(self) -> list[str]:
        """As text, in the order of the headings."""
        seconds = [one.recovery_seconds for one in self.outcomes] or [0.0]
        return [
            self.flow,
            self.ledger.value,
            self.devnet.value,
            self.how,
            *(str(self.struck[kind]) for kind in KINDS),
            str(self.starts),
            str(sum(one.doubled for one in self.outcomes)),
            str(sum(one.lost for one in self.outcomes)),
            str(sum(one.wrong for one in self.outcomes)),
            f"{median(seconds):.2f}",
            f"{max(seconds):.2f}",
        ]


@dataclass(slots=True)
class Kept:
    """Outcomes in a file, line by line: what is there need not be found out again."""

    file: Path
    known: dict[int, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.file.exists():
            for line in self.file.read_text().splitlines():
                number, found = json.loads(line)
                self.known[number] = Outcome(**{**found, "problems": tuple(found["problems"])})

    def add(self, number: int, outcome: Outcome) -> None:
        """Keep one more."""
        self.known[number] = outcome
        with self.file.open("a") as lines:
            lines.write(json.dumps([number, asdict(outcome)]) + "\n")


@dataclass(frozen=True, slots=True)
class Torture:
    """All of it: where it is kept, how many starts are left out, how many processes do it."""

    folder: Path
    every: int
    jobs: int
    ledgers: Sequence[Ledger]
    devnets: Sequence[Devnet]

    @contextmanager
    def _pool(self) -> Iterator[ProcessPoolExecutor]:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(self.jobs, context, initializer=fork_this_process) as pool:
            yield pool

    def rows(self, flow: str) -> Iterator[Row]:
        """The lines of one flow, each when it is done."""
        if Ledger.SQLITE in self.ledgers and Devnet.IN_PROCESS in self.devnets:
            yield from self._recorded(flow)
        for live in LIVE:
            if live.ledger in self.ledgers and live.devnet in self.devnets and flow in live.flows:
                yield self._live(flow, live)

    def _recorded(self, flow: str) -> Iterator[Row]:
        recording = Recording.of(flow, self.folder / flow)
        kept = Kept(recording.folder / "outcomes")
        wanted = [one for one in spread(recording.numbers)[:: self.every] if one not in kept.known]
        with self._pool() as pool:
            for number, outcome in zip(wanted, pool.map(recording.outcome, wanted), strict=True):
                kept.add(number, outcome)
        yield from rows_of(recording, kept.known)

    def _live(self, flow: str, live: Live) -> Row:
        row = Row(flow, HOW[live.strike.blow], live.ledger, live.devnet)
        with ExitStack() as end:
            workshop = Path(end.enter_context(TemporaryDirectory(dir=self.folder)))
            server = end.enter_context(running_server()) if "Postgres" in live.name else None
            devnet_served = live.devnet is Devnet.SERVED
            campaign = Campaign(flow, workshop / "work", served=devnet_served, server=server)
            # A little more than it takes undisturbed: what comes too late strikes nothing.
            last = campaign.calls_for(live.strike) * 21 // 20
            row.possible = campaign.calls_for(live.strike)
            strikes = [replace(live.strike, at=at) for at in range(1, last + 1, self.every)]
            # A server is one for all, and dies for all.
            through = map if server else end.enter_context(self._pool()).map
            for point in through(campaign.point, strikes):
                if point is not None:
                    row.add(point.struck[0], point.outcome)
        return row


def spread(numbers: Sequence[int]) -> list[int]:
    """The same, every so many-th first."""
    return [one for first in range(STRIDE) for one in numbers[first::STRIDE]]


def rows_of(recording: Recording, known: dict[int, Outcome]) -> Iterator[Row]:
    """The lines of a flow whose crashes were taken down: of those whose outcome is known."""
    rows = {blow: Row(recording.name, HOW[blow]) for blow in RECORDED}
    started: set[int] = set()
    for crash in recording.crashes:
        rows[crash.blow].possible += 1
        if crash.left in known:
            rows[crash.blow].add(crash.kind, known[crash.left], crash.left not in started)
            started.add(crash.left)
    yield from rows.values()
    control = Row(recording.name, CONTROLS)
    for number in recording.controls:
        if number in known:
            control.outcomes.append(known[number])
            control.starts += 1
    yield control


def print_line(cells: Iterable[str]) -> None:
    """One line of a table in Markdown, at once: the whole takes hours."""
    out.print(f"| {' | '.join(cells)} |")


def torture(
    flow: Annotated[
        list[str] | None, typer.Option(help=f"Only this flow: {', '.join(FLOWS)}. Repeatable.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Make only every so many-th start.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="How many at a time.")] = 2,
    ledger: Annotated[
        list[Ledger] | None, typer.Option(help="Only with the ledger there. Repeatable.")
    ] = None,
    devnet: Annotated[
        list[Devnet] | None, typer.Option(help="Only with the devnet there. Repeatable.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where everything is kept, to go on from it another time."),
    ] = None,
) -> None:
    """Crash Ballast at every write, sync, rename and request, and print what came of it."""
    fork_this_process()
    if unknown := set(flow or ()) - set(FLOWS):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose of {', '.join(FLOWS)}")
    workshop = folder or Path(tempfile.mkdtemp(prefix="ballast-torture-", dir=quick_place()))
    workshop.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    crashes = possible = starts = 0
    print_line(HEADINGS)
    print_line(["---"] * len(HEADINGS))
    whole = Torture(workshop, every, jobs, ledger or list(Ledger), devnet or list(Devnet))
    try:
        for name in flow or FLOWS:
            for row in whole.rows(name):
                print_line(row.cells())
                crashes += row.struck.total()
                possible += row.possible
                starts += row.starts
                wrong += [f"{row.flow}, {row.how}: {one}" for one in row.outcomes if one.wrong]
    finally:
        if folder is None:
            shutil.rmtree(workshop)
    out.print(f"\n{crashes} of {possible} crashes, {starts} starts; {len(wrong)} were wrong.")
    for line in wrong:
        out.print(line)
    if wrong:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(torture)
