"""The devnet's file: one SQLite database that several processes may have open at once.

Every write happens inside one `BEGIN IMMEDIATE` transaction, so a process killed between any two
writes leaves the file as it was before or after a whole request, never in between.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

from ballast.devnet.errors import DevnetError

SCHEMA_VERSION: Final = 2

# Amounts are decimal text: wei overflow SQLite's integers. They are only added up in Python.
# Times are whole microseconds of domain time since 1970, unless the name says "real".
_FIRST: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    real_us INTEGER NOT NULL, domain_us INTEGER NOT NULL, speed TEXT NOT NULL) STRICT;
CREATE TABLE counters (name TEXT PRIMARY KEY, used INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE replay (
    coin TEXT NOT NULL, at_us INTEGER NOT NULL, price TEXT NOT NULL,
    PRIMARY KEY (coin, at_us)) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
    n INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL) STRICT;
CREATE TABLE postings (
    entry_n INTEGER NOT NULL REFERENCES entries (n), account TEXT NOT NULL,
    asset_id TEXT NOT NULL, amount TEXT NOT NULL) STRICT;
CREATE INDEX postings_by_entry ON postings (entry_n);
CREATE TABLE balances (
    account TEXT NOT NULL, asset_id TEXT NOT NULL, amount TEXT NOT NULL,
    PRIMARY KEY (account, asset_id)) STRICT, WITHOUT ROWID;
CREATE TABLE nonces (
    account TEXT NOT NULL, nonce BLOB NOT NULL, PRIMARY KEY (account, nonce)) STRICT, WITHOUT ROWID;
CREATE TABLE salts (
    salt TEXT PRIMARY KEY, n INTEGER NOT NULL UNIQUE,
    valid INTEGER NOT NULL CHECK (valid IN (0, 1))) STRICT, WITHOUT ROWID;
CREATE TABLE swaps (
    n INTEGER PRIMARY KEY,
    address TEXT NOT NULL, memo TEXT NOT NULL, chain TEXT NOT NULL,
    response TEXT NOT NULL, terms TEXT NOT NULL,
    status TEXT NOT NULL, next_us INTEGER, updated_us INTEGER NOT NULL,
    amount_in TEXT, amount_out TEXT, settled_us INTEGER,
    refunded TEXT NOT NULL DEFAULT '0', refund_reason TEXT, slippage_bps INTEGER,
    hint_hash TEXT, near_hash TEXT, destination_hash TEXT,
    UNIQUE (address, memo)) STRICT;
CREATE INDEX swaps_by_due_time ON swaps (next_us, n) WHERE next_us IS NOT NULL;
CREATE TABLE deposits (
    n INTEGER PRIMARY KEY, swap_n INTEGER NOT NULL REFERENCES swaps (n),
    amount TEXT NOT NULL, arrived_us INTEGER NOT NULL, visible_us INTEGER NOT NULL,
    tx_hash TEXT NOT NULL, intent_hash TEXT,
    closed INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1))) STRICT;
CREATE INDEX deposits_by_swap ON deposits (swap_n);
CREATE TABLE sendings (reference TEXT PRIMARY KEY, sent TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
"""

# Version 2 adds faults, the way each intent came in, ids that left the list, and NEAR keys.
_SECOND: Final = """
CREATE TABLE faults (
    n INTEGER PRIMARY KEY, route TEXT NOT NULL, kind TEXT NOT NULL, settings TEXT NOT NULL,
    count INTEGER, probability TEXT, seed INTEGER NOT NULL, skip INTEGER NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0, hits INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE intents (
    hash TEXT PRIMARY KEY, account TEXT NOT NULL, nonce BLOB NOT NULL, way TEXT NOT NULL,
    tx_hash TEXT NOT NULL, told_us INTEGER NOT NULL,
    executed INTEGER NOT NULL CHECK (executed IN (0, 1))) STRICT;
CREATE TABLE listing (asset_id TEXT PRIMARY KEY, moved_to TEXT UNIQUE) STRICT, WITHOUT ROWID;
CREATE TABLE near_keys (
    account TEXT NOT NULL, public_key TEXT NOT NULL, nonce INTEGER NOT NULL,
    PRIMARY KEY (account, public_key)) STRICT, WITHOUT ROWID;
CREATE TABLE near_transactions (hash TEXT PRIMARY KEY, outcome TEXT NOT NULL) STRICT, WITHOUT ROWID;
ALTER TABLE swaps ADD COLUMN fate TEXT;
PRAGMA user_version = 2;
"""
_STEPS: Final = (_FIRST, _SECOND)
# By these a file is known as a devnet's, of whatever version.
_TABLES: Final = frozenset(re.findall(r"CREATE TABLE (\w+)", _FIRST))

