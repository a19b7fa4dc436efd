"""What only a person at a terminal may do, and what scripts read."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer

from ballast.errors import BallastError, ErrorCode


def need_terminal(command: str) -> None:
    """Refuse what must not come through a pipe or a model's shell.

    Raises:
        BallastError: `invalid_input`.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"ballast {command} works on a terminal only.",
            problems=[{"field": "terminal", "problem": "run it by hand in a terminal"}],
        ).advising(f"Type it by hand: ballast {command}, in a terminal, without a pipe.")


def prompt_hidden(what: str) -> str:
    """Ask for something that is not shown while it is typed; a pipe may bring it as well.

    Raises:
        BallastError: `invalid_input` when a pipe ends without it.
        typer.Abort: somebody does not want to say it.
    """
    # Nobody sees what comes through a pipe, and hiding it there would only be warned of.
    typed = sys.stdin is not None and sys.stdin.isatty()
    try:
        return str(typer.prompt(what, hide_input=typed, err=True))
    except typer.Abort:
        if typed:
            raise
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"No {what} came on stdin.",
            problems=[{"field": what, "problem": "type it in a terminal, or pipe it in"}],
        ) from None


def print_json(value: Any) -> None:
    """Print JSON in ASCII: whatever encoding the terminal or the pipe has, it arrives."""
    typer.echo(json.dumps(value, indent=2))
