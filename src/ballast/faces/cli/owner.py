"""Commands for the owner at a terminal only: check the books, take everything out, keep keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from ballast.core.ids import LOCAL_OWNER
from ballast.core.wording import counted
from ballast.faces.cli.accounts import accounts_command
from ballast.faces.cli.api_keys import api_keys_command
from ballast.faces.cli.audit import audit_command
from ballast.faces.cli.command_line import OpenApp
from ballast.faces.cli.destinations import destinations_command
from ballast.faces.cli.keys import keys_command
from ballast.faces.cli.kill_switch import add_kill_switch
from ballast.faces.cli.limits import add_limit_commands
from ballast.faces.cli.notify import notify_command
from ballast.faces.cli.panic import add_panic
from ballast.faces.cli.reconcile import add_reconcile
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import print_json
from ballast.faces.cli.write_off import add_write_off

if TYPE_CHECKING:
    from ballast.app.app import App

DISAGREES: Final = 1
T = TypeVar("T")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def add_owner_commands(
    cli: typer.Typer, opened_app: OpenApp, unready_app: OpenApp, running_app: OpenApp
) -> None:
    """Add the commands that are no operations to the command line.

    Args:
        unready_app: opens the app also while live mode is not ready, for what makes it so.
        running_app: opens the app and is its engine while no other process is.
    """

    run = _runner(opened_app)

    @cli.command("verify")
    def verify_books(as_json: _Json = False) -> None:
        """Check ledger, chain, sums and states, and the ledger against the venue."""
        _verify(run, as_json)

    @cli.command("export")
    def export_everything(as_json: _Json = False) -> None:
        """Print everything but secrets as JSON: indexes, deposits, swaps, ledger, decisions."""
        del as_json  # There is no other form; the option says so to whoever reads a script.
        from ballast.app.export import export

        typer.echo(json.dumps(run(export), indent=2, ensure_ascii=False))

    @cli.command("incident")
    def incident_bundle(
        item_id: Annotated[str, typer.Argument(help="Swap, deposit, withdrawal or rebalance id.")],
        as_json: _Json = False,
    ) -> None:
        """Print all that is known of one item as JSON, for the venue's support: no secrets."""
        del as_json  # There is no other form; the option says so to whoever reads a script.
        from ballast.app.incident import incident

        print_json(run(lambda app: incident(app, LOCAL_OWNER, item_id)))

    add_kill_switch(cli, run, _runner(unready_app))
    add_panic(cli, run, _runner(running_app))
    add_write_off(cli, run)
    add_reconcile(cli, run)
    add_limit_commands(cli, run)
    cli.add_typer(keys_command(run, _runner(unready_app)), name="keys")
    cli.add_typer(audit_command(run), name="audit")
    cli.add_typer(destinations_command(run), name="destinations")
    cli.add_typer(notify_command(run), name="notify")
    cli.add_typer(api_keys_command(run), name="apikey")
    cli.add_typer(accounts_command(run), name="account")


def _runner(open_app: OpenApp) -> Callable[[Callable[[App], Awaitable[T]]], T]:
    """Opens the app for one use of it."""

    def run(use: Callable[[App], Awaitable[T]]) -> T:
        async def opened() -> T:
            async with open_app() as app:
                return await use(app)

        return asyncio.run(opened())

    return run


def _verify(run: Callable[[Any], Any], as_json: bool) -> None:
    from ballast.app.verify import verify

    report = run(verify)
    if as_json:
        answer = {
            "good": report.good,
            "indexes": report.indexes,
            "in_motion": report.in_motion,
            "problems": report.problems,
            "next_steps": report.next_steps,
        }
        print_json(answer)
    else:
        console = make_console()
        for problem in report.problems:
            console.print(f"- {problem}")
        word = "All books agree" if report.good else counted(len(report.problems), "problem")
        indexes = counted(report.indexes, "index", "indexes")
        console.print(f"{word}: {indexes} checked against the venue.")
        for step in report.next_steps:
            console.print(f"Next: {step}")
    if not report.good:
        raise typer.Exit(DISAGREES)
