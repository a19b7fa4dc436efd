"""Every record comes back from its row exactly as it went in, whatever it holds."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballast.adapters.store import rows, tables
from ballast.adapters.store.codec import json_codec
from ballast.core.policy import Policy
from ballast.errors import BallastError, ErrorCode

# What evidence from outside may hold: JSON, whose numbers in a float are not ours to keep exact.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
small = st.integers(0, 2**31)
amounts = st.integers(0, 10**39 - 1)

st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(Decimal, st.decimals(allow_nan=False, allow_infinity=False))


def records_of(record: rows.Record[Any]) -> st.SearchStrategy[Any]:
    """Any value of the record's dataclass that its columns can hold."""
    given: dict[str, st.SearchStrategy[Any]] = {}
    for field in dataclasses.fields(record.kind):
        column = record.table.columns.get(field.name)
        if column is None:
            continue
        kind = str(field.type)
        if kind in ("int", "int | None"):
            units = amounts if isinstance(column.type, tables.Text) else small
            given[field.name] = st.none() | units if "None" in kind else units
        elif "Mapping[str, object]" in kind:
            evidence = st.dictionaries(st.text(max_size=4), json_values, max_size=3)
            given[field.name] = st.none() | evidence if "None" in kind else evidence
    return st.builds(record.kind, **given)


RECORDS = [
    record
    for record in vars(rows).values()
    if isinstance(record, rows.Record) and record.kind.__name__ != "Entry"
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.kind.__name__)
@given(data=st.data())
@settings(max_examples=25)
def test_a_record_survives_the_database(record, data):
    given = data.draw(records_of(record))
    row = record.to_row(given)

    assert record.from_row(through_sqlite(record, row)) == given


def through_sqlite(record: rows.Record[Any], row: Mapping[str, Any]) -> sqlite3.Row:
    """The values as SQLite gives them back from columns of the declared types."""
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    types = {name: record.table.c[name].type.__class__.__name__ for name in row}
    sqlite_types = {"Text": "TEXT", "LargeBinary": "BLOB"}
    columns = ", ".join(f'"{name}" {sqlite_types.get(types[name], "INTEGER")}' for name in row)
    connection.execute(f"CREATE TABLE t ({columns}) STRICT")
    connection.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(row))})", list(row.values()))
    found: sqlite3.Row = connection.execute("SELECT * FROM t").fetchone()
    connection.close()
    return found


def test_every_table_of_records_is_covered():
    assert len(RECORDS) == 13


@given(policy=st.from_type(Policy))
def test_no_number_in_json_can_be_rounded_by_a_reader(policy):
    def numbers(value: object) -> list[object]:
        if isinstance(value, dict):
            return [each for item in value.values() for each in numbers(item)]
        if isinstance(value, list):
            return [each for item in value for each in numbers(item)]
        return [value] if type(value) in (int, float) else []

    written = json.loads(json.dumps(json_codec(Policy).encode(policy)))

    assert numbers(written) == []


def test_a_field_that_an_older_row_lacks_takes_its_default():
    codec = json_codec(Policy)
    older = codec.encode(Policy())
    del older["invest_deposits"]

    assert codec.decode(older) == Policy()


def test_a_type_that_has_no_exact_form_is_refused():
    with pytest.raises(TypeError, match="no JSON form"):
        json_codec(float)


def test_a_value_that_does_not_read_names_its_table():
    row = through_sqlite(
        rows.ASSETS, {"asset_id": "a", "symbol": "A", "chain": "near", "decimals": 6}
    )
    rows.ASSETS.from_row(row)

    with pytest.raises(BallastError, match="payments") as refusal:
        rows.PAYMENTS.from_row(row)

    assert refusal.value.code is ErrorCode.STORE_DAMAGED
