"""An owner's own words for messages, and how a message then looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ballast.faces.cli.callers import Account, caller_for
from ballast.faces.cli.destinations import Run
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import print_json

if TYPE_CHECKING:
    from ballast.app.app import App
    from ballast.app.notifying.templates import Preview, Worded

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_Subject = Annotated[str, typer.Argument(help="An event (drift.threshold) or a level (critical).")]
_Channel = Annotated[str | None, typer.Option(help="Label of the one channel that is meant.")]


def templates_command(run: Run[Any]) -> typer.Typer:
    """The command `template` with set, list and show."""
    command = typer.Typer(
        help="Your own words for messages: ${field} stands for a field of the event.",
        no_args_is_help=True,
    )

    @command.command("set")
    def set_one(
        subject: _Subject,
        title: Annotated[str, typer.Option(help="Of a message about one such event.")] = "",
        text: Annotated[str, typer.Option(help="What is said of such an event.")] = "",
        channel: _Channel = None,
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Set how you are told of an event, or of a level. Without words it is taken back."""
        from ballast.app.notifying.templates import preview, set_template

        async def keep(app: App) -> Preview:
            caller = await caller_for(app, account)
            await set_template(app, caller, subject, title, text, channel)
            return await preview(app, caller.owner_id, subject, channel)

        _show(run(keep), as_json)

    @command.command("show")
    def show(
        subject: _Subject,
        channel: _Channel = None,
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Show a message as it would be sent, with names of fields in place of what they hold."""
        from ballast.app.notifying.templates import preview

        async def look(app: App) -> Preview:
            return await preview(app, (await caller_for(app, account)).owner_id, subject, channel)

        _show(run(look), as_json)

    @command.command("list")
    def show_all(account: Account = None, as_json: _Json = False) -> None:
        """Show the words you have set."""
        from ballast.app.notifying.templates import list_templates

        async def find(app: App) -> list[Worded]:
            return await list_templates(app, (await caller_for(app, account)).owner_id)

        found: list[Worded] = run(find)
        if as_json:
            print_json([_plain(one) for one in found])
        else:
            make_console().print(_table(found))

    return command


def _show(message: Preview, as_json: bool) -> None:
    if as_json:
        print_json({"title": message.title, "text": message.text, "level": message.level.value})
        return
    console = make_console()
    console.print(message.title)
    console.print(message.text)


def _plain(one: Worded) -> dict[str, str | None]:
    return {
        "subject": one.template.subject,
        "channel": one.label,
        "title": one.template.title,
        "text": one.template.text,
    }


def _table(found: list[Worded]) -> Table | str:
    if not found:
        return "All messages are in Ballast's own words."
    table = Table("For", "Channel", "Title", "Text", box=SIMPLE_HEAD)
    for one in found:
        told = one.template
        table.add_row(told.subject, one.label or "every", told.title, told.text)
    return table
