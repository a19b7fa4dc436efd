"""Where money may be sent: the owner's list, kept at a terminal and nowhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ballast.core.withdrawals import Destination
from ballast.faces.cli.callers import Account, caller_for
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import need_terminal, print_json

if TYPE_CHECKING:
    from ballast.app.app import App

T = TypeVar("T")
Run = Callable[[Callable[["App"], Awaitable[T]]], T]

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def destinations_command(run: Run[Any]) -> typer.Typer:
    """The command `destinations` with add, list and remove."""
    command = typer.Typer(
        help="Where withdrawals may go. Only this command can add to the list.",
        no_args_is_help=True,
    )

    @command.command("add")
    def add(
        label: Annotated[str, typer.Argument(help="What you call it.")],
        address: Annotated[str, typer.Argument(help="The address, as its chain writes it.")],
        chain: Annotated[str, typer.Option(help="Its chain, such as ethereum or base.")],
        memo: Annotated[str | None, typer.Option(help="Memo, where the chain needs one.")] = None,
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Allow money to be sent to an address. In live mode this needs a terminal, and the
        address can be used after 24 hours."""
        added = run(lambda app: _add(app, account, label, chain, address, memo))
        if as_json:
            print_json(_plain(added))
            return
        make_console().print(
            f"{added.label} on {added.chain} is on the list; usable from {_moment(added)} UTC."
        )

    @command.command("list")
    def show(account: Account = None, as_json: _Json = False) -> None:
        """Show where money may be sent."""
        from ballast.app.destinations import list_destinations

        async def find(app: App) -> list[Destination]:
            return await list_destinations(app, (await caller_for(app, account)).owner_id)

        found: list[Destination] = run(find)
        if as_json:
            print_json([_plain(one) for one in found])
        else:
            make_console().print(_table(found))

    @command.command("remove")
    def remove(
        label: Annotated[str, typer.Argument(help="Its label.")],
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Take an address off the list, at once."""
        from ballast.app.destinations import remove_destination

        async def take_off(app: App) -> Destination:
            return await remove_destination(app, (await caller_for(app, account)).owner_id, label)

        gone: Destination = run(take_off)
        if as_json:
            print_json(_plain(gone))
        else:
            make_console().print(f"{gone.label} is off the list.")

    return command


async def _add(
    app: App, account: str | None, label: str, chain: str, address: str, memo: str | None
) -> Destination:
    from ballast.app.destinations import add_destination

    if app.mode == "live":
        need_terminal("destinations add")
    owner_id = (await caller_for(app, account)).owner_id
    return await add_destination(app, owner_id, label, chain, address, memo)


def _table(found: list[Destination]) -> Table | str:
    if not found:
        return "Nothing is on the list: no withdrawal can leave."
    table = Table("Label", "Chain", "Address", "Memo", "Usable from (UTC)", box=SIMPLE_HEAD)
    for one in found:
        table.add_row(one.label, one.chain, one.address, one.memo or "", _moment(one))
    return table


def _plain(one: Destination) -> dict[str, str | None]:
    return {
        "label": one.label,
        "chain": one.chain,
        "address": one.address,
        "memo": one.memo,
        "usable_from": max(one.usable_at, one.wall_usable_at).isoformat(),
    }


def _moment(one: Destination) -> str:
    return f"{max(one.usable_at, one.wall_usable_at):%Y-%m-%d %H:%M}"
