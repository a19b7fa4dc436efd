"""The table of what came of crashes, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

from rich.console import Console

from tests.crash.campaign import Outcome
from tests.crash.kept import Found
from tests.crash.recording import Recording
from tests.crash.supervisor import Blow
from tests.crash.system_calls import Call

HOW = {
    Blow.KILL: "killed",
    Blow.TEAR: "half written",
    Blow.POWER: "power cut",
    Blow.STOP: "Postgres killed",
}
CONTROLS = "as another"
KINDS = {Call.WRITE: "writes", Call.SYNC: "syncs", Call.SEND: "sends", Call.NAME: "renames"}
HEADINGS = (
    "flow", "ledger", "devnet", "how", *KINDS.values(), "starts", "doubled", "lost", "wrong",
    "recovery p50 s", "max s",
)  # fmt: skip

out = Console(soft_wrap=True, highlight=False)


class Ledger(StrEnum):
    """What the ledger is in."""

    SQLITE = "SQLite"
    POSTGRES = "Postgres"


class Devnet(StrEnum):
    """Where the devnet is."""

    IN_PROCESS = "in process"
    SERVED = "served"


@dataclass(slots=True)
class Row:
    """One line of the table.

    Attributes:
        possible: how many crashes there are, of which some may have been left out.
    """

    flow: str
    how: str
    ledger: Ledger
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


def rows_of(recording: Recording, ledger: Ledger, known: dict[int, Found]) -> Iterator[Row]:
    """The lines of a flow whose crashes were taken down: of those whose outcome is known."""
    rows: dict[Blow, Row] = {}
    started: set[int] = set()
    for crash in recording.crashes:
        row = rows.setdefault(crash.blow, Row(recording.name, HOW[crash.blow], ledger))
        row.possible += 1
        if crash.left in known:
            row.add(crash.kind, known[crash.left].outcome, crash.left not in started)
            started.add(crash.left)
    yield from (rows[blow] for blow in HOW if blow in rows)
    control = Row(recording.name, CONTROLS, ledger)
    for number in recording.controls:
        if number in known:
            control.outcomes.append(known[number].outcome)
            control.starts += 1
    yield control


def print_line(cells: Iterable[str]) -> None:
    """One line of the table, at once: the whole takes long."""
    out.print(f"| {' | '.join(cells)} |")
