"""`ballast halt` and `ballast resume`: anybody may stop trading, the owner alone goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ballast.app.halting import TRADING
from ballast.app.operation import Output, invoke
from ballast.app.switch import NO_NEW_RISK
from ballast.core.halting import HaltLevel
from ballast.core.money import format_percent_bps, parse_percent_bps
from ballast.core.panic import DEFAULT_BUDGET_BPS, PanicSale
from ballast.faces.answers import answer_of
from ballast.faces.cli.callers import Account, caller_for
from ballast.faces.cli.command_line import CALLER
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import need_terminal, print_json

if TYPE_CHECKING:
    from ballast.app.app import App

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def add_kill_switch(
    cli: typer.Typer, run: Callable[[Any], Any], run_unready: Callable[[Any], Any]
) -> None:
    """Add the commands.

    Args:
        run: opens the app for one use of it.
        run_unready: the same, also while live mode is not ready: stopping is always possible.
    """

    @cli.command("halt")
    def halt(
        level: Annotated[
            str, typer.Option(help="nothing is signed, or no_new_risk: nothing is bought.")
        ] = HaltLevel.NOTHING.word,
        reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
        as_json: _Json = False,
    ) -> None:
        """Stop all trading at once: nothing more is signed. ballast resume undoes it."""
        given = {"level": level.replace("-", "_"), "reason": reason}
        answer = answer_of(run_unready(lambda app: _halt(app, given)))
        if as_json:
            print_json(answer)
            return
        halted = answer["trading"] == TRADING[HaltLevel.NOTHING]
        told = "Trading is halted." if halted else NO_NEW_RISK
        make_console().print(f"{told} {answer['next_step']}")

    @cli.command("panic")
    def panic(
        slippage: Annotated[
            str, typer.Option(help="At worst so many percent below the price: 0.5 to 20.")
        ] = format_percent_bps(DEFAULT_BUDGET_BPS),
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Buy nothing more, and sell everything into the base asset. On a terminal only."""
        need_terminal("panic")
        sales = run(lambda app: _panic(app, slippage, account))
        if as_json:
            print_json({"sales": [{"id": one.sale_id, "index_id": one.index_id} for one in sales]})
            return
        _tell(sales)

    @cli.command("resume")
    def resume(account: Account = None, as_json: _Json = False) -> None:
        """Lift the kill switch that halt or halt_trading set. On a terminal only."""
        need_terminal("resume")
        from ballast.app.halting import resume_trading

        async def lift(app: App) -> bool:
            return await resume_trading(app, (await caller_for(app, account)).owner_id)

        was_on = run(lift)
        if as_json:
            print_json({"trading": "on", "was_halted": was_on})
            return
        make_console().print("Trading is on again." if was_on else "Trading was not halted.")


def _tell(sales: list[PanicSale]) -> None:
    console = make_console()
    console.print(f"{NO_NEW_RISK} {len(sales)} index(es) are being sold.")
    if sales:
        console.print("Nothing is sold until a process runs: keep ballast serve or a client's")
        console.print(
            "server running. get_status says when it is over, explain what stays and why."
        )
    console.print("ballast resume lets Ballast buy again.")


async def _panic(app: App, slippage: str, account: str | None) -> list[PanicSale]:
    from ballast.app.panic import panic, require_budget, what_would_be_sold

    caller = await caller_for(app, account)
    budget_bps = parse_percent_bps(slippage)
    require_budget(budget_bps)
    indexes = await what_would_be_sold(app, caller.owner_id)
    console = make_console()
    console.print(f"This sells all that these indexes ({app.mode}) hold into their base assets,")
    console.print(f"each swap at worst {format_percent_bps(budget_bps)} % below the price:")
    for one in indexes:
        console.print(f"- {one.name}")
    typer.confirm("Sell everything?", abort=True)
    return await panic(app, caller, budget_bps)


async def _halt(app: App, given: dict[str, Any]) -> Output:
    from ballast.app.catalog import operation_named

    return await invoke(app, operation_named("halt_trading"), given, CALLER)
