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
        )


def print_json(value: Any) -> None:
    """Print JSON in ASCII: whatever encoding the terminal or the pipe has, it arrives."""
    typer.echo(json.dumps(value, indent=2))
