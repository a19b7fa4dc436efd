"""Where a person is told, kept at a terminal: an address holds tokens, so it is typed here and
shown nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ballast.core.events import Level
from ballast.core.notifications import Channel, line_of
from ballast.faces.cli.callers import Account, caller_for
from ballast.faces.cli.destinations import Run
from ballast.faces.cli.notify_templates import templates_command
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import print_json, prompt_hidden

if TYPE_CHECKING:
    from ballast.app.app import App
    from ballast.app.notifying.channels import Told

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_Label = Annotated[str, typer.Argument(help="Its label.")]


def notify_command(run: Run[Any]) -> typer.Typer:
    """The command `notify` with add, list, test, remove and history."""
    command = typer.Typer(
        help="Where you are told of events: e-mail, Discord, Telegram, Slack and the rest.",
        no_args_is_help=True,
    )

    _add_changes(command, run)
    _add_looks(command, run)
    command.add_typer(templates_command(run), name="template")
    return command


def _add_changes(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("add")
    def add(
        label: Annotated[str, typer.Argument(help="What you call it.")],
        level: Annotated[
            Level, typer.Option(help="The least that is told here: info, warning or critical.")
        ] = Level.WARNING,
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Add a channel. Its URL (as Apprise writes it) is asked for, so that it stands in no
        history of commands, and a test message is sent first."""
        from ballast.app.notifying.channels import add_channel, require_channels

        run(lambda app: require_channels(app, label))
        url = prompt_hidden("URL")

        async def keep(app: App) -> Channel:
            return await add_channel(app, await caller_for(app, account), label, url, level)

        added: Channel = run(keep)
        _say(added, f"{added.label} ({added.service}) is told of {level} and worse.", as_json)

    @command.command("test")
    def test(
        label: _Label,
        about: Annotated[
            str | None,
            typer.Option("--about", help="An event or level: its message, in your words."),
        ] = None,
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Send a test message."""
        from ballast.app.notifying.channels import TEST, test_channel
        from ballast.app.notifying.templates import preview

        async def send(app: App) -> Channel:
            owner_id = (await caller_for(app, account)).owner_id
            message = TEST if about is None else await preview(app, owner_id, about, label)
            return await test_channel(app, owner_id, label, message)

        tested: Channel = run(send)
        _say(tested, f"A test message went to {tested.label}.", as_json)

    @command.command("remove")
    def remove(label: _Label, account: Account = None, as_json: _Json = False) -> None:
        """Tell nothing more there, and forget its URL."""
        from ballast.app.notifying.channels import remove_channel

        async def take_off(app: App) -> Channel:
            return await remove_channel(app, await caller_for(app, account), label)

        gone: Channel = run(take_off)
        _say(gone, f"{gone.label} is told nothing more.", as_json)


def _add_looks(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("list")
    def show(account: Account = None, as_json: _Json = False) -> None:
        """Show the channels."""
        from ballast.app.notifying.labels import list_channels

        async def find(app: App) -> list[Channel]:
            return await list_channels(app, (await caller_for(app, account)).owner_id)

        found: list[Channel] = run(find)
        if as_json:
            print_json([_plain(one) for one in found])
        else:
            make_console().print(_channels(found))

    @command.command("history")
    def history(
        limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")] = 20,
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Show what was told where, newest first."""
        from ballast.app.notifying.channels import notified

        async def find(app: App) -> list[Told]:
            return await notified(app, (await caller_for(app, account)).owner_id, limit)

        found: list[Told] = run(find)
        if as_json:
            print_json([_line(one) for one in found])
        else:
            make_console().print(_history(found))


def _say(channel: Channel, words: str, as_json: bool) -> None:
    if as_json:
        print_json(_plain(channel))
    else:
        make_console().print(words)


def _channels(found: list[Channel]) -> Table | str:
    if not found:
        return "Nobody is told: ballast notify add makes a channel."
    table = Table("Label", "Service", "From level", "Problem", box=SIMPLE_HEAD)
    for one in found:
        table.add_row(one.label, one.service, one.level.value, one.problem)
    return table


def _history(found: list[Told]) -> Table | str:
    if not found:
        return "Nothing was told yet."
    table = Table("Channel", "State", "Event", box=SIMPLE_HEAD)
    for one in found:
        table.add_row(one.label, one.notice.state.value, line_of(one.event, {}))
    return table


def _plain(one: Channel) -> dict[str, str]:
    return {
        "label": one.label,
        "service": one.service,
        "level": one.level.value,
        "problem": one.problem,
    }


def _line(one: Told) -> dict[str, str | None]:
    ended = one.notice.ended_at
    return {
        "label": one.label,
        "event": one.event.kind.value,
        "event_id": one.event.event_id,
        "index_id": one.event.index_id,
        "state": one.notice.state.value,
        "at": one.event.at.isoformat(),
        "ended_at": None if ended is None else ended.isoformat(),
    }
