"""`make torture`: every crash of every flow, and the table of what came of them.

Taken down from one run, at each N-th call of a flow, for N = 1, 2, 3 ...: what is left if Ballast
is killed before it, with half of it written, or the power cut. Ballast is started again from that;
crashes that leave the same are started from once. With the ledger in Postgres, what is left is what
the server has committed, beside the files.

Killed for real: Ballast at each request, and each sync, with the devnet in a process of its own;
and Postgres, while Ballast waits at a message to it and then goes on, at each statement in each
state of the books.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import structlog
import typer

import tests.crash.loaded  # noqa: F401 what is forked from this process needs it
from tests.crash.campaign import Campaign
from tests.crash.flows import FLOWS
from tests.crash.kept import Found, Kept, Work, spread
from tests.crash.recording import MESSAGES, Recording
from tests.crash.remains import quick_place
from tests.crash.supervisor import Blow, Strike, fork_this_process
from tests.crash.system_calls import Call
from tests.crash.table import HEADINGS, HOW, Devnet, Ledger, Row, out, print_line, rows_of
from tests.postgres import Server, running_server

SERVED = ("deposit", "rebalance", "refund", "withdrawal")
ON_POSTGRES = ("deposit", "rebalance", "withdrawal")
# With the devnet served. What Postgres is sent is gone through with the devnet in process.
REQUESTS = {
    Ledger.SQLITE: Strike(kinds=(Call.SEND, Call.SYNC)),
    Ledger.POSTGRES: Strike(targets=("tcp",), kinds=(Call.SEND,)),
}
FLOWS_OF = {Ledger.SQLITE: tuple(FLOWS), Ledger.POSTGRES: ON_POSTGRES}


@dataclass(slots=True)
class Torture:
    """All of it: where it is kept, how many starts are left out, how many processes do it."""

    folder: Path
    every: int
    jobs: int
    ledgers: Sequence[Ledger]
    devnets: Sequence[Devnet]
    end: ExitStack
    _servers: list[Server] = field(default_factory=list)

    def _server(self, number: int = 0) -> Server:
        """The server with this number, started where it is first needed."""
        while len(self._servers) <= number:
            self._servers.append(self.end.enter_context(running_server()))
        return self._servers[number]

    def rows(self, flow: str) -> Iterator[Row]:
        """The lines of one flow, each when it is done."""
        for ledger in self.ledgers:
            if Devnet.IN_PROCESS in self.devnets and flow in FLOWS_OF[ledger]:
                yield from self._in_process(flow, ledger)
            if Devnet.SERVED in self.devnets and flow in SERVED and flow in FLOWS_OF[ledger]:
                yield self._served(flow, ledger)

    def _kept(self, flow: str, ledger: Ledger, how: str) -> Kept:
        return Kept(self.folder / ledger / flow / f"outcomes, {how}")

    def _in_process(self, flow: str, ledger: Ledger) -> Iterator[Row]:
        server = self._server() if ledger is Ledger.POSTGRES else None
        recording = Recording.of(flow, self.folder / ledger / flow / "taken down", server)

        def start(number: int) -> Found:
            return Found(recording.outcome(number, server))

        kept = self._kept(flow, ledger, "taken down")
        kept.find_out(spread(recording.numbers)[:: self.every], [start] * self.jobs)
        yield from rows_of(recording, ledger, kept.known)
        if server is not None:
            yield self._server_killed(recording)

    def _server_killed(self, recording: Recording) -> Row:
        """A server dies for all who are on it: each process has its own."""
        strikes = [
            replace(MESSAGES, blow=Blow.STOP, asking=place.asking, at=place.at)
            for place in recording.places
        ]
        row = Row(recording.name, HOW[Blow.STOP], Ledger.POSTGRES, possible=len(strikes))
        with TemporaryDirectory(dir=self.folder) as workshop:
            works = [
                striking(Campaign(recording.name, Path(workshop, str(job)), server=server), strikes)
                for job, server in enumerate(map(self._server, range(self.jobs)))
            ]
            return self._live(row, works, range(len(strikes)))

    def _served(self, flow: str, ledger: Ledger) -> Row:
        server = self._server() if ledger is Ledger.POSTGRES else None
        with TemporaryDirectory(dir=self.folder) as workshop:
            campaign = Campaign(flow, Path(workshop, "work"), served=True, server=server)
            calls = campaign.calls_for(REQUESTS[ledger])
            row = Row(flow, HOW[Blow.KILL], ledger, Devnet.SERVED, possible=calls)
            # A little more than it takes undisturbed: what comes too late strikes nothing.
            last = calls * 21 // 20
            strikes = [replace(REQUESTS[ledger], at=at) for at in range(1, last + 1)]
            work = striking(campaign, strikes)
            return self._live(row, [work] * self.jobs, range(len(strikes)))

    def _live(self, row: Row, works: Sequence[Work], numbers: Sequence[int]) -> Row:
        kept = self._kept(row.flow, row.ledger, f"{row.devnet}, {row.how}")
        kept.find_out(spread(numbers)[:: self.every], works)
        for found in kept.known.values():
            row.add(found.kind or Call.SEND, found.outcome)
        row.possible = max(row.possible, row.starts)
        return row


def striking(campaign: Campaign, strikes: Sequence[Strike]) -> Work:
    """Strikes a flow for real: each number is one strike."""

    def strike(number: int) -> Found | None:
        point = campaign.point(strikes[number], number + 1)
        return Found(point.outcome, point.struck[0]) if point else None

    return strike


def only_the_table() -> None:
    """What Ballast and its libraries warn of while they are struck is no part of it."""
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


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
    only_the_table()
    if unknown := set(flow or ()) - set(FLOWS):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose of {', '.join(FLOWS)}")
    workshop = folder or Path(tempfile.mkdtemp(prefix="ballast-torture-", dir=quick_place()))
    workshop.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    crashes = possible = starts = 0
    print_line(HEADINGS)
    print_line(["---"] * len(HEADINGS))
    with ExitStack() as end:
        if folder is None:
            end.callback(shutil.rmtree, workshop)
        whole = Torture(workshop, every, jobs, ledger or list(Ledger), devnet or list(Devnet), end)
        for name in flow or FLOWS:
            for row in whole.rows(name):
                print_line(row.cells())
                crashes += row.struck.total()
                possible += row.possible
                starts += row.starts
                wrong += [f"{row.flow}, {row.how}: {one}" for one in row.outcomes if one.wrong]
    out.print(f"\n{crashes} of {possible} crashes, {starts} starts; {len(wrong)} were wrong.")
    for line in wrong:
        out.print(line)
    if wrong:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(torture)
