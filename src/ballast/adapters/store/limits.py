"""Reads and writes of limits: what is used, what an owner allows, what waits, what was agreed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, literal_column, select

from ballast.adapters.store import limit_tables as t
from ballast.adapters.store.codec import column_codec
from ballast.adapters.store.phrases import InsertOr
from ballast.adapters.store.queries import by
from ballast.adapters.store.row_session import RowReader, RowWriter
from ballast.adapters.store.rows import Record, reading
from ballast.adapters.store.tables import swaps
from ballast.core.ledger import from_microseconds, microseconds
from ballast.core.limits import Confirmation, LimitChange, Limits, Spending

LIMIT_CHANGES: Final = Record(LimitChange, t.limit_changes)
CONFIRMATIONS: Final = Record(Confirmation, t.confirmations)
_LIMITS: Final = column_codec(Limits, as_text=True)

# Added up in Python: SUM over text would be a float.
SPENDING: Final = select(
    swaps.c.index_id, swaps.c.created_at, swaps.c.value_pico, swaps.c.cost_pico
).where(
    swaps.c.owner_id == bindparam("owner_id"),
    swaps.c.created_at > bindparam("since"),
    swaps.c.state.not_in([literal_column("'failed'"), literal_column("'refunded'")]),
)
_OWNER_LIMITS: Final = by(t.owner_limits, "owner_id")
_PUT_OWNER_LIMITS: Final = InsertOr(
    t.owner_limits, on=["owner_id"], replace=["limits", "updated_at"]
)
_CHANGE: Final = by(t.limit_changes, "owner_id", "change_id")
_CHANGES: Final = by(t.limit_changes, "owner_id").order_by(
    t.limit_changes.c.asked_at.desc(), t.limit_changes.c.change_id.desc()
)
_SAVE_CHANGE: Final = LIMIT_CHANGES.replace("change_id", "outcome")
_CONFIRMATION: Final = by(t.confirmations, "owner_id", "plan_id")


class SqlLimitReader(RowReader):
    """Fulfils the port `LimitReader`."""

    async def spending_since(self, owner_id: str, since: datetime) -> list[Spending]:
        """All swaps of an owner made after `since`, but for failed and refunded ones."""
        found = await self._session.rows(SPENDING, owner_id=owner_id, since=microseconds(since))
        with reading(swaps):
            return [
                Spending(
                    index_id=row["index_id"],
                    at=from_microseconds(row["created_at"]),
                    value_pico=int(row["value_pico"]),
                    cost_pico=int(row["cost_pico"]),
                )
                for row in found
            ]

    async def owner_limits(self, owner_id: str) -> Limits | None:
        """What the owner allows all indexes together; None while nothing was set."""
        row = await self._session.row(_OWNER_LIMITS, owner_id=owner_id)
        if row is None:
            return None
        with reading(t.owner_limits):
            limits: Limits = _LIMITS.decode(row["limits"])
            return limits

    async def get_limit_change(self, owner_id: str, change_id: str) -> LimitChange | None:
        """One change of this owner's."""
        return await self._one(LIMIT_CHANGES, _CHANGE, owner_id=owner_id, change_id=change_id)

    async def list_limit_changes(self, owner_id: str) -> list[LimitChange]:
        """All that were ever asked for, newest first."""
        return await self._all(LIMIT_CHANGES, _CHANGES, owner_id=owner_id)

    async def confirmation_of(self, owner_id: str, plan_id: str) -> Confirmation | None:
        """A person's word for a plan, if it was given."""
        return await self._one(CONFIRMATIONS, _CONFIRMATION, owner_id=owner_id, plan_id=plan_id)


class SqlLimitWrites(RowWriter):
    """Fulfils what the port `LimitTransaction` adds to it."""

    async def put_owner_limits(self, owner_id: str, limits: Limits, at: datetime) -> None:
        """Set what the owner allows all indexes together."""
        row = {
            "owner_id": owner_id,
            "limits": _LIMITS.encode(limits),
            "updated_at": microseconds(at),
        }
        await self._session.change(_PUT_OWNER_LIMITS, row)

    async def add_limit_change(self, change: LimitChange) -> None:
        """Add a change that waits."""
        await self._add(LIMIT_CHANGES, change)

    async def save_limit_change(self, change: LimitChange, was: str) -> None:
        """Replace a change whose outcome is still `was`."""
        await self._save(
            _SAVE_CHANGE,
            LIMIT_CHANGES.to_row(change),
            key_change_id=change.change_id,
            key_owner_id=change.owner_id,
            was_outcome=was,
        )

    async def add_confirmation(self, confirmation: Confirmation) -> None:
        """Keep a person's word for a plan. It never changes afterwards."""
        await self._add(CONFIRMATIONS, confirmation)
