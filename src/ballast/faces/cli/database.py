"""`ballast migrate` and `ballast copy-database`: for whoever looks after the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol, TypeVar

import typer

from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import print_json

T = TypeVar("T")
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


class Migrated(Protocol):
    """What was done to a database."""

    @property
    def database(self) -> str: ...
    @property
    def before(self) -> str | None: ...
    @property
    def now(self) -> str: ...


class Copied(Protocol):
    """What was copied into a database."""

    @property
    def database(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def rows(self) -> dict[str, int]: ...
    @property
    def entries(self) -> int: ...


def add_database_commands(
    cli: typer.Typer,
    migrate_database: Callable[[], Awaitable[Migrated]],
    copy_database: Callable[[], Awaitable[Copied]],
) -> None:
    """Add the two commands."""

    @cli.command("migrate")
    def migrate(as_json: _Json = False) -> None:
        """Bring the database to the newest revision, and say what was done."""
        done = asyncio.run(_awaited(migrate_database()))
        if as_json:
            print_json({"database": done.database, "before": done.before, "now": done.now})
            return
        make_console().print(f"{done.database}: {_what_was_done(done)}")

    @cli.command("copy-database")
    def copy(as_json: _Json = False) -> None:
        """Copy the ledger from the data directory into the empty Postgres database that
        BALLAST_DATABASE_URL names, and check every row and chain."""
        done = asyncio.run(_awaited(copy_database()))
        if as_json:
            answer = {
                "database": done.database,
                "revision": done.revision,
                "rows": done.rows,
                "entries": done.entries,
            }
            print_json(answer)
            return
        console = make_console()
        console.print(
            f"{sum(done.rows.values())} rows are in {done.database}, each as it was read; the "
            f"chains of {done.entries} entries hash to the same."
        )
        console.print(
            "Set BALLAST_DATABASE_URL for every client from now on. The file is kept as it is and "
            "is not opened any more."
        )


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _what_was_done(done: Migrated) -> str:
    if done.before is None:
        return f"made, at revision {done.now}."
    if done.before == done.now:
        return f"at revision {done.now} already; nothing was done."
    return f"brought from revision {done.before} to {done.now}."
