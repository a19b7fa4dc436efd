"""`ballast halt` and `ballast resume`: anybody may stop trading, the owner alone goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ballast.app.halting import TRADING
from ballast.app.operation import Output, invoke
from ballast.app.switch import NO_NEW_RISK
from ballast.core.halting import HaltLevel
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

    @cli.command("resume")
    def resume(account: Account = None, as_json: _Json = False) -> None:
        """Lift the kill switch that halt or halt_trading set. On a terminal only."""
        need_terminal("resume")
        from ballast.app.resuming import resume_trading

        async def lift(app: App) -> bool:
            return await resume_trading(app, (await caller_for(app, account)).owner_id)

        was_on = run(lift)
        if as_json:
            print_json({"trading": "on", "was_halted": was_on})
            return
        make_console().print("Trading is on again." if was_on else "Trading was not halted.")


async def _halt(app: App, given: dict[str, Any]) -> Output:
    from ballast.app.catalog import operation_named

    return await invoke(app, operation_named("halt_trading"), given, CALLER)
