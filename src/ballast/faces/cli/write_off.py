"""`ballast write-off`: the owner ends a swap that the venue never accounts for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ballast.core.ids import LOCAL_OWNER, IdKind, require_id
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import need_terminal

if TYPE_CHECKING:
    from ballast.app.app import App

_SwapId = Annotated[str, typer.Argument(help="Swap id (swp_…) that needs attention.")]


def add_write_off(cli: typer.Typer, run: Callable[[Any], Any]) -> None:
    """Add the command.

    Args:
        run: opens the app for one use of it.
    """

    @cli.command("write-off")
    def end_swap(swap_id: _SwapId) -> None:
        """End a swap that never resolves: book what arrived, name what is missing."""
        need_terminal("write-off")
        require_id(swap_id, IdKind.SWAP)
        run(lambda app: end_by_hand(app, swap_id))


async def end_by_hand(app: App, swap_id: str) -> None:
    """Show what would be booked, ask, and book it.

    Raises:
        BallastError: what `preview_write_off` and `write_off` raise.
    """
    from ballast.app.write_off import preview_write_off, write_off

    seen = await preview_write_off(app, LOCAL_OWNER, swap_id)
    console = make_console()
    console.print(f"By the balances: {seen.summary}")
    typer.confirm("End this swap so? It cannot be taken back.", abort=True)
    ended = await write_off(app, seen)
    console.print(f"{ended.swap_id} is written off; its index goes on.")
