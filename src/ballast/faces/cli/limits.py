"""Limits and large plans: what only a person at a terminal may widen, or agree to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ballast.app.operation import Caller
from ballast.core.ids import LOCAL_OWNER, IdKind, require_id
from ballast.core.wording import grouped
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import need_terminal, print_json, require_yes

if TYPE_CHECKING:
    from ballast.app.app import App
    from ballast.app.limit_changes import Changed
    from ballast.core.limits import LimitChange

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_Index = Annotated[
    str | None, typer.Option("--index", help="Index, by id or name; else all indexes together.")
]
_OWNER = Caller(LOCAL_OWNER, face="terminal")
Run = Callable[[Callable[["App"], Any]], Any]


def add_limit_commands(cli: typer.Typer, run: Run) -> None:
    """Add `limits` and `confirm`.

    Args:
        run: opens the app for one use of it.
    """
    limits = typer.Typer(
        help="What may be spent. Only this command can widen a limit.", no_args_is_help=True
    )

    @limits.command("show")
    def show(index: _Index = None, as_json: _Json = False) -> None:
        """Show the limits, what of them is used, and what waits to be wider."""
        shown = run(lambda app: _shown(app, index))
        if as_json:
            print_json(shown)
        else:
            _print(shown)

    @limits.command("set")
    def set_one(
        name: Annotated[str, typer.Argument(help="Its name, as `limits show` writes it.")],
        value: Annotated[str, typer.Argument(help="Dollars, percent, or assets with commas.")],
        index: _Index = None,
        as_json: _Json = False,
    ) -> None:
        """Set a limit. It holds at once; a wider one in live mode needs a terminal and 24 hours."""
        changed = run(lambda app: _change(app, name, value, index))
        if as_json:
            print_json(_plain(changed))
        else:
            make_console().print(_sentence(changed))

    @limits.command("cancel")
    def cancel(
        change_id: Annotated[str, typer.Argument(help="Id of a change that waits (lim_…).")],
    ) -> None:
        """Give up a change that waits."""
        from ballast.app.limit_changes import cancel_change

        require_id(change_id, IdKind.LIMIT_CHANGE)
        run(lambda app: cancel_change(app, _OWNER, change_id))
        make_console().print(f"{change_id} is given up; the limit stays as it is.")

    cli.add_typer(limits, name="limits")

    @cli.command("confirm")
    def confirm(
        plan_id: Annotated[str, typer.Argument(help="Id (pln_… or ask_…), from the conversation.")],
    ) -> None:
        """Agree to a plan that is too large without a person, or to selling everything."""
        need_terminal("confirm")
        require_id(plan_id, IdKind.PLAN, IdKind.QUESTION)
        run(lambda app: _show_question(app, plan_id))
        require_yes("Do you agree?")
        run(lambda app: _agree(app, plan_id))


async def _show_question(app: App, plan_id: str) -> None:
    from ballast.app.confirming import question_about

    question = await question_about(app, LOCAL_OWNER, plan_id)
    console = make_console()
    console.print(f"{question.opening} ({app.mode}):")
    for line in question.lines:
        console.print(f"- {line}")


async def _agree(app: App, plan_id: str) -> None:
    from ballast.app.confirming import confirm_plan

    await confirm_plan(app, _OWNER, plan_id, "terminal")
    make_console().print("Agreed. The conversation can carry it out now, before that expires.")


async def _change(app: App, name: str, value: str, index: str | None) -> Changed:
    from ballast.app.limit_changes import change_limit, would_widen
    from ballast.app.naming import id_of_index

    if index is not None:
        index = await id_of_index(app, LOCAL_OWNER, index)
    if app.mode == "live" and await would_widen(app, LOCAL_OWNER, name, value, index):
        need_terminal("limits set")
    return await change_limit(app, _OWNER, name, value, index)


async def _shown(app: App, index: str | None) -> dict[str, Any]:
    from ballast.app.indexes import require_index
    from ballast.app.limit_changes import WAITING, limits_now
    from ballast.app.limit_words import limits_as_words, used_as_words
    from ballast.app.limits import used_up
    from ballast.app.naming import id_of_index

    if index is not None:
        index = await id_of_index(app, LOCAL_OWNER, index)
    async with app.store.read() as reader:
        found = await require_index(reader, LOCAL_OWNER, index) if index else None
        limits = await limits_now(app, reader, LOCAL_OWNER, found)
        here, everywhere = await used_up(app, reader, LOCAL_OWNER, index or "")
        changes = await reader.list_limit_changes(LOCAL_OWNER)
    waiting = [one for one in changes if one.outcome == WAITING and one.index_id == (index or "")]
    return {
        "limits": limits_as_words(limits),
        "used": used_as_words(here if index else everywhere),
        "waiting": [_plain_change(one) for one in waiting],
    }


def _plain_change(change: LimitChange) -> dict[str, str]:
    from ballast.app.limit_words import NAME_OF, words_of
    from ballast.core.limits import Limits, with_limit

    name = NAME_OF[change.field]
    return {
        "change_id": change.change_id,
        "limit": name,
        "value": words_of(with_limit(Limits(), change.field, change.value), name),
        "usable_from": max(change.usable_at, change.wall_usable_at).isoformat(),
    }


def _plain(changed: Changed) -> dict[str, Any]:
    return {
        "limit": changed.name,
        "before": changed.before,
        "after": changed.after,
        "in_force": changed.waiting is None,
        "waiting": None if changed.waiting is None else _plain_change(changed.waiting),
    }


def _sentence(changed: Changed) -> str:
    before, after = grouped(changed.before), grouped(changed.after)
    if changed.waiting is None:
        return f"{changed.name} is {after} now; it was {before}."
    until = max(changed.waiting.usable_at, changed.waiting.wall_usable_at)
    return (
        f"{changed.name} stays {before} until {until:%Y-%m-%d %H:%M} UTC, then becomes "
        f"{after}. To give that up: ballast limits cancel {changed.waiting.change_id}"
    )


def _print(shown: dict[str, Any]) -> None:
    table = Table("Limit", "Value", "Used", "Waiting", box=SIMPLE_HEAD)
    waiting = {one["limit"]: one for one in shown["waiting"]}
    for name, value in shown["limits"].items():
        later = waiting.get(name)
        until = "" if later is None else later["usable_from"][:16]
        words = "" if later is None else f"{grouped(later['value'])} from {until}"
        table.add_row(name, grouped(value), grouped(shown["used"].get(name, "")), words)
    make_console().print(table)
