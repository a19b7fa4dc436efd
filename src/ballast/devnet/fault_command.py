"""`ballast devnet fault`: switch faults on and off from a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any

import typer
from rich.table import Table

from ballast.devnet.errors import DevnetError
from ballast.devnet.fault_admin import FaultBody, switch_on_fault
from ballast.devnet.fault_kinds import KINDS, ROUTES, kinds_view
from ballast.devnet.faults import clear_faults, faults, remove_fault
from ballast.devnet.opening import Devnet

Opened = Callable[[typer.Context], AbstractContextManager[Devnet]]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def make_fault_command(opened: Opened, show: Callable[[str | Table], None]) -> typer.Typer:
    """The `fault` subcommands.

    Args:
        opened: the devnet of a call, with refusals turned into one line and exit code 2.
        show: writes to the command line.
    """
    command = typer.Typer(help="Let things go wrong on purpose.", no_args_is_help=True)

    @command.command()
    def add(  # noqa: PLR0913, PLR0917  # each is an option of the command line
        context: typer.Context,
        route: Annotated[str, typer.Argument(help=f"One of: {', '.join(ROUTES)}.")],
        kind: Annotated[str, typer.Argument(help="What goes wrong; see `kinds`.")],
        count: Annotated[
            int | None, typer.Option("--next", help="Strike so many times; once by default.")
        ] = None,
        always: Annotated[
            bool, typer.Option("--always", help="Strike until it is removed.")
        ] = False,
        probability: Annotated[
            str | None, typer.Option(help="Of each strike, such as 0.25; then without end.")
        ] = None,
        seed: Annotated[int, typer.Option(help="Of the chance, beside the devnet's own.")] = 0,
        skip: Annotated[int, typer.Option(help="Let so many requests pass first.")] = 0,
        settings: Annotated[
            list[str] | None, typer.Option("--set", help="A setting, as name=value.")
        ] = None,
        as_json: _Json = False,
    ) -> None:
        """Switch a fault on."""
        with opened(context) as devnet:
            body = FaultBody(
                route=route,
                kind=kind,
                settings=dict(_setting(kind, each) for each in settings or []),
                count=count,
                always=always,
                probability=probability,
                seed=seed,
                skip=skip,
            )
            added = switch_on_fault(devnet.network, body)
            said = f"Fault {added['n']}: {kind} at {route}, {_how_often(added)}."
            show(json.dumps(added) if as_json else said)

    @command.command("list")
    def list_(context: typer.Context, as_json: _Json = False) -> None:
        """Show every fault and how often it has struck."""
        with opened(context) as devnet:
            views = [fault.view() for fault in faults(devnet.network)]
            show(json.dumps(views) if as_json else _table(views))

    @command.command()
    def kinds(as_json: _Json = False) -> None:
        """Show what can go wrong, where, and with which settings."""
        show(json.dumps(kinds_view()) if as_json else _catalogue())

    @command.command()
    def remove(
        context: typer.Context,
        number: Annotated[int, typer.Argument(help="The fault's number, from `list`.")],
    ) -> None:
        """Switch one fault off."""
        with opened(context) as devnet:
            remove_fault(devnet.network, number)
            show(f"Removed fault {number}.")

    @command.command()
    def clear(context: typer.Context) -> None:
        """Switch every fault off."""
        with opened(context) as devnet:
            show(f"Removed {clear_faults(devnet.network)} faults.")

    return command


def _setting(kind: str, text: str) -> tuple[str, Any]:
    """`name=value`; the value is JSON where it can be, unless the setting is a text."""
    name, mark, value = text.partition("=")
    if not mark:
        raise DevnetError(f"--set needs name=value, not {text!r}.")
    default = KINDS[kind].settings.get(name) if kind in KINDS else None
    if isinstance(default, str):
        return name, value
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _how_often(view: dict[str, Any]) -> str:
    times = {None: "until it is removed", 1: "once"}.get(view["count"], f"{view['count']} times")
    chance = "" if view["probability"] == "1" else f", with probability {view['probability']}"
    after = f", after {view['skip']} that pass" if view["skip"] else ""
    return times + chance + after


def _table(views: list[dict[str, Any]]) -> Table:
    table = Table(title="Faults")
    for name in ("Number", "Route", "Kind", "Settings", "How often", "Struck", "Asked"):
        table.add_column(name, overflow="fold")
    for view in views:
        settings = ", ".join(f"{name}={value}" for name, value in view["settings"].items())
        table.add_row(
            str(view["n"]),
            view["route"],
            view["kind"],
            settings,
            "spent" if view["spent"] else _how_often(view),
            str(view["hits"]),
            str(view["seen"]),
        )
    return table


def _catalogue() -> Table:
    table = Table(title="What can go wrong")
    for name in ("Kind", "Where", "What happens", "Settings"):
        table.add_column(name, overflow="fold")
    for kind in KINDS.values():
        settings = ", ".join(f"{name}={value}" for name, value in kind.settings.items())
        table.add_row(kind.name, ", ".join(kind.routes) or "anywhere", kind.says, settings)
    return table
