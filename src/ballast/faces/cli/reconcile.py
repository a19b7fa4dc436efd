"""`ballast reconcile`: what the ledger cannot explain, and the owner's word that they know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ballast.core.states import IndexState
from ballast.faces.cli.callers import Account, caller_for
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import need_terminal, print_json, require_yes

if TYPE_CHECKING:
    from ballast.app.accepting import Unexplained
    from ballast.app.app import App


def add_reconcile(cli: typer.Typer, run: Callable[[Any], Any]) -> None:
    """Add the command.

    Args:
        run: opens the app for one use of it.
    """

    @cli.command("reconcile")
    def reconcile(
        index: Annotated[str, typer.Argument(help="Index, by id or name.")],
        accept: Annotated[
            bool,
            typer.Option("--accept", help="Book what is unexplained as known to you; a terminal."),
        ] = False,
        account: Account = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    ) -> None:
        """Show what an index is missing without an explanation, and end it with --accept."""
        if accept:
            need_terminal("reconcile --accept")
        seen: Unexplained = run(lambda app: _look(app, index, account))
        console = make_console(errors=as_json)
        _show(console, seen)
        if accept and seen.units:
            require_yes("Accept this? It cannot be taken back.")
            run(lambda app: _accept(app, seen, account))
            console.print("Accepted: ballast verify names it no more.")
            _what_next(console, seen)
        if as_json:
            print_json(_plain(seen, accepted=accept and bool(seen.units)))


async def _look(app: App, index: str, account: str | None) -> Unexplained:
    from ballast.app.accepting import what_is_unexplained
    from ballast.app.naming import id_of_index

    owner_id = (await caller_for(app, account)).owner_id
    return await what_is_unexplained(app, owner_id, await id_of_index(app, owner_id, index))


async def _accept(app: App, seen: Unexplained, account: str | None) -> None:
    from ballast.app.accepting import accept

    await accept(app, await caller_for(app, account), seen)


def _show(console: Console, seen: Unexplained) -> None:
    for line in seen.lines():
        console.print(f"- {line}")
    if not seen.units:
        console.print(f"Nothing of {seen.index.name} is unexplained.")
    for line in seen.not_booked():
        console.print(f"- {line}")
    if seen.differences:
        console.print("That is on its way, or is booked by a process that runs, in minutes.")


def _what_next(console: Console, seen: Unexplained) -> None:
    if seen.index.state is IndexState.PAUSED:
        console.print(f"It is paused. To trade again: ballast resume_index {seen.index.index_id}")
    console.print("If trading is halted: ballast resume")


def _plain(seen: Unexplained, *, accepted: bool) -> dict[str, Any]:
    def named(asset_id: str, units: int) -> dict[str, str]:
        from ballast.core.money import format_amount

        asset = seen.assets.get(asset_id)
        known = asset and {
            "symbol": asset.symbol,
            "chain": asset.chain,
            "amount": format_amount(abs(units), asset.decimals),
        }
        return {"asset_id": asset_id, "units": str(units), **(known or {})}

    return {
        "index_id": seen.index.index_id,
        "name": seen.index.name,
        "unexplained": [named(asset_id, units) for asset_id, units in seen.units.items()],
        "differences": [named(one.asset_id, one.units) for one in seen.differences],
        "accepted": accepted,
    }
