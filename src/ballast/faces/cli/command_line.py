"""One command per operation, made from the same records as the tools."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, cast

import typer
from typer import TyperException
from typer.core import TyperGroup

from ballast import __version__
from ballast.app.operation import Caller, Effect, Operation, Output, invoke
from ballast.app.trades import TradePage
from ballast.errors import ERRORS, BallastError, ErrorCode
from ballast.faces.answers import Answer, answer_of, refusal_of
from ballast.faces.cli.following import ended_well, follow
from ballast.faces.cli.layouts import LAYOUTS
from ballast.faces.cli.mistakes import no_such_command, usage_refusal
from ballast.faces.cli.parameters import arguments_of, parameters_of
from ballast.faces.cli.refusals import for_the_terminal, refusal_lines
from ballast.faces.cli.rendering import make_console, rendered
from ballast.faces.cli.terminal import INTERRUPTED
from ballast.faces.cli.trade_csv import trades_csv

if TYPE_CHECKING:
    from ballast.app.app import App

OpenApp = Callable[[], "AbstractAsyncContextManager[App]"]

CALLER: Final = Caller(face="cli")
ENDED_OTHERWISE: Final = 4
"""Exit code when what was followed ended, but not as it was meant to: the code of a state."""

_Json = Annotated[
    bool, typer.Option("--json", help="Print the answer, or the error, as JSON for machines.")
]
_Csv = Annotated[bool, typer.Option("--csv", help="Print the page as CSV.")]
_NoFollow = Annotated[
    bool, typer.Option("--no-follow", help="Start it and return; do not wait for its end.")
]
_Follow = Annotated[bool, typer.Option("--follow", help="Look until it is done.")]


class Commands(TyperGroup):
    """Takes `create-index` for `create_index`, and reports every mistake in our own words."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, however its words are joined."""
        return self.commands.get(cmd_name) or self.commands.get(cmd_name.replace("-", "_"))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names.

        Raises:
            BallastError: `invalid_input` with the nearest right name.
        """
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise no_such_command(args[0], list(self.commands))
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, **more: Any) -> NoReturn:  # type: ignore[override]
        """Run the command line and exit: with the code of the outcome, never with a traceback."""
        try:
            code = self._outcome(args, more)
        except OSError as trouble:
            code = _not_written(trouble)
        raise SystemExit(code)

    def _outcome(self, args: Sequence[str] | None, more: dict[str, Any]) -> int:
        words = _words(args)
        try:
            code = super().main(words, **{**more, "standalone_mode": False})
        except BallastError as refusal:
            return show_refusal(refusal, as_json="--json" in words)
        except TyperException as mistake:
            if type(mistake).__name__ == "NoArgsIsHelpError":
                typer.echo(mistake.message)
                return 0
            return show_refusal(usage_refusal(mistake, words), as_json="--json" in words)
        except typer.Abort:
            return INTERRUPTED
        return code if isinstance(code, int) else 0


def make_cli(
    operations: Iterable[Operation], *, opened_app: OpenApp, running_app: OpenApp
) -> typer.Typer:
    """The command line over operations; commands of other kinds can be added to it.

    Args:
        opened_app: opens the app for one call, without an engine.
        running_app: opens the app and is its engine while no other process is; for commands that
            wait for what they have started.
    """
    cli = typer.Typer(
        name="ballast",
        cls=Commands,
        help="Keeps crypto indexes in balance. Paper money unless BALLAST_MODE says live.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @cli.callback()
    def ballast(
        version: Annotated[
            bool,
            typer.Option("--version", is_eager=True, callback=_show_version, help="Which one."),
        ] = False,
    ) -> None:
        """Keeps crypto indexes in balance. Paper money unless BALLAST_MODE says live."""

    for operation in operations:
        runner = _Runner(operation, opened_app, running_app)
        cli.command(operation.name, help=operation.description, short_help=operation.title)(
            _command(operation, runner)
        )
    return cli


def _not_written(trouble: OSError) -> int:
    """Say that stdout takes nothing more, and throw away what it has not taken.

    Raises:
        OSError: the trouble, if stdout is not where it comes from.
    """
    stdout = make_console().file
    try:
        stdout.flush()
    except OSError:
        # Python tries once more when it ends, and would report it in its own words.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
    else:
        raise trouble
    typer.echo(
        "ballast: the answer could not be written to stdout; what was asked for may be done.",
        err=True,
    )
    return ERRORS[ErrorCode.STORE_UNAVAILABLE].exit_code


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ballast {__version__}")
        raise typer.Exit


def show_refusal(refusal: BallastError, *, as_json: bool) -> int:
    """Print a refusal: as text on stderr, or as the error object on stdout. Returns the exit
    code of its kind."""
    plain = refusal_of(refusal)
    if as_json:
        typer.echo(_json(plain))
    else:
        console = make_console(errors=True)
        for line in refusal_lines(plain):
            console.print(line)
    return refusal.spec.exit_code


class _Runner:
    """Carries out one command."""

    def __init__(self, operation: Operation, opened_app: OpenApp, running_app: OpenApp) -> None:
        self._operation = operation
        self._opened_app = opened_app
        self._running_app = running_app

    def run(self, typed: dict[str, Any]) -> None:
        """Call the operation, show its answer, and wait for what it has started."""
        as_json, as_csv = typed.pop("as_json"), typed.pop("as_csv", False)
        waits = typed.pop("follow", False) or not typed.pop("no_follow", True)
        arguments = arguments_of(self._operation.input, typed)
        try:
            code = asyncio.run(self._outcome(arguments, as_json, as_csv, waits))
        except KeyboardInterrupt:
            make_console(errors=True).print(interrupted(self._operation.effect, waits))
            code = INTERRUPTED
        raise typer.Exit(code)

    async def _outcome(
        self, arguments: dict[str, Any], as_json: bool, as_csv: bool, waits: bool
    ) -> int:
        async with self._running_app() if waits else self._opened_app() as app:
            output = await invoke(app, self._operation, arguments, CALLER)
            answer = answer_of(output)
            _show(output, answer, as_json, as_csv)
            handle = _handle_of(answer)
            if not waits or handle is None:
                return 0
            return await self._wait(app, handle, as_json)

    async def _wait(self, app: App, handle: str, as_json: bool) -> int:
        from ballast.app.catalog import operation_named

        progress_of = operation_named("get_progress")
        last: list[Output] = []

        async def look(one: str) -> Answer:
            last[:] = [await invoke(app, progress_of, {"id": one}, CALLER)]
            return answer_of(last[0])

        final = await follow(look, handle, make_console(errors=True))
        if not as_json:
            _show(last[0], final, as_json=False, as_csv=False)
        return 0 if ended_well(final) else ENDED_OTHERWISE


def interrupted(effect: Effect, waits: bool) -> str:
    """What has become of a call that was interrupted, as far as it is known."""
    if waits:
        return (
            "Interrupted. What was started is kept. `ballast get_progress ID --follow` carries it "
            "on, and so does a client's server."
        )
    if effect is Effect.READ:
        return "Interrupted. It only looked: nothing was started or changed."
    return "Interrupted. It may have been done already: look before you call it again."


def _show(output: Output, answer: Answer, as_json: bool, as_csv: bool) -> None:
    if as_json:
        typer.echo(_json(answer))
    elif as_csv:
        typer.echo(trades_csv(answer), nl=False)
    else:
        console = make_console()
        console.print(rendered(answer, LAYOUTS.get(type(output))))
        if answer.get("next_step"):
            console.print(f"Next: {for_the_terminal(answer['next_step'])}")


def _command(operation: Operation, runner: _Runner) -> Callable[..., None]:
    """A function that typer can read: one parameter per field, and those of the output."""

    def command(**typed: Any) -> None:
        runner.run(typed)

    parameters = [*parameters_of(operation.input), *_output_parameters(operation)]
    signed = cast(Any, command)
    signed.__signature__ = inspect.Signature(parameters)
    signed.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _output_parameters(operation: Operation) -> list[inspect.Parameter]:
    flags: dict[str, Any] = {"as_json": _Json}
    if operation.output is TradePage:
        flags["as_csv"] = _Csv
    if operation.name == "get_progress":
        flags["follow"] = _Follow
    elif operation.effect is Effect.SPEND or operation.name == "send_paper_deposit":
        flags["no_follow"] = _NoFollow
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [
        inspect.Parameter(name, kind, default=False, annotation=annotation)
        for name, annotation in flags.items()
    ]


def _handle_of(answer: Answer) -> str | None:
    """What can be followed: a rebalance, a deposit, or whatever progress was asked for."""
    names = ("withdrawal_id", "rebalance_id", "deposit_id", "id")
    found = next((answer[name] for name in names if answer.get(name)), None)
    return found if isinstance(found, str) else None


def _words(args: Sequence[str] | None) -> list[str]:
    return list(sys.argv[1:] if args is None else args)


def _json(answer: Answer) -> str:
    # ASCII alone: whatever encoding the terminal or the pipe has, it arrives.
    return json.dumps(answer, indent=2)
