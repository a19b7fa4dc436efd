"""`ballast panic`: a person has everything sold into the base asset, and sees it to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from ballast.app.switch import NO_NEW_RISK
from ballast.core.halting import HaltLevel
from ballast.core.money import format_percent_bps
from ballast.core.panic import DEFAULT_BUDGET_BPS
from ballast.core.states import SaleState
from ballast.core.wording import being_sold, grouped
from ballast.faces.cli.callers import Account, caller_for
from ballast.faces.cli.command_line import ENDED_OTHERWISE
from ballast.faces.cli.following import INTERVAL
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import INTERRUPTED, need_terminal, print_json, require_yes

if TYPE_CHECKING:
    from ballast.app.app import App
    from ballast.app.panic_progress import SaleView

_GOES_ON: Final = (
    "It goes on by itself wherever Ballast runs: ballast serve, or a client's server. "
    "get_status shows how far it is; ballast panic again sells in this terminal and waits."
)
_RESUME: Final = "ballast resume lets Ballast buy again."


def add_panic(
    cli: typer.Typer, run: Callable[[Any], Any], run_working: Callable[[Any], Any]
) -> None:
    """Add the command.

    Args:
        run: opens the app for one use of it.
        run_working: the same, and is the engine meanwhile if no other process is.
    """

    @cli.command("panic")
    def panic(
        slippage: Annotated[
            str, typer.Option(help="At worst so many percent below the price: 0.5 to 20.")
        ] = format_percent_bps(DEFAULT_BUDGET_BPS),
        account: Account = None,
        no_follow: Annotated[
            bool, typer.Option("--no-follow", help="Leave the selling to whatever else runs.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    ) -> None:
        """Buy nothing more, sell everything into the base asset, and wait for the end of it. On a
        terminal only."""
        from ballast.app.panic import read_budget

        need_terminal("panic")
        budget_bps = read_budget(slippage, "--slippage")
        run(lambda app: _ask(app, budget_bps, account))
        require_yes("Sell everything?")
        console = make_console(errors=True)
        try:
            go = run if no_follow else run_working
            sales = go(lambda app: _sell(app, console, budget_bps, account, waits=not no_follow))
        except KeyboardInterrupt:
            console.print(f"Not waiting any longer; the sale is not stopped. {_GOES_ON}")
            raise typer.Exit(INTERRUPTED) from None
        _tell(sales, as_json)
        if not no_follow and any(one.state != SaleState.SOLD.value for one in sales):
            raise typer.Exit(ENDED_OTHERWISE)


async def _ask(app: App, budget_bps: int, account: str | None) -> None:
    """Show the person what would be sold."""
    from ballast.app.panic import what_would_be_sold

    indexes = await what_would_be_sold(app, (await caller_for(app, account)).owner_id)
    console = make_console(errors=True)
    console.print(f"This sells all that these indexes ({app.mode}) hold into their base assets,")
    console.print(f"each swap at worst {format_percent_bps(budget_bps)} % below the price:")
    for one in indexes:
        console.print(f"- {one.name}")


async def _sell(
    app: App, console: Console, budget_bps: int, account: str | None, *, waits: bool
) -> list[SaleView]:
    from ballast.app.panic import panic
    from ballast.app.panic_progress import sales_as_they_stand

    caller = await caller_for(app, account)
    asked = [one.sale_id for one in await panic(app, caller, budget_bps)]
    console.print(f"{NO_NEW_RISK} {being_sold(len(asked))}.")
    if waits and asked:
        console.print("Ctrl-C stops the waiting, not the sale.")
        return await _until_sold(app, console, caller.owner_id, asked)
    return await sales_as_they_stand(app, caller.owner_id, asked)


async def _until_sold(
    app: App, console: Console, owner_id: str, asked: list[str]
) -> list[SaleView]:
    """Look until every sale has ended, or until somebody has halted even that."""
    from ballast.app.panic_progress import sales_as_they_stand
    from ballast.app.switch import halt_level

    said: dict[str, str] = {}
    with console.status("Selling"):
        while True:
            sales = await sales_as_they_stand(app, owner_id, asked)
            for one in sales:
                line = _line(one)
                if said.get(one.id) != line:
                    said[one.id] = line
                    console.print(line)
            if all(one.done for one in sales):
                return sales
            async with app.store.read() as reader:
                level = await halt_level(app.halt_orders, reader, owner_id)
            if level is HaltLevel.NOTHING:
                console.print("Trading was halted meanwhile: nothing is sold at that level.")
                return sales
            await asyncio.sleep(INTERVAL)


def _line(sale: SaleView) -> str:
    """Where one index stands."""
    settled = sum(one.state == "settled" for one in sale.swaps)
    swaps = f", {settled} of {len(sale.swaps)} swaps settled" if sale.swaps else ""
    note = f". {sale.note}" if sale.note else ""
    return f"{sale.name}: {sale.state}{swaps}{note}"


def _tell(sales: list[SaleView], as_json: bool) -> None:
    if as_json:
        print_json({"sales": [one.model_dump(mode="json") for one in sales]})
        return
    console = make_console()
    for sale in sales:
        console.print(f"{sale.name} ({sale.index_id}): {sale.state}")
        for one in sale.swaps:
            if one.state == "settled":
                bought = f"{grouped(one.buy_amount or '')} {one.buy}"
                console.print(f"  sold {grouped(one.sell_amount)} {one.sell} for {bought}")
            else:
                problem = f": {one.problem}" if one.problem else ""
                console.print(f"  {grouped(one.sell_amount)} {one.sell} {one.state}{problem}")
        if sale.note:
            console.print(f"  {sale.note}")
    if not all(one.done for one in sales):
        console.print(_GOES_ON)
    console.print(_RESUME)
