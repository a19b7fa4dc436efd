"""How the domain's records become columns and JSON, and come back: driven by their types alone.

A column holds text, an integer or bytes. An amount is text where its column is text; a time is
integer microseconds. Inside JSON every integer is text, so that no reader of it can round one.
Going there and back is exact for every value of the type.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from ballast.core.ledger import from_microseconds, microseconds


@dataclasses.dataclass(frozen=True, slots=True)
class Codec:
    """Two functions that undo each other."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _unit_text(value: int) -> str:
    # bool is an int in Python; as an amount it would be a mistake.
    assert type(value) is int, f"{value!r} is no amount"
    return str(value)


SAME: Final = Codec(_same, _same)
UNITS: Final = Codec(_unit_text, int)
_DECIMAL: Final = Codec(str, Decimal)
_MOMENT: Final = Codec(microseconds, from_microseconds)
_MOMENT_TEXT: Final = Codec(
    lambda moment: str(microseconds(moment)), lambda text: from_microseconds(int(text))
)


def column_codec(kind: Any, *, as_text: bool) -> Codec:
    """The codec of one column.

    Args:
        kind: type of the record's field.
        as_text: whether the column is text; an integer field is then an amount.
    """
    inner = _optional(kind)
    if inner is not None:
        return _or_none(column_codec(inner, as_text=as_text))
    if kind is int:
        return UNITS if as_text else SAME
    if kind in (str, bytes):
        return SAME
    if kind is datetime:
        return _MOMENT
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum(kind)
    body = json_codec(kind)
    return Codec(lambda value: dump(body.encode(value)), lambda text: body.decode(json.loads(text)))


def dump(value: Any) -> str:
    """JSON text of a JSON-ready value, with its keys in the order they were given."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


@cache
def json_codec(kind: Any) -> Codec:
    """The codec of a value inside a JSON column.

    Raises:
        TypeError: for a type that no record has used so far.
    """
    inner = _optional(kind)
    if inner is not None:
        return _or_none(json_codec(inner))
    if kind in _PLAIN:
        return _PLAIN[kind]
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum(kind)
    match get_origin(kind), get_args(kind):
        case origin, (item, rest) if origin is tuple and rest is Ellipsis:
            return _sequence(json_codec(item))
        case origin, (key, value) if origin is Mapping and key is str:
            return _mapping(json_codec(value))
        case _:
            raise TypeError(f"no JSON form for {kind!r}")


_PLAIN: Final[Mapping[Any, Codec]] = {
    str: SAME,
    bool: SAME,
    object: SAME,  # evidence from outside, JSON-ready already
    int: UNITS,
    Decimal: _DECIMAL,
    datetime: _MOMENT_TEXT,
}


def _optional(kind: Any) -> Any:
    """The type beside None in `X | None`; None for any other type."""
    if get_origin(kind) not in (Union, types.UnionType):
        return None
    inner = [part for part in get_args(kind) if part is not type(None)]
    assert len(inner) == 1, f"{kind!r} is more than one type"
    return inner[0]


def _or_none(codec: Codec) -> Codec:
    return Codec(
        lambda value: None if value is None else codec.encode(value),
        lambda value: None if value is None else codec.decode(value),
    )


def _enum(kind: type[Enum]) -> Codec:
    return Codec(lambda member: member.value, kind)


def _sequence(item: Codec) -> Codec:
    return Codec(
        lambda values: [item.encode(value) for value in values],
        lambda values: tuple(item.decode(value) for value in values),
    )


def _mapping(item: Codec) -> Codec:
    return Codec(
        lambda values: {key: item.encode(value) for key, value in values.items()},
        lambda values: {key: item.decode(value) for key, value in values.items()},
    )


def _dataclass(kind: Any) -> Codec:
    """A record as an object. A field that an older row lacks takes the record's default."""
    hints = get_type_hints(kind)
    fields = {field.name: json_codec(hints[field.name]) for field in dataclasses.fields(kind)}

    def encode(record: Any) -> dict[str, Any]:
        return {name: codec.encode(getattr(record, name)) for name, codec in fields.items()}

    def decode(body: Mapping[str, Any]) -> Any:
        known = {name: codec.decode(body[name]) for name, codec in fields.items() if name in body}
        return kind(**known)

    return Codec(encode, decode)
