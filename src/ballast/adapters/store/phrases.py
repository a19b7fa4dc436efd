"""Phrases of SQL that SQLAlchemy has no neutral words for, said in those of each database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Insert, String, Table
from sqlalchemy.ext.compiler import compiles


class InsertOr(Insert):
    """An INSERT of a row that may be there already: then a column or two are replaced, or nothing
    is. Both databases say it in the same words (SQLite took them over from Postgres).

    Args:
        table: all of its columns are given.
        on: columns that tell whether it is the same row; a unique constraint stands on them.
        replace: columns that take the new value.
    """

    inherit_cache = False

    def __init__(self, table: Table, on: Sequence[str], replace: Sequence[str] = ()) -> None:
        super().__init__(table)
        self.on = tuple(on)
        self.replace = tuple(replace)


@compiles(InsertOr)
def _insert_or(statement: InsertOr, compiler: Any, **more: Any) -> str:
    replaced = ", ".join(f"{name} = excluded.{name}" for name in statement.replace)
    action = f"UPDATE SET {replaced}" if replaced else "NOTHING"
    insert = compiler.visit_insert(statement, **more)
    return f"{insert} ON CONFLICT ({', '.join(statement.on)}) DO {action}"


class RowsAsJson(ColumnElement[str]):
    """The rows of a subquery's FROM as JSON text, each a list of its columns as text.

    Args:
        columns: of each row.
    """

    inherit_cache = False
    type = String()

    def __init__(self, *columns: ColumnElement[Any]) -> None:
        self.columns = columns

    @property
    def _from_objects(self) -> list[Any]:
        """What stands in FROM because of it."""
        return [one for column in self.columns for one in column._from_objects]


@compiles(RowsAsJson, "sqlite")
def _json_group_array(rows: RowsAsJson, compiler: Any, **more: Any) -> str:
    columns = ", ".join(compiler.process(column, **more) for column in rows.columns)
    return f"json_group_array(json_array({columns}))"


@compiles(RowsAsJson, "postgresql")
def _json_agg(rows: RowsAsJson, compiler: Any, **more: Any) -> str:
    columns = ", ".join(f"({compiler.process(column, **more)})::text" for column in rows.columns)
    return f"coalesce(json_agg(json_build_array({columns})), '[]')::text"
