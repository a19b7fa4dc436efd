"""Reads and writes of what happens by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Integer, bindparam, case, func, insert, null, or_, select, update

from ballast.adapters.store import monitor_tables as t
from ballast.adapters.store.columns import MOMENT
from ballast.adapters.store.phrases import InsertOr
from ballast.adapters.store.queries import by
from ballast.adapters.store.row_session import RowReader, RowWriter
from ballast.adapters.store.rows import Record
from ballast.app.ports import Shard
from ballast.core.checks import Check, first_check
from ballast.core.ledger import from_microseconds, microseconds
from ballast.core.unit_value import UnitValue

CHECKS: Final = Record(Check, t.checks, beside=("counted",))
UNIT_VALUES: Final = Record(UnitValue, t.unit_values)

_c = t.checks.c
_next = t.shards.alias("next_shard")
_shard_of_check = (
    select(t.shards)
    .where(t.shards.c.behind < bindparam("index_id"))
    .order_by(t.shards.c.behind.desc())
    .limit(1)
    .subquery("its_shard")
)
# Of a row that waits for the next pass, with the passes since it was counted last.
_CHECK: Final = by(t.checks, "index_id").add_columns(
    _shard_of_check.c.passes, _shard_of_check.c.passed_at
)
_UNIT_VALUES: Final = by(t.unit_values, "index_id").order_by(t.unit_values.c.at)
_LAST_UNIT_VALUE: Final = by(t.unit_values, "index_id").order_by(t.unit_values.c.at.desc()).limit(1)
_ADD_CHECK: Final = InsertOr(t.checks, on=["index_id"])
_passes_now = (
    select(t.shards.c.passes)
    .where(t.shards.c.behind < bindparam("key_index_id"))
    .order_by(t.shards.c.behind.desc())
    .limit(1)
    .scalar_subquery()
)
# What was woken by a pass is not counted by it: then the row is a pass ahead.
_SAVE_CHECK: Final = CHECKS.replace("index_id", "due_at").values(
    counted=case((_c.counted > _passes_now, _c.counted), else_=_passes_now)
)
_is_counted = _c.due_at.is_(null()) & (_c.counted < bindparam("passes", type_=Integer))
_WAKE_PLANNED: Final = (
    update(t.checks)
    .where(
        _c.index_id == bindparam("key_index_id"),
        or_(_c.due_at.is_(null()), _c.due_at > bindparam("at")),
    )
    .values(
        due_at=bindparam("at"),
        times=_c.times
        + case((_is_counted, bindparam("passes", type_=Integer) - _c.counted), else_=0),
        checked_at=case((_is_counted, bindparam("passed_at", type_=MOMENT)), else_=_c.checked_at),
        counted=bindparam("passes", type_=Integer) + 1,
    )
)
_WAKE: Final = _WAKE_PLANNED.where(_c.due_at.is_(null()))
_SHARD: Final = select(
    t.shards,
    select(func.min(_next.c.behind))
    .where(_next.c.behind > t.shards.c.behind)
    .scalar_subquery()
    .label("until"),
).where(t.shards.c.behind == bindparam("behind"))
_END_PASS: Final = (
    update(t.shards)
    .where(t.shards.c.behind == bindparam("key_behind"), t.shards.c.due_at == bindparam("was"))
    .values(due_at=bindparam("next_at"), passes=t.shards.c.passes + 1, passed_at=bindparam("at"))
)
_ADD_SHARD: Final = insert(t.shards)
_SCHEDULE: Final = by(t.schedules, "name")
_WAKE_PASSES: Final = (
    update(t.shards).where(t.shards.c.due_at > bindparam("at")).values(due_at=bindparam("at"))
)
_SAVE_SCHEDULE: Final = (
    update(t.schedules)
    .where(t.schedules.c.name == bindparam("key_name"), t.schedules.c.due_at == bindparam("was"))
    .values(due_at=bindparam("at"))
)


class SqlMonitorReader(RowReader):
    """Fulfils the port `MonitorReader`, but for what needs the rows of indexes as well."""

    async def get_check(self, index_id: str) -> Check | None:
        """Where an index stands with the monitor. Passes over its shard that left its row alone
        have checked it as well."""
        row = await self._session.row(_CHECK, index_id=index_id)
        if row is None:
            return None
        check = CHECKS.from_row(row)
        missed = row["passes"] - row["counted"]
        if check.due_at is not None or missed <= 0:
            return check
        passed_at = from_microseconds(row["passed_at"])
        return replace(check, times=check.times + missed, checked_at=passed_at)

    async def get_shard(self, behind: str) -> Shard:
        """A shard, by where it begins."""
        row = await self._session.row(_SHARD, behind=behind)
        assert row is not None, "the first is made by a migration, and none is ever removed"
        passed_at = row["passed_at"]
        return Shard(
            behind,
            row["until"],
            from_microseconds(row["due_at"]),
            row["passes"],
            None if passed_at is None else from_microseconds(passed_at),
        )

    async def schedule_due_at(self, name: str) -> datetime:
        """When work of this name is due next."""
        row = await self._session.row(_SCHEDULE, name=name)
        assert row is not None, "a migration has added the row"
        return from_microseconds(row["due_at"])

    async def last_unit_value(self, index_id: str) -> UnitValue | None:
        """The newest unit value of an index."""
        return await self._one(UNIT_VALUES, _LAST_UNIT_VALUE, index_id=index_id)

    async def list_unit_values(self, index_id: str) -> list[UnitValue]:
        """Oldest first."""
        return await self._all(UNIT_VALUES, _UNIT_VALUES, index_id=index_id)


class SqlMonitorWrites(RowWriter):
    """Fulfils what the port `MonitorTransaction` adds to it."""

    async def add_unit_values(self, values: Sequence[UnitValue]) -> None:
        """Add unit values; they never change afterwards."""
        await self._session.change_each(
            UNIT_VALUES.insert, [UNIT_VALUES.to_row(one) for one in values]
        )

    async def wake_checks(
        self, indexes: Sequence[tuple[str, str]], at: datetime, shard: Shard, *, planned: bool
    ) -> None:
        """Let indexes of a shard, given by owner and id, be looked at exactly at this time, as
        the pass over it that is going on found; `planned`: also those for which a later time is
        set already."""
        fresh = [
            CHECKS.to_row(first_check(owner_id, index_id, at), counted=shard.passes + 1)
            for owner_id, index_id in indexes
        ]
        await self._session.change_each(_ADD_CHECK, fresh)
        passed_at = shard.passed_at
        counts = {
            "at": microseconds(at),
            "passes": shard.passes,
            "passed_at": None if passed_at is None else microseconds(passed_at),
        }
        woken = [{"key_index_id": index_id, **counts} for _, index_id in indexes]
        await self._session.change_each(_WAKE_PLANNED if planned else _WAKE, woken)

    async def end_pass(
        self, shard: Shard, at: datetime, due_at: datetime, cuts: Sequence[str]
    ) -> None:
        """End the pass over a shard that was due then, and plan the next one. What follows behind
        each of the `cuts` is a shard of its own from now on, with the same past."""
        times = {"was": microseconds(shard.due_at), "at": microseconds(at)}
        next_at = microseconds(due_at)
        await self._save(_END_PASS, {}, key_behind=shard.behind, next_at=next_at, **times)
        new = [
            {
                "behind": cut,
                "due_at": next_at,
                "passes": shard.passes + 1,
                "passed_at": microseconds(at),
            }
            for cut in cuts
        ]
        await self._session.change_each(_ADD_SHARD, new)

    async def save_check(self, check: Check, was_due_at: datetime) -> None:
        """Replace the row of a check that was due then."""
        await self._save(
            _SAVE_CHECK,
            CHECKS.to_row(check),
            key_index_id=check.index_id,
            key_owner_id=check.owner_id,
            was_due_at=microseconds(was_due_at),
        )

    async def wake_passes(self, at: datetime) -> None:
        """Let the next pass over all indexes be due at this time, unless it is due earlier."""
        await self._session.change(_WAKE_PASSES, {"at": microseconds(at)})

    async def save_schedule(self, name: str, was: datetime, due_at: datetime) -> None:
        """Plan work of this name that was due then."""
        await self._save(
            _SAVE_SCHEDULE,
            {},
            key_name=name,
            was=microseconds(was),
            at=microseconds(due_at),
        )
