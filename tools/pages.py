"""The text of each page that is made from code."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import StrEnum

from ballast.core.events import EVENTS, EventKind, EventSpec
from ballast.core.states import MACHINES, Moves, is_terminal
from ballast.errors import ERRORS

_ERRORS_HEAD = """\
# Errors

Every refusal is one object with `code`, `message`, `next_step`, `retryable` and `details`, the same
on MCP, REST and the command line. Made from `ballast.errors` by `make generate`.

| code | HTTP status | exit code | may work later | what to do next |
|---|---|---|---|---|
"""

_EVENTS_HEAD = """\
# Events

What Ballast tells others. An event is a row that is written in the same transaction as what it
tells of (`app/events.py:emit`): nothing that happened goes untold, nothing that was undone is told.
Events of one index are numbered without a gap and told in that order; what is about no single index
is numbered for its owner. Amounts are base units as text. No event holds a secret, or text from
outside. Made from `ballast.core.events` by `make generate`.

A refusal that says exactly the same as one within the last hour (`limit.refused`, `price.frozen`)
is not told again.
"""

_STATES_HEAD = """\
# States

Every arrow that exists, and when it is taken. Anything else is refused. A state without an arrow
out of it is final. Made from `ballast.core.states` by `make generate`.
"""


def errors_page() -> str:
    """docs/errors.md: every error code and what each face makes of it."""
    rows = (
        f"| `{code}` | {spec.http_status} | {spec.exit_code} "
        f"| {'yes' if spec.retryable else 'no'} | {spec.next_step} |\n"
        for code, spec in ERRORS.items()
    )
    return _ERRORS_HEAD + "".join(rows)


def events_page() -> str:
    """docs/events.md: one section per event, with what it carries."""
    return _EVENTS_HEAD + "".join(
        line for kind, spec in EVENTS.items() for line in _event(kind, spec)
    )


def _event(kind: EventKind, spec: EventSpec) -> Iterator[str]:
    yield f"\n## {kind}\n\n{spec.when} Level: {spec.level}.\n\n"
    yield "| field | means |\n|---|---|\n"
    for name, meaning in spec.fields.items():
        yield f"| `{name}` | {meaning} |\n"


def states_page() -> str:
    """docs/states.md: one section per state machine, with a sentence per arrow."""
    return _STATES_HEAD + "".join(
        line for states, moves in MACHINES.items() for line in _machine(states, moves)
    )


def _machine(states: type[StrEnum], moves: Moves) -> Iterator[str]:
    yield f"\n## {states.__name__.removesuffix('State')}\n\n"
    if note := inspect.getdoc(states):
        yield f"{note}\n\n"
    final = ", ".join(f"`{state}`" for state in states if is_terminal(state))
    yield f"Starts as `{next(iter(states))}`. Final: {final or 'none'}.\n\n"
    yield "| from | to | when |\n|---|---|---|\n"
    for (start, end), when in moves.items():
        yield f"| `{start}` | `{end}` | {when} |\n"