Value = str | int | bytes | None


def _cannot_open(path: Path, error: sqlite3.Error) -> DevnetError:
    """Why the file cannot be opened, in words that do not depend on SQLite's."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return DevnetError(
            f"The devnet file {path} is damaged, or is no database.",
            next_step="Put the file back from a copy, or start afresh in another data directory.",
        )
    return DevnetError(
        f"The devnet file {path} cannot be opened ({error}).",
        next_step="Check the disk, and who may read and write the file.",
    )


class Store:
    """One connection to the devnet's file, shared by the threads of a process one at a time."""

    def __init__(self, path: Path, synchronous: Literal["FULL", "OFF"]) -> None:
        self.path = path
        self._lock = threading.RLock()
        # For its owner only; SQLite would go by the umask. Why it cannot be, SQLite says below.
        with suppress(OSError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _cannot_open(path, error) from error
        try:
            self._configure(synchronous)
        except sqlite3.Error as error:
            self._db.close()
            raise _cannot_open(path, error) from error
        except DevnetError:
            self._db.close()
            raise

    def _configure(self, synchronous: Literal["FULL", "OFF"]) -> None:
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA busy_timeout = 10000")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._require_ours()
        # Another process may be looking at the file just now; then it stays as it is for this
        # time, which is slower but as safe.
        with suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(f"PRAGMA synchronous = {synchronous}")

    def _require_ours(self) -> None:
        """Before the first write: what another program keeps in the file is not to be touched."""
        names = {row["name"] for row in self.all("SELECT name FROM sqlite_schema")}
        if (names or self.version) and not names >= _TABLES:
            raise DevnetError(
                f"The file {self.path} is an SQLite database of something else, and no devnet. "
                "It was not changed.",
                next_step="Move it to where it belongs. If a devnet was here, put its file back "
                "from a copy; else a new one is made at the next start.",
            )

    @property
    def is_new(self) -> bool:
        """Whether nobody has created the tables yet."""
        return self.version == 0

    @property
    def version(self) -> int:
        """The file's schema version; 0 for an empty file."""
        return int(self.one("PRAGMA user_version")[0])

    def create_tables(self) -> None:
        """Bring the file, empty or older, to this version. Only inside `write()`."""
        for step in _STEPS[self.version :]:
            for statement in step.split(";\n"):
                if statement.strip():
                    self._db.execute(statement)

    @contextmanager
    def write(self) -> Iterator[None]:
        """One atomic change: committed at the end, undone if the block raises."""
        with self._lock:
            yield from self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def read(self) -> Iterator[None]:
        """Several reads that see one and the same state."""
        with self._lock:
            yield from self._transaction("BEGIN")

    def _transaction(self, begin: str) -> Iterator[None]:
        if self._db.in_transaction:
            assert begin == "BEGIN", "a write needs a transaction of its own"
            yield
            return
        self._db.execute(begin)
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def run(self, sql: str, *values: Value) -> None:
        """Execute one writing statement. Only inside `write()`."""
        assert self._db.in_transaction, "writes happen inside write()"
        self._db.execute(sql, values)

    def one(self, sql: str, *values: Value) -> Any:
        """The first row, or None."""
        with self._lock:
            return self._db.execute(sql, values).fetchone()

    def all(self, sql: str, *values: Value) -> Sequence[sqlite3.Row]:
        """All rows."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def take_number(self, counter: str) -> int:
        """The next number of a counter: 1, 2, 3 ... Only inside `write()`."""
        self.run(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT DO UPDATE SET used = used + 1", counter
        )
        return int(self.one("SELECT used FROM counters WHERE name = ?", counter)[0])

    def meta(self, key: str) -> str:
        """A fact fixed when the file was created."""
        return str(self.one("SELECT value FROM meta WHERE key = ?", key)[0])

    def close(self) -> None:
        """Close the connection; the file stays."""
        with self._lock:
            self._db.close()
