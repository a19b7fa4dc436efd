"""A machine with Ballast on it: one data directory, real processes, and the files themselves.

Waiting means looking again until a deadline of real time; nothing here sleeps for luck.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, TypeVar

from ballast.bootstrap import Places
from ballast.devnet import Devnet, open_devnet

BALLAST = [sys.executable, "-m", "ballast"]
# Long for a machine that does other things as well; no test waits for it unless something is wrong.
PATIENCE = 180.0
HELD = "('available', 'reserved', 'in_flight')"
T = TypeVar("T")


def until(look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """What `look` gives as soon as it gives anything; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.0005)
    raise AssertionError(f"not within {seconds} s: {what}")


@dataclass(frozen=True, slots=True)
class Said:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


@dataclass(slots=True)
class Machine:
    """One data directory, and the processes that use it."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        """The files of paper mode."""
        return Places(self.directory / "paper")

    @property
    def environment(self) -> dict[str, str]:
        """What a process sees: nothing of this machine's owner, and the settings given."""
        kept = {
            name: os.environ[name]
            for name in ("PATH", "LANG", "TERM", "PYTHONPATH")
            if name in os.environ
        }
        home = {"HOME": str(self.directory.parent), "BALLAST_DATA_DIR": str(self.directory)}
        return kept | home | dict(self.settings)

    def copy_to(self, directory: Path) -> Machine:
        """A machine that stands where this one stands; nothing may be running on it."""
        shutil.copytree(self.directory, directory)
        return Machine(directory, self.settings)

    def run(self, *words: str, stdin: str = "") -> Said:
        """Run a command to its end."""
        done = subprocess.run(
            [*BALLAST, *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def ask(self, *words: str) -> Any:
        """The answer of a command that must succeed."""
        said = self.run(*words, "--json")
        assert said.code == 0, said
        return json.loads(said.out)

    @contextmanager
    def started(
        self, *words: str, stderr: int | IO[str] = subprocess.PIPE
    ) -> Iterator[subprocess.Popen[str]]:
        """A running command; whatever is left of it is killed at the end."""
        with self.running([*BALLAST, *words], stderr) as process:
            yield process

    @contextmanager
    def running(
        self, command: Sequence[str], stderr: int | IO[str] = subprocess.PIPE
    ) -> Iterator[subprocess.Popen[str]]:
        """A running program that sees what a command of ours sees."""
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate(timeout=PATIENCE)

    @contextmanager
    def serving(self) -> Iterator[Session]:
        """A running MCP server on stdio, spoken to by hand."""
        # A file takes whatever the server has to say; a pipe that nobody reads would stop it.
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as log,
            self.started("mcp", stderr=log) as process,
        ):
            yield Session(process, log)

    # --- the files, read behind Ballast's back ---------------------------------------------------

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of Ballast's database, which is opened for reading only."""
        with self.watched(sql, *values) as look:
            return look()

    @contextmanager
    def watched(self, sql: str, *values: object) -> Iterator[Callable[[], list[tuple[Any, ...]]]]:
        """Reads the same rows again and again, over one connection that costs next to nothing."""
        address = f"{self.places.database.as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=10)) as connection:
            yield lambda: connection.execute(sql, values).fetchall()

    def holdings(self, index_id: str) -> dict[str, int]:
        """What the ledger says an index holds: base units by asset, zeros left out."""
        found: dict[str, int] = {}
        sql = f"SELECT asset_id, units FROM balances WHERE index_id = ? AND account IN {HELD}"
        for asset_id, units in self.rows(sql, index_id):
            found[asset_id] = found.get(asset_id, 0) + int(units)
        return {asset_id: units for asset_id, units in found.items() if units}

    def account_of(self, index_id: str) -> str:
        """The venue account of an index."""
        [[account_id]] = self.rows("SELECT account_id FROM indexes WHERE index_id = ?", index_id)
        return str(account_id)

    @contextmanager
    def devnet(self) -> Iterator[Devnet]:
        """The world outside, opened beside whoever else has it open."""
        with closing(open_devnet(self.places.devnet, None)) as devnet:
            yield devnet

    def set_speed(self, speed: int) -> None:
        """How many domain seconds pass in a real one."""
        with self.devnet() as devnet:
            devnet.clock.set_speed(Decimal(speed))

    def executed(self, index_id: str) -> int:
        """How many signed intents of an index the devnet's contract has executed."""
        with self.devnet() as devnet:
            sql = "SELECT COUNT(*) FROM nonces WHERE account = ?"
            return int(devnet.network.store.one(sql, self.account_of(index_id))[0])

    def venue_balances(self, index_id: str) -> dict[str, int]:
        """What the devnet's own books say an index holds."""
        with self.devnet() as devnet:
            return devnet.network.books.holdings(self.account_of(index_id))

    def venue_faults(self) -> list[str]:
        """What is wrong with the devnet's own books."""
        with self.devnet() as devnet:
            return devnet.network.books.faults()


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass(slots=True)
class Session:
    """An MCP session on the pipes of a server, line by line; `lines` is all that it wrote."""

    process: subprocess.Popen[str]
    log: IO[str]
    meta: Mapping[str, Any] = field(default_factory=lambda: {"_meta": META})
    lines: list[str] = field(default_factory=list)
    asked: int = 0

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and read on until its answer."""
        self.asked += 1
        self.send(id=self.asked, method=method, params={**self.meta, **params})
        while True:
            message = self._read()
            if message.get("id") == self.asked:
                return message

    def initialize(self) -> None:
        """Shake hands as clients of the older revisions do; no request then carries metadata."""
        self.meta = {}
        client = {"name": "test", "version": "1"}
        answer = self.request(
            "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client
        )
        assert answer["result"]["serverInfo"]["name"] == "ballast"
        self.send(method="notifications/initialized")

    def send(self, **message: Any) -> None:
        """Send one message."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the server has closed its stdout"
        self.lines.append(line)
        return dict(json.loads(line))

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; its structured answer, or the error object."""
        answer = self.request("tools/call", name=tool, arguments=arguments)
        return dict(answer["result"]["structuredContent"])

    def follow(self, handle: str) -> dict[str, Any]:
        """Ask for progress until something, and what follows from it, is done."""

        def look() -> dict[str, Any] | None:
            progress = self.call("get_progress", id=handle)
            return progress if progress["done"] else None

        progress = until(look, f"{handle} is done")
        if progress["follow_up_id"]:
            return self.follow(progress["follow_up_id"])
        return progress

    def close(self) -> Said:
        """Close the server's stdin, as a client does that goes away; how the server ended."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        # communicate() would write to stdin again.
        self.process.stdin = None
        out, _ = self.process.communicate(timeout=PATIENCE)
        self.lines += out.splitlines(keepends=True)
        self.log.seek(0)
        return Said(self.process.returncode, "".join(self.lines), self.log.read())


def stand_still(pid: int) -> None:
    """Stop a process, and wait until every thread of it has: a signal on its way stops nobody."""
    os.kill(pid, signal.SIGSTOP)
    tasks = Path(f"/proc/{pid}/task")
    until(lambda: not any(_moves(task) for task in tasks.iterdir()), f"process {pid} stands still")


def wait_until_it_waits(pid: int) -> None:
    """Wait until the first thread of a process waits for something: for what is typed, if it has
    asked. A signal that comes between its question and its reading would not end the reading."""
    until(lambda: _state(Path(f"/proc/{pid}")) in "SZX", f"process {pid} waits")


def _moves(task: Path) -> bool:
    """Whether a thread is neither stopped nor gone."""
    return _state(task) not in "TtZX"


def _state(task: Path) -> str:
    """The letter for what a thread does; X if it is gone."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def stop_between_writes(pid: int, *databases: Path) -> None:
    """Stop a process at a moment when it keeps nobody from writing to these files."""

    def stopped() -> bool:
        stand_still(pid)
        if any(is_being_written(file) for file in databases):
            os.kill(pid, signal.SIGCONT)
            return False
        return True

    until(stopped, f"process {pid} writes nothing for a moment")


def is_being_written(file: Path) -> bool:
    """Whether a transaction is open in which somebody writes; nobody else can write meanwhile."""
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
        return False


def kill_when(process: subprocess.Popen[str], look: Callable[[], Sequence[Any]], what: str) -> None:
    """Kill a process by SIGKILL at a moment when `look` finds something.

    It runs in slices far shorter than a write to disk and is looked at while it stands still, so
    that a short moment is not missed, and it dies with the moment still there.
    """

    def caught() -> bool:
        assert process.poll() is None, f"it ended before {what}: {process.communicate()}"
        stand_still(process.pid)
        if look():
            return True
        process.send_signal(signal.SIGCONT)
        return False

    until(caught, what)
    process.kill()
    process.wait(PATIENCE)
