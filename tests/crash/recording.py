"""Every crash of one run of a flow, without a crash: what each would leave is taken down.

One process runs to its end. While each of its calls waits, what a crash there leaves is taken down,
and Ballast is started from that; crashes that leave the same are started from once.
"""

from __future__ import annotations

import pickle
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from tests.crash import committed
from tests.crash.campaign import Campaign, Outcome, start_again
from tests.crash.committed import Committed
from tests.crash.flows import Site
from tests.crash.messages import asked
from tests.crash.referee import Findings
from tests.crash.remains import Eyes, Files, Remains, put
from tests.crash.supervisor import Blow, Strike, Witness
from tests.crash.system_calls import Call, Stop
from tests.postgres import Server

# Of so many crashes that leave what another has left, one is started from all the same.
CONTROL_EVERY = 100
# A power cut where Ballast is takes nothing from a server elsewhere, and half a message is none.
IN_FILES, IN_POSTGRES = (Blow.KILL, Blow.TEAR, Blow.POWER), (Blow.KILL,)
MESSAGES = Strike(targets=("socket",), kinds=(Call.SEND,))


@dataclass(frozen=True, slots=True)
class Crash:
    """A crash at one call, and what it leaves: the same number for the same."""

    blow: Blow
    kind: Call
    at: int
    left: int


@dataclass(frozen=True, slots=True)
class Place:
    """A message to Postgres: what it asks, and which of all that ask this it is, from 1."""

    asking: str
    at: int


@dataclass(slots=True)
class Recording:
    """All crashes of one run of a flow.

    Attributes:
        folder: where everything is kept that some crash leaves, in folders with its number.
        controls: numbers of what is as another and was kept all the same.
        places: of all messages to Postgres that ask the same while as many rows are in each state,
            the first: the same code works on the same, whichever of five legs it is.
    """

    name: str
    folder: Path
    expected: Findings = field(init=False)
    crashes: list[Crash] = field(default_factory=list)
    controls: list[int] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    _numbers: dict[bytes, int] = field(default_factory=dict)
    _same: int = 0
    _asked: Counter[str] = field(default_factory=Counter)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, name: str, folder: Path, server: Server | None = None) -> Recording:
        """The one that is in a folder, else a new one.

        Args:
            server: what the ledger is on; without one it is in a file.
        """
        file = folder / "recording"
        if file.exists():
            return cast("Recording", pickle.loads(file.read_bytes()))
        shutil.rmtree(folder, ignore_errors=True)
        recording = cls(name, folder)
        campaign = Campaign(name, folder / "campaign", server=server, witness=recording._witness)
        recording.expected = campaign.expected
        shutil.rmtree(folder / "campaign")
        file.write_bytes(pickle.dumps(recording))
        return recording

    @contextmanager
    def _witness(self, site: Site) -> Iterator[Witness]:
        remains, eyes = Remains(site.directory), Eyes()
        with ExitStack() as end:
            ledger: Committed | None = None
            if site.database_url is not None:
                ledger = end.enter_context(closing(Committed(site.database_url)))

            def see(stop: Stop, number: int) -> None:
                remains.look(stop)
                if not number:
                    return
                beside = {committed.NAME: ledger.content()} if ledger else {}
                if ledger and MESSAGES.counts(stop.kind, stop.target):
                    self._place(asked(stop), ledger.states)
                for blow in IN_POSTGRES if ledger else IN_FILES:
                    files = remains.after(blow, stop)
                    if files is not None:
                        files = {**files, **beside}
                        left = self._number(eyes.digest(files), files)
                        self.crashes.append(Crash(blow, stop.kind, number, left))

            yield see

    def _place(self, asking: str, states: str) -> None:
        self._asked[asking] += 1
        if (asking, states) not in self._seen:
            self._seen.add((asking, states))
            self.places.append(Place(asking, self._asked[asking]))

    def _number(self, digest: bytes, files: Files) -> int:
        known = self._numbers.get(digest)
        if known is None:
            self._numbers[digest] = known = self._keep(files)
        else:
            self._same += 1
            if self._same % CONTROL_EVERY == 0:
                self.controls.append(self._keep(files))
        return known

    def _keep(self, files: Files) -> int:
        number = len(self._numbers) + len(self.controls)
        put(files, self.folder / str(number))
        return number

    @property
    def numbers(self) -> range:
        """Of all that is kept."""
        return range(len(self._numbers) + len(self.controls))

    def outcome(self, number: int, server: Server | None = None) -> Outcome:
        """What comes of starting from what is kept, on a server if it was taken down from one."""
        with ExitStack() as end:
            directory = self.folder / f"work on {number}"
            shutil.rmtree(directory, ignore_errors=True)
            end.callback(shutil.rmtree, directory)
            shutil.copytree(self.folder / str(number), directory)
            site = Site(directory)
            if server is not None:
                url = server.fresh()
                end.callback(server.drop, url)
                committed.put_back((directory / committed.NAME).read_bytes(), url)
                (directory / committed.NAME).unlink()
                site = Site(directory, database_url=url)
            return start_again(self.name, site, number, self.expected)
