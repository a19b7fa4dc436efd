"""Refusals in a terminal: what is wrong, where, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rich.text import Text

from ballast.core.wording import grouped
from ballast.errors import ErrorCode
from ballast.faces.answers import Answer

# `cancel=true`, `destination=target`: how arguments are written in a call.
_ARGUMENT: Final = re.compile(r"\b(?P<name>[a-z_]+)=(?P<value>[a-z_]+)\b")

# Details for machines that the message says in words.
_SAID_ALREADY: Final = {
    ErrorCode.AMOUNT_TOO_LOW: ("venue_message", "status", "minimum_units", "minimum_usd"),
    ErrorCode.TRADING_HALTED: ("level",),
    ErrorCode.CONFIRMATION_NEEDED: ("plan_id", "asked_usd", "confirm_above_usd"),
    ErrorCode.LIMIT_EXCEEDED: ("limits",),
}

# How names of details end that are sums; others may be the caller's own words.
_SUMS: Final = ("_usd", "_amount", "available")


def refusal_lines(refusal: Answer) -> Iterator[Text]:
    """The error object as lines of text: message, details, next step."""
    yield Text(f"Error: {refusal['message']}", style="bold")
    for name, value in refusal["details"].items():
        # The call of a refusal is of interest where only the log knows why.
        if name == "call_id" and refusal["code"] != ErrorCode.INTERNAL:
            continue
        if name in _SAID_ALREADY.get(refusal["code"], ()):
            continue
        for line in _detail(name, value):
            # Some messages are the list of what is wrong already.
            if line.plain.strip() not in refusal["message"]:
                yield line
    yield Text(f"Next: {for_the_terminal(refusal['next_step'])}")


def _detail(name: str, value: object) -> Iterator[Text]:
    if isinstance(value, list):
        for one in value:
            yield Text(f"  {_words(one)}")
            candidates = one.get("candidates") if isinstance(one, dict) else None
            for candidate in candidates or ():
                yield Text(f"    {_words(candidate)}")
    elif value is not None:
        shown = grouped(str(value)) if name.endswith(_SUMS) else value
        yield Text(f"  {name}: {shown}")


def _words(one: object) -> str:
    if not isinstance(one, dict):
        return str(one)
    if {"field", "problem"} <= one.keys():
        given = f" ({one['given']})" if one.get("given") else ""
        return f"{one['field']}{given}: {one['problem']}"
    # What a row does not have (the id of one index, where all are meant) says nothing.
    return "  ".join(str(value) for value in one.values() if value is not None)


def for_the_terminal(sentence: str) -> str:
    """The next step names where things are in the data; here they stand above."""
    words = {
        "listed in details.problems": "named above",
        "details.candidates": "those above",
        # Without a client's server nothing works on it between two commands.
        "call get_progress again in a few seconds": "get_progress ID --follow waits, and works",
    }
    for spoken, typed in words.items():
        sentence = sentence.replace(spoken, typed)
    return _ARGUMENT.sub(_as_option, sentence)


def _as_option(argument: re.Match[str]) -> str:
    name = "--" + argument["name"].replace("_", "-")
    return name if argument["value"] == "true" else f"{name} {argument['value']}"
