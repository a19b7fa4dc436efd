"""What a kill of Ballast leaves of a ledger in Postgres: what the server has committed by then.

A process that dies leaves in the server what was committed, and what it has sent and the server has
yet to do. So first the server must have done all that was sent; then everything is read.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import struct
import termios
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from tests.crash.referee import states
from tests.crash.system_calls import Call, Stop
from tests.e2e.machine import until

# Among the files of a directory, what is in the server.
NAME = "postgres.json"
# On all architectures.
_PIDFD_GETFD = 438

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
_SEQUENCES = "SELECT count(*) FROM pg_sequences WHERE schemaname = current_schema()"
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
"""
# A server process that waits for its client has done all that it has read, and one that waits for
# a lock is inside of a transaction: neither commits anything before it is sent more.
_WORKING = f"""
    {_OTHERS} AND wait_event IS DISTINCT FROM 'ClientRead'
    AND wait_event_type IS DISTINCT FROM 'Lock'
"""
# Changes with every transaction that writes: when it begins to, and when it ends.
_MOMENT = "SELECT pg_current_snapshot()::text"


@dataclass(slots=True)
class Committed:
    """The tables of a database as a kill at each call would leave them.

    Args:
        url: of the database that the watched process works on; nobody else does.

    Attributes:
        states: how many rows of each kind are in which state, as text.
    """

    url: str
    states: str = ""
    _reader: psycopg.Connection = field(init=False)
    _tables: list[str] = field(init=False)
    _sockets: set[int] = field(default_factory=set)
    _moment: str = ""
    _content: bytes = b""

    def __post_init__(self) -> None:
        self._reader = psycopg.connect(self.url, autocommit=True)
        self._tables = [name for (name,) in self._reader.execute(_TABLES)]
        [numbers] = self._reader.execute(_SEQUENCES).fetchall()
        assert numbers == (0,), "sequences are not taken down"

    def look(self, stop: Stop) -> None:
        """To be told of every call: it is known by its messages what is connected to a server."""
        if stop.kind is Call.SEND and stop.target == "socket":
            self._sockets.add(stop.arguments[0])

    def content(self, stop: Stop) -> bytes:
        """All rows, once what was sent before this call has been done."""
        self._wait_until_read(stop)
        until(lambda: not self.ask(_WORKING), "Postgres has done what was sent")
        moment = str(self.ask(_MOMENT))
        if moment != self._moment:
            self._moment, self._content = moment, self.read()
        return self._content

    def _wait_until_read(self, stop: Stop) -> None:
        process = os.pidfd_open(_process_of(stop.pid))
        try:
            until(
                lambda: not any(_unread(process, socket) for socket in self._sockets),
                "Postgres has read what was sent",
            )
        finally:
            os.close(process)

    def ask(self, question: str) -> object:
        """The one answer to a question, at once."""
        [(answer,)] = self._reader.execute(question)
        return answer

    def read(self) -> bytes:
        """All rows, as of one moment."""
        rows = {}
        with self._reader.transaction():
            self._reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            for table in self._tables:
                copy = SQL("COPY {} TO STDOUT").format(Identifier(table))
                with self._reader.cursor().copy(copy) as lines:
                    rows[table] = sorted(bytes(line).decode() for line in lines)
            counts = states(lambda sql: self._reader.execute(sql.encode()).fetchall())
        self.states = str(sorted(counts.items()))
        return json.dumps(rows, indent=0).encode()

    def close(self) -> None:
        """Let the database go."""
        self._reader.close()


def _process_of(thread: int) -> int:
    status = Path(f"/proc/{thread}/status").read_text()
    return int(status.split("Tgid:", 1)[1].split()[0])


def _unread(process: int, descriptor: int) -> bool:
    """Whether the other end has yet to read of what a process has sent there."""
    ours = ctypes.CDLL(None).syscall(_PIDFD_GETFD, process, descriptor, 0)
    if ours < 0:  # it was closed since
        return False
    try:
        waiting = fcntl.ioctl(ours, termios.TIOCOUTQ, bytes(4))
    except OSError:  # a file has the number now
        return False
    finally:
        os.close(ours)
    return struct.unpack("i", waiting) != (0,)


def committed_in(url: str) -> bytes:
    """All rows of a database whose users have ended, once the server has seen that."""
    with closing(Committed(url)) as ledger:
        until(lambda: not ledger.ask(_OTHERS), "Postgres has let its dead clients go")
        return ledger.read()


def put_back(content: bytes, url: str) -> None:
    """Fill a database of the same schema with what was taken down, whatever was in it."""
    with closing(psycopg.connect(url)) as database, database:
        # Rows come in any order, and into tables that are written once: neither foreign keys nor
        # triggers look.
        database.execute("SET session_replication_role = replica")
        for table, lines in json.loads(content).items():
            database.execute(SQL("DELETE FROM {}").format(Identifier(table)))
            copy = SQL("COPY {} FROM STDIN").format(Identifier(table))
            with database.cursor().copy(copy) as rows:
                for line in lines:
                    rows.write(line)
