"""JSON from outside, read strictly: what can be read in two ways is not read at all."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final, NoReturn

_MAX_DEPTH: Final = 32
_STRINGS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MARKS: Final = re.compile(rb"[][{}]")


def parse_json(body: bytes) -> Any:
    """JSON read strictly: numbers with a fraction become Decimal.

    Raises:
        ValueError: no UTF-8 or no JSON, NaN or Infinity, a key twice in one object, half a
            surrogate pair, or nesting deeper than 32.
    """
    if _depth(body) > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    found = json.loads(
        body.decode("utf-8"),
        parse_float=Decimal,
        parse_constant=_refuse_constant,
        object_pairs_hook=_no_duplicates,
    )
    _check_texts(found)
    return found


def _depth(body: bytes) -> int:
    """How deep objects and lists are nested. Found without recursion: the parser's own guard
    hangs on the interpreter's recursion limit, which some libraries raise beyond the stack."""
    depth = deepest = 0
    for mark in _MARKS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if mark in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _check_texts(value: object) -> None:
    """Refuse half a surrogate pair anywhere: UnicodeEncodeError, which is a ValueError."""
    match value:
        case str():
            value.encode()
        case list():
            for part in value:
                _check_texts(part)
        case dict():
            for key, part in value.items():
                key.encode()
                _check_texts(part)
