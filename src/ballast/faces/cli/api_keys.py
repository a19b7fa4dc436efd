"""`ballast apikey`: keys for programs that ask over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ballast.core.access import DEFAULT_KEY_DAYS, MAX_KEY_DAYS, ApiKey
from ballast.faces.cli.callers import Account, caller_for
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import need_terminal, print_json

if TYPE_CHECKING:
    from ballast.app.access.api_keys import NewApiKey
    from ballast.app.app import App

T = TypeVar("T")
Run = Callable[[Callable[["App"], Awaitable[T]]], T]

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_Word = Annotated[str, typer.Argument(help="Its name, prefix (bal_…) or id (key_…).")]


def api_keys_command(run: Run[Any]) -> typer.Typer:
    """The command `apikey` with create, list, rotate and revoke."""
    command = typer.Typer(
        help="Keys for programs that ask over HTTP. In live mode on a terminal only.",
        no_args_is_help=True,
    )

    _add_create(command, run)
    _add_list(command, run)
    _add_rotate(command, run)
    _add_revoke(command, run)
    return command


def _add_create(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("create")
    def create(
        name: Annotated[str, typer.Argument(help="What it is for.")],
        scopes: Annotated[
            str, typer.Option(help="read, write, spend: those it allows, with commas.")
        ] = "read",
        days: Annotated[
            int, typer.Option(help=f"Until it expires; at most {MAX_KEY_DAYS}.")
        ] = DEFAULT_KEY_DAYS,
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Make a key. It is shown once and cannot be shown again."""
        # What is out of bounds is told beside all else; a span of time has bounds of its own.
        lifetime = timedelta(days=max(0, min(days, MAX_KEY_DAYS + 1)))

        async def make(app: App) -> NewApiKey:
            from ballast.app.access.api_keys import create_api_key

            _need_terminal_when_live(app, "apikey create")
            caller = await caller_for(app, account)
            return await create_api_key(app, caller, name, scopes.split(","), lifetime)

        _show_new(run(make), as_json)


def _add_list(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("list")
    def show(account: Account = None, as_json: _Json = False) -> None:
        """Show all keys: what each allows, when it was last used, and how it stands."""

        async def find(app: App) -> list[dict[str, Any]]:
            from ballast.app.access.api_keys import list_api_keys, state_of

            owner_id, now = (await caller_for(app, account)).owner_id, app.wall.now()
            return [_plain(one, state_of(one, now)) for one in await list_api_keys(app, owner_id)]

        found = run(find)
        if as_json:
            print_json(found)
        else:
            make_console().print(_table(found))


def _add_rotate(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("rotate")
    def rotate(
        key: _Word,
        overlap_hours: Annotated[
            int, typer.Option(min=0, max=168, help="How long the old one still works.")
        ] = 24,
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Make a key in another's place. The old one works on for a while."""

        async def turn(app: App) -> NewApiKey:
            from ballast.app.access.api_keys import rotate_api_key

            _need_terminal_when_live(app, "apikey rotate")
            caller = await caller_for(app, account)
            return await rotate_api_key(app, caller, key, timedelta(hours=overlap_hours))

        _show_new(run(turn), as_json)


def _add_revoke(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("revoke")
    def revoke(key: _Word, account: Account = None, as_json: _Json = False) -> None:
        """End a key at once; by its name also those that it has replaced."""

        async def end(app: App) -> list[ApiKey]:
            from ballast.app.access.api_keys import revoke_api_key

            return await revoke_api_key(app, await caller_for(app, account), key)

        ended: list[ApiKey] = run(end)
        if as_json:
            print_json([_plain(one, "revoked") for one in ended])
        else:
            make_console().print(f"Revoked: {', '.join(one.prefix for one in ended)}.")


def _need_terminal_when_live(app: App, command: str) -> None:
    if app.mode == "live":
        need_terminal(command)


def _show_new(made: NewApiKey, as_json: bool) -> None:
    key = made.key
    if as_json:
        print_json(_plain(key, "active") | {"api_key": made.text})
        return
    # In one piece: a console would break it where the line ends.
    typer.echo(made.text)
    make_console(errors=True).print(
        f"Keep it: it is not shown again. It allows {', '.join(key.scopes)} until "
        f"{key.expires_at:%Y-%m-%d}. Send it as Authorization: Bearer."
    )


def _table(found: list[dict[str, Any]]) -> Table | str:
    if not found:
        return "There is no key: nothing is let in over HTTP."
    table = Table("Name", "Key", "Allows", "Expires", "Last used", "State", box=SIMPLE_HEAD)
    for one in found:
        table.add_row(
            one["name"],
            f"{one['prefix']}…",
            ", ".join(one["scopes"]),
            one["expires_at"][:10],
            (one["last_used_at"] or "never")[:16].replace("T", " "),
            one["state"],
        )
    return table


def _plain(key: ApiKey, state: str) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "state": state,
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at.isoformat(),
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
        "replaced_by": key.replaced_by,
    }
