"""The metadata, and what columns are made of: one kind of column for one kind of value.

What differs between the two databases stands here, for the tables and for the migrations alike.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Numeric,
    Text,
    text,
)
from sqlalchemy.ext.compiler import compiles

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# Microseconds since 1970 UTC. Strict tables of SQLite know no BIGINT; their INTEGER is as wide.
MOMENT: Final = BigInteger().with_variant(Integer(), "sqlite")
# An amount in base units, or a value in pico-dollars: 10 ETH in wei is more than a 64-bit integer
# holds, and SQLite has no wider one, so there it is canonical text.
UNITS: Final = Text().with_variant(Numeric(78, 0), "postgresql")


class CanonicalUnits(ColumnElement[bool]):
    """The rule of a column of UNITS: an integer of at most 78 digits, and written in one way.

    Args:
        column_name: the column.
        signed: whether it may be below zero.
        zero: whether it may be zero.
    """

    inherit_cache = False

    def __init__(self, column_name: str, *, signed: bool, zero: bool) -> None:
        self.column_name = column_name
        self.signed = signed
        self.zero = zero


@compiles(CanonicalUnits, "sqlite")
def _digits(rule: CanonicalUnits, compiler: Any, **_: Any) -> str:
    """Digits without a leading zero, behind a minus sign or not."""
    digits = "({0} GLOB '[1-9]*' AND {0} NOT GLOB '*[^0-9]*')"
    forms = [f"{rule.column_name} = '0'"] if rule.zero else []
    forms.append(digits.format(rule.column_name))
    if rule.signed:
        magnitude = digits.format(f"substr({rule.column_name}, 2)")
        forms.append(f"({rule.column_name} GLOB '-*' AND {magnitude})")
    return " OR ".join(forms)


@compiles(CanonicalUnits, "postgresql")
def _number(rule: CanonicalUnits, compiler: Any, **_: Any) -> str:
    """The type holds integers alone, but also "not a number", which counts as above all others."""
    rules = [f"{rule.column_name} <> 'NaN'"]
    if not rule.signed:
        rules.append(f"{rule.column_name} >= 0")
    if not rule.zero:
        rules.append(f"{rule.column_name} <> 0")
    return " AND ".join(rules)


class HeldNotNegative(ColumnElement[bool]):
    """The rule of `balances`: what an index holds is never below zero."""

    inherit_cache = False


_HELD: Final = "account NOT IN ('available', 'reserved', 'in_flight') OR "


@compiles(HeldNotNegative, "sqlite")
def _no_sign(rule: HeldNotNegative, compiler: Any, **_: Any) -> str:
    return f"{_HELD}units NOT GLOB '-*'"


@compiles(HeldNotNegative, "postgresql")
def _not_below_zero(rule: HeldNotNegative, compiler: Any, **_: Any) -> str:
    return f"{_HELD}units >= 0"


def only_where(condition: str) -> dict[str, Any]:
    """What makes an index hold only the rows that fulfil a condition, for `Index` and for
    `op.create_index`."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def key_column(name: str) -> Column[str]:
    """The primary key."""
    return Column(name, Text, primary_key=True, nullable=False)


def text_column(name: str, *, null: bool = False) -> Column[str]:
    """Text; also JSON."""
    return Column(name, Text, nullable=null)


def number_column(name: str, *, null: bool = False) -> Column[int]:
    """A small whole number."""
    return Column(name, Integer, nullable=null)


def moment_column(name: str, *, null: bool = False) -> Column[int]:
    """Microseconds since 1970 UTC."""
    return Column(name, MOMENT, nullable=null)


def units_column(name: str, *, null: bool = False) -> Column[str]:
    """An amount or a value: text on SQLite, a number on Postgres."""
    return Column(name, UNITS, nullable=null)


def asset_column(name: str) -> Column[str]:
    """The id of an asset that has been listed."""
    return Column(name, Text, ForeignKey("assets.asset_id"), nullable=False)


def canonical_units(*names: str) -> list[CheckConstraint]:
    """Each column holds an unsigned amount."""
    return [
        CheckConstraint(CanonicalUnits(name, signed=False, zero=True), name=f"{name}_canonical")
        for name in names
    ]


def of_index() -> ForeignKeyConstraint:
    """The row belongs to an index, and to the owner of that index."""
    return ForeignKeyConstraint(["owner_id", "index_id"], ["indexes.owner_id", "indexes.index_id"])
