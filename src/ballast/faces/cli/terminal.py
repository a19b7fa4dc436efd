"""What only a person at a terminal may do, and what scripts read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import typer

from ballast.errors import BallastError, ErrorCode

INTERRUPTED: Final = 130
NOTHING_DONE: Final = "Nothing was done."
_ANSWERS: Final = {"y": True, "yes": True, "n": False, "no": False, "": False}


def need_terminal(command: str) -> None:
    """Refuse what must not come through a pipe or a model's shell.

    Raises:
        BallastError: `invalid_input`.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"ballast {command} works on a terminal only.",
        ).advising(f"Type it by hand: ballast {command}, in a terminal, without a pipe.")


def require_yes(question: str) -> None:
    """Ask a person whether to go on. Whoever does not say yes is told that nothing was done.

    This and the other questions here are for outside the event loop: inside, a first Ctrl-C only
    asks the loop to end, which waits for the answer.

    Raises:
        typer.Exit: they do not agree.
    """
    with _asking():
        while (word := _typed(f"{question} [y/N]").strip().lower()) not in _ANSWERS:
            typer.echo("Type y for yes, or n for no.", err=True)
    if not _ANSWERS[word]:
        _leave()


def ask_hidden(what: str, *, twice: bool = False) -> str:
    """Ask a person for something that is not shown while it is typed.

    Raises:
        typer.Exit: they do not want to say it, and are told that nothing was done.
    """
    with _asking():
        while True:
            word = _hidden(what)
            if not twice or _hidden("Repeat for confirmation") == word:
                return word
            typer.echo("These two differ: type both again.", err=True)


# The library's own ways to insist would do it in its words.
def _typed(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False, err=True))


def _hidden(what: str) -> str:
    return str(typer.prompt(what, hide_input=True, err=True))


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except typer.Abort:
        typer.echo(err=True)  # The line of the question has not ended.
        _leave()


def _leave() -> NoReturn:
    typer.echo(NOTHING_DONE, err=True)
    raise typer.Exit(INTERRUPTED)


def prompt_hidden(what: str) -> str:
    """Ask for something that is not shown while it is typed; a pipe may bring it as well.

    Raises:
        BallastError: `invalid_input` when a pipe ends without it.
        typer.Exit: somebody does not want to say it.
    """
    if sys.stdin is not None and sys.stdin.isatty():
        return ask_hidden(what)
    try:
        # Nobody sees what comes through a pipe, and hiding it would only be warned of.
        return str(typer.prompt(what, err=True))
    except typer.Abort:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"No {what} came on stdin.",
            problems=[{"field": what, "problem": "type it in a terminal, or pipe it in"}],
        ) from None


def print_json(value: Any) -> None:
    """Print JSON in ASCII: whatever encoding the terminal or the pipe has, it arrives."""
    typer.echo(json.dumps(value, indent=2))
