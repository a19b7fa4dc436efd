"""`ballast backup` and `ballast restore`: a copy of the database, and the way back to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ballast.core.wording import counted
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import need_terminal, print_json

BackUp = Callable[[Path | None], Awaitable[Any]]
PutBack = Callable[[Path, Path | None, bool], Awaitable[Any]]

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def add_backup_commands(cli: typer.Typer, mode: str, back_up: BackUp, put_back: PutBack) -> None:
    """Add the two commands.

    Args:
        mode: in live mode nothing is put back but by hand, since old limits and destinations come
            with it.
        back_up: writes the copy and says where it is.
        put_back: makes a copy the database again.
    """

    @cli.command("backup")
    def backup(
        file: Annotated[
            Path | None, typer.Argument(help="New file; by default named by mode and time.")
        ] = None,
        as_json: _Json = False,
    ) -> None:
        """Copy the database into a new file, as of one moment, also while trading goes on."""
        done = asyncio.run(_awaited(back_up(file)))
        if as_json:
            print_json(
                {
                    "file": str(done.file),
                    "size_bytes": done.size_bytes,
                    "not_in_it": list(done.missing),
                }
            )
            return
        console = make_console()
        console.print(f"The database is in {done.file} ({done.size_bytes:,} bytes).")
        console.print("Not in it, so keep it apart: " + "; ".join(done.missing) + ".")

    @cli.command("restore")
    def restore(
        file: Annotated[Path, typer.Argument(help="A file that ballast backup wrote.")],
        key: Annotated[
            Path | None,
            typer.Option("--key", help="File with the master key of its day, if none here opens."),
        ] = None,
        locked: Annotated[
            bool, typer.Option("--locked", help="Also when keys in it do not open; they stay so.")
        ] = False,
        as_json: _Json = False,
    ) -> None:
        """Make a backup the database again; the present one is kept under another name. Trading is
        halted until the venue was looked at and you say ballast resume."""
        if mode == "live":
            need_terminal("restore")
        done = asyncio.run(_awaited(put_back(file, key, locked)))
        if as_json:
            print_json(
                {
                    "indexes": done.indexes,
                    "kept": str(done.kept) if done.kept else None,
                    "trading": "halted",
                    "trouble": done.trouble,
                    "opened_by": [str(one) for one in done.keys.opened_by],
                    "encrypted_anew": done.keys.changed,
                    "locked": list(done.keys.locked),
                }
            )
            return
        console = make_console()
        console.print(
            f"{done.file} is the database now, with {counted(done.indexes, 'index', 'indexes')}."
        )
        if done.kept:
            console.print(f"The one before is kept as {done.kept}.")
        for line in _about_keys(done.keys):
            console.print(line)
        if done.trouble:
            console.print(f"It could not be looked through yet: {done.trouble}")
        console.print(
            "Trading is halted. Let an engine run for five minutes (ballast serve, or a client's "
            "server), look at ballast verify, then say ballast resume."
        )


def _about_keys(keys: Any) -> Iterator[str]:
    from ballast.app.resealing import AUDIT

    if keys.in_place:
        yield f"There was no master key: {keys.opened_by[0]} opens it, and is the master key now."
    elif keys.opened_by:
        files = " and ".join(str(one) for one in keys.opened_by)
        yield (
            f"Keys in it were encrypted under an earlier master key, which is in {files}. They "
            "are encrypted under the present one now."
        )
    if keys.locked:
        yield f"Locked, as no master key here opens it: {', '.join(keys.locked)}."
        yield "To bring the key of an index back: ballast keys import INDEX --from KEYSTORE"
    if AUDIT in keys.locked:
        yield "The audit goes on under a new key; what is from before cannot be checked."


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result
