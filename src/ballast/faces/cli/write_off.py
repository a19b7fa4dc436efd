"""`ballast write-off`: the owner ends a swap that the venue never accounts for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from ballast.core.ids import LOCAL_OWNER, IdKind, require_id
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import need_terminal, require_yes

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
        from ballast.app.write_off import preview_write_off, write_off

        seen = run(lambda app: preview_write_off(app, LOCAL_OWNER, swap_id))
        console = make_console()
        console.print(f"By the balances: {seen.summary}")
        require_yes("End this swap so? It cannot be taken back.")
        ended = run(lambda app: write_off(app, seen))
        console.print(f"{ended.swap_id} is written off; its index goes on.")
