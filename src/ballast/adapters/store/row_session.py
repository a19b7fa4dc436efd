"""Records read and written on one session: what every group of reads and writes stands on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ballast.adapters.store import rows
from ballast.adapters.store.session import Queries, Session
from ballast.app.ports import StateMovedError

if TYPE_CHECKING:
    from sqlalchemy import ClauseElement


class RowReader:
    """Reads records."""

    def __init__(self, session: Queries) -> None:
        self._session = session

    def end(self) -> None:
        """The read or transaction is over; using this any further is our mistake, and fails."""
        self.__dict__.pop("_session", None)

    async def _one(
        self, record: rows.Record[rows.T], statement: ClauseElement, **given: object
    ) -> rows.T | None:
        found = await self._session.row(statement, **given)
        return None if found is None else record.from_row(found)

    async def _all(
        self, record: rows.Record[rows.T], statement: ClauseElement, **given: object
    ) -> list[rows.T]:
        return [record.from_row(row) for row in await self._session.rows(statement, **given)]


class RowWriter(RowReader):
    """Writes records, between BEGIN and COMMIT."""

    _session: Session

    def __init__(self, session: Session, of: str | None = None) -> None:
        super().__init__(session)
        self._of = of

    async def _add(self, record: rows.Record[rows.T], given: rows.T, **beside: Any) -> None:
        row = record.to_row(given, **beside)
        self._require_mine(row)
        await self._session.change(record.insert, row)

    async def _save(self, statement: ClauseElement, row: Mapping[str, Any], **before: Any) -> None:
        """Replace a row that must still be as it was read."""
        self._require_mine(row)
        if await self._session.change(statement, {**row, **before}) != 1:
            raise StateMovedError(f"{before} is no longer so")

    def _require_mine(self, row: Mapping[str, Any]) -> None:
        """What is about one index must leave the rows of others alone: they may be written now."""
        index_id = row.get("index_id", self._of)
        mine = self._of is None or index_id == self._of
        assert mine, f"a transaction about {self._of} writes a row of {index_id}"
