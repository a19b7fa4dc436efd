"""Reading very many indexes at once: for the passes that look at all of them.

Nothing is made of a row that such a pass does not need, and of what many rows say in the same words
one object for all of them.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sqlalchemy import Integer, Select, bindparam, literal_column, select

from ballast.adapters.store import monitor_tables as m
from ballast.adapters.store import tables as t
from ballast.adapters.store.codec import column_codec
from ballast.adapters.store.phrases import RowsAsJson
from ballast.adapters.store.row_session import RowReader
from ballast.adapters.store.rows import reading
from ballast.app.ports import WatchedBasket, WatchedIndex
from ballast.core.ledger import HELD, from_microseconds
from ballast.core.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ballast.adapters.store.session import Row

# Different texts that are kept read: most policies are one of a few, baskets are not.
POLICIES: Final = 1_024
BASKETS: Final = 4_096

_held_json = (
    select(RowsAsJson(t.balances.c.asset_id, t.balances.c.units))
    .where(
        t.balances.c.index_id == t.indexes.c.index_id,
        t.balances.c.account.in_([literal_column(f"'{one.value}'") for one in HELD]),
        # The one text of nothing, and a number of that text.
        t.balances.c.units != literal_column("'0'"),
    )
    .scalar_subquery()
)


@cache
def page(*, to_the_end: bool) -> Select[tuple[object, ...]]:
    """Funded indexes from behind `after` on, up to `until`, each with what a pass reads of it."""
    c, check = t.indexes.c, m.checks.c
    found = (
        select(
            *(c.index_id, c.owner_id, c.state, c.version, c.created_at, c.updated_at),
            *(c.base_asset_id, c.targets, c.buffer_bps, c.policy),
            _held_json.label("held"),
            *(check.reason, check.index_version, check.purchased_at),
        )
        .outerjoin(m.checks, check.index_id == c.index_id)
        # It would take that of the primary key, and read a page of the file for each row.
        .with_hint(m.checks, "INDEXED BY ix_checks_standing", "sqlite")
        .where(
            c.state.in_([literal_column("'active'"), literal_column("'paused'")]),
            c.index_id > bindparam("after"),
        )
        .order_by(c.index_id)
        .limit(bindparam("limit", type_=Integer))
    )
    return found if to_the_end else found.where(c.index_id <= bindparam("until"))


class SqlWatchedReader(RowReader):
    """Fulfils what the port `MonitorReader` has for passes over all indexes."""

    async def watched(self, after: str, until: str | None, limit: int) -> list[WatchedIndex]:
        """Funded indexes of every owner by id, from behind `after` on, up to `until`."""
        ends = {} if until is None else {"until": until}
        these = page(to_the_end=until is None)
        found = await self._session.rows(these, after=after, limit=limit, **ends)
        with reading(t.indexes):
            return [_watched(row) for row in found]


def _watched(row: Row) -> WatchedIndex:
    purchased_at = row["purchased_at"]
    return WatchedIndex(
        row["index_id"],
        row["owner_id"],
        row["state"],
        row["version"],
        from_microseconds(row["created_at"]),
        from_microseconds(row["updated_at"]),
        _basket(row["base_asset_id"], row["targets"], row["buffer_bps"], row["policy"]),
        _held(row["held"]),
        row["reason"],
        row["index_version"] or 0,
        None if purchased_at is None else from_microseconds(purchased_at),
    )


def _held(written: str) -> Mapping[str, int]:
    """Base units by asset. One may stand in several accounts."""
    lines = json.loads(written)
    held = {asset_id: int(units) for asset_id, units in lines}
    if len(held) < len(lines):
        held = dict.fromkeys(held, 0)
        for asset_id, units in lines:
            held[asset_id] += int(units)
    return held


@lru_cache(BASKETS)
def _basket(base_asset_id: str, targets: str, buffer_bps: int, policy: str) -> WatchedBasket:
    weights = MappingProxyType({asset: int(bps) for asset, bps in json.loads(targets).items()})
    return WatchedBasket(base_asset_id, weights, buffer_bps, _policy(policy))


@lru_cache(POLICIES)
def _policy(written: str) -> Policy:
    policy: Policy = column_codec(Policy, as_text=True).decode(written)
    return policy
