"""What a kill of Ballast leaves of a ledger in Postgres: what the server has committed by then.

A process that dies leaves in the server what was committed, and what it has sent and the server has
yet to do. So first the server must have done all that was sent; then everything is read.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from tests.crash.referee import states
from tests.e2e.machine import until

# Among the files of a directory, what is in the server.
NAME = "postgres.json"

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
_SEQUENCES = "SELECT count(*) FROM pg_sequences WHERE schemaname = current_schema()"
_OTHERS = """
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend'
"""
_IDS = f"SELECT coalesce(array_agg(pid), ARRAY[]::integer[]) {_OTHERS}"
# A server process that waits for its client has done all that it has read, and one that waits for
# a lock is inside of a transaction: neither commits anything before it is sent more.
_WORKING = f"""
    SELECT count(*) {_OTHERS} AND wait_event IS DISTINCT FROM 'ClientRead'
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
    _moment: str = ""
    _content: bytes = b""

    def __post_init__(self) -> None:
        self._reader = psycopg.connect(self.url, autocommit=True)
        self._tables = [name for (name,) in self._reader.execute(_TABLES)]
        [numbers] = self._reader.execute(_SEQUENCES).fetchall()
        assert numbers == (0,), "sequences are not taken down"

    def content(self) -> bytes:
        """All rows, once all has been done that was sent until now."""
        until(self._all_is_done, "Postgres has done what was sent")
        moment = self._ask(_MOMENT)
        if moment != self._moment:
            self._moment, self._content = moment, self.read()
        return self._content

    def _all_is_done(self) -> bool:
        """A process that is sent something is awake from then on: one that sleeps, and has waited
        for its client since, has nothing left to read."""
        return all(map(_sleeps, self._ask(_IDS))) and not self._ask(_WORKING)

    def is_let_go(self) -> bool:
        """Whether nobody else is connected."""
        return not self._ask(_IDS)

    def _ask(self, question: str) -> Any:
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


def _sleeps(process: int) -> bool:
    """Whether a process waits for something; one that has ended waits for nothing more."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] == "S"


def committed_in(url: str) -> bytes:
    """All rows of a database whose users have ended, once the server has seen that."""
    with closing(Committed(url)) as ledger:
        until(ledger.is_let_go, "Postgres has let its dead clients go")
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
