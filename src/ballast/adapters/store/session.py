"""Running statements: what is the same for every database, above its driver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sqlalchemy import ClauseElement, Dialect


class Row(Protocol):
    """A row of an answer: its columns by name."""

    def __getitem__(self, name: str, /) -> Any: ...


class Wording:
    """Statements in the words of one database.

    Each is compiled on first use, then kept: a statement is a module's constant, or one that its
    maker caches by shape.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: dict[ClauseElement, tuple[str, dict[str, Any]]] = {}

    def sql_of(self, statement: ClauseElement) -> tuple[str, dict[str, Any]]:
        """The SQL of a statement, and the values it brings itself."""
        known = self._compiled.get(statement)
        if known is None:
            compiled = statement.compile(dialect=self._dialect)
            values = {name: value for name, value in compiled.params.items() if value is not None}
            known = self._compiled[statement] = (str(compiled), values)
        return known


class Queries(ABC):
    """Answers queries on one connection, in the order they are given."""

    def __init__(self, wording: Wording) -> None:
        self.wording = wording

    async def rows(self, statement: ClauseElement, **given: Any) -> Sequence[Row]:
        """Every row of a SELECT."""
        sql, values = self.wording.sql_of(statement)
        return await self.fetch(sql, values | given)

    async def row(self, statement: ClauseElement, **given: Any) -> Row | None:
        """The first row of a SELECT; None for none."""
        found = await self.rows(statement, **given)
        return found[0] if found else None

    @abstractmethod
    async def fetch(self, sql: str, values: Mapping[str, Any]) -> Sequence[Row]:
        """Every row of a SELECT in the driver's words."""


class Session(Queries):
    """Runs statements on one connection, in the order they are given."""

    async def change(self, statement: ClauseElement, given: Mapping[str, Any]) -> int:
        """Run an INSERT or UPDATE; says how many rows it changed."""
        sql, values = self.wording.sql_of(statement)
        return await self.run(sql, values | dict(given))

    async def change_each(
        self, statement: ClauseElement, given: Iterable[Mapping[str, Any]]
    ) -> None:
        """Run an INSERT or UPDATE once for each set of values."""
        sql, values = self.wording.sql_of(statement)
        await self.run_each(sql, [values | dict(one) for one in given])

    @abstractmethod
    async def run(self, sql: str, values: Mapping[str, Any]) -> int:
        """Run one statement in the driver's words; how many rows it changed."""

    @abstractmethod
    async def run_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement once for each set of values."""


class OneQuery(Queries):
    """For one query, which is a consistent view by itself: it needs no transaction."""

    def __init__(self, queries: Queries) -> None:
        super().__init__(queries.wording)
        self._queries = queries
        self._asked = False

    async def fetch(self, sql: str, values: Mapping[str, Any]) -> Sequence[Row]:
        """Every row of the one SELECT."""
        assert not self._asked, "a second query would see another state"
        self._asked = True
        return await self._queries.fetch(sql, values)
