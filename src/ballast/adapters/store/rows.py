"""Which record lives in which table. A column per field, of the same name, and nothing by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar, get_type_hints

from sqlalchemy import Table, Text, Update, bindparam, insert, update

from ballast.adapters.store import tables
from ballast.adapters.store.codec import column_codec
from ballast.adapters.store.session import Row
from ballast.app.ports import KeyEnvelope, StoredAnswer
from ballast.core.decisions import Decision
from ballast.core.deposits import Deposit, Payment
from ballast.core.index import Asset, Index
from ballast.core.ledger import Entry
from ballast.core.trading import Intent, Plan, Rebalance, Swap
from ballast.core.withdrawals import Destination, Withdrawal
from ballast.errors import BallastError, ErrorCode

T = TypeVar("T")

REMEMBERED: Final = 512


@contextmanager
def reading(table: Table) -> Iterator[None]:
    """Take values out of rows of a table.

    Raises:
        BallastError: `store_damaged` when one does not read.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise _unreadable(table, error) from error


def _unreadable(table: Table, error: Exception) -> BallastError:
    return BallastError(
        ErrorCode.STORE_DAMAGED,
        f"A row of the table {table.name} does not read.",
        reason=str(error)[:200],
    )


class Record(Generic[T]):
    """A dataclass kept as one row of one table.

    Args:
        kind: the dataclass.
        table: its table.
        beside: columns that are no field, given when a row is written.
        elsewhere: fields that are no column.
        remembered: how many records are kept with the row each was read from: one that is read
            again and has not changed is not taken apart again.

    Attributes:
        insert: the statement that adds a row from `to_row`.
    """

    def __init__(
        self,
        kind: type[T],
        table: Table,
        *,
        beside: tuple[str, ...] = (),
        elsewhere: tuple[str, ...] = (),
        remembered: int = 0,
    ) -> None:
        self.kind = kind
        self.table = table
        hints = get_type_hints(kind)
        fields = [
            field.name
            for field in dataclasses.fields(kind)  # type: ignore[arg-type]
            if field.name not in elsewhere
        ]
        columns = {column.name for column in table.columns}
        assert {*fields, *beside} == columns, f"{kind.__name__} and {table.name} differ"
        self._codecs = {
            name: column_codec(hints[name], as_text=isinstance(table.c[name].type, Text))
            for name in fields
        }
        self.insert: Final = insert(table)
        self._made = lru_cache(remembered)(self._make) if remembered else self._make

    def to_row(self, record: T, **beside: Any) -> dict[str, Any]:
        """Column values of a record."""
        row = {name: codec.encode(getattr(record, name)) for name, codec in self._codecs.items()}
        return row | beside

    def fields_of(self, row: Row) -> dict[str, Any]:
        """The record's fields out of a row that has at least its columns.

        Raises:
            BallastError: `store_damaged` when a value does not read.
        """
        with reading(self.table):
            return {name: codec.decode(row[name]) for name, codec in self._codecs.items()}

    def from_row(self, row: Row) -> T:
        """The record back from a row.

        Raises:
            BallastError: `store_damaged` when a value does not read, or is not there.
        """
        try:
            values = [*map(row.__getitem__, self._codecs)]
        except LookupError as error:
            raise _unreadable(self.table, error) from error
        return self._made(*values)

    def _make(self, *values: Any) -> T:
        return self.kind(**self.fields_of(dict(zip(self._codecs, values, strict=True))))

    def replace(self, key: str, *guards: str) -> Update:
        """An UPDATE of every column but the key and the owner, for a row that is still as it was.

        Args:
            key: the primary key; bound as `key_<name>`, like the owner.
            guards: columns whose value before is bound as `was_<name>`.
        """
        identity = (key, "owner_id")
        conditions = [self.table.c[name] == bindparam(f"key_{name}") for name in identity]
        conditions += [self.table.c[name] == bindparam(f"was_{name}") for name in guards]
        values: dict[str, Any] = {
            column.name: bindparam(column.name)
            for column in self.table.columns
            if column.name not in identity
        }
        return update(self.table).where(*conditions).values(values)


ASSETS: Final = Record(Asset, tables.assets)
INDEXES: Final = Record(Index, tables.indexes, beside=("name_key",), remembered=REMEMBERED)
KEYS: Final = Record(KeyEnvelope, tables.keys, beside=("owner_id",))
ENTRIES: Final = Record(
    Entry,
    tables.entries,
    beside=("sequence", "recorded_at", "previous_hash", "hash"),
    elsewhere=("postings",),
)
PLANS: Final = Record(Plan, tables.plans)
REBALANCES: Final = Record(Rebalance, tables.rebalances)
SWAPS: Final = Record(Swap, tables.swaps)
INTENTS: Final = Record(Intent, tables.intents)
DEPOSITS: Final = Record(Deposit, tables.deposits)
PAYMENTS: Final = Record(Payment, tables.payments)
DESTINATIONS: Final = Record(Destination, tables.destinations)
WITHDRAWALS: Final = Record(Withdrawal, tables.withdrawals)
DECISIONS: Final = Record(Decision, tables.decisions)
ANSWERS: Final = Record(
    StoredAnswer, tables.requests, beside=("owner_id", "operation", "request_id", "at")
)
