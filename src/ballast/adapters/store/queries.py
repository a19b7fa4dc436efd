"""The SELECT of each read. Values are bound by name; a statement's shape never depends on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    union,
    union_all,
)

from ballast.adapters.store import monitor_tables as m
from ballast.adapters.store import tables as t
from ballast.adapters.store.limit_tables import limit_changes
from ballast.adapters.store.panic_tables import panic_sales
from ballast.adapters.store.phrases import RowsAsJson
from ballast.core.states import SwapState, is_terminal


def by(table: Table, *columns: str) -> Select[tuple[object, ...]]:
    """Rows whose named columns equal the values bound under the same names."""
    return select(table).where(*(table.c[name] == bindparam(name) for name in columns))


def newest(table: Table, at: str, key: str) -> Select[tuple[object, ...]]:
    """The newest `limit` rows of an index."""
    return (
        by(table, "index_id")
        .order_by(table.c[at].desc(), table.c[key].desc())
        .limit(bindparam("limit", type_=Integer))
    )


INDEX: Final = by(t.indexes, "owner_id", "index_id")
INDEX_BY_NAME: Final = by(t.indexes, "owner_id", "name_key")

_balances_json = (
    select(RowsAsJson(t.balances.c.asset_id, t.balances.c.account, t.balances.c.units))
    .where(t.balances.c.index_id == t.indexes.c.index_id)
    .scalar_subquery()
)
# One row: joining would repeat the index's columns for each balance.
INDEX_AND_BALANCES: Final = INDEX.add_columns(_balances_json.label("balances"))


@cache
def indexes_page(*, archived: bool, from_start: bool) -> Select[tuple[object, ...]]:
    """An owner's indexes in order of making, beginning behind `after`."""
    page = by(t.indexes, "owner_id").order_by(t.indexes.c.index_id)
    if not archived:
        page = page.where(t.indexes.c.state != "archived")
    if not from_start:
        page = page.where(t.indexes.c.index_id > bindparam("after"))
    return page.limit(bindparam("limit", type_=Integer))


BALANCES: Final = by(t.balances, "index_id")
HEAD: Final = (
    select(t.entries.c.sequence, t.entries.c.hash)
    .where(t.entries.c.index_id == bindparam("index_id"))
    .order_by(t.entries.c.sequence.desc())
    .limit(1)
)
# Outer, so that an entry that lost its postings still shows, and is found broken.
ENTRIES: Final = (
    select(
        t.entries,
        t.postings.c.account,
        t.postings.c.asset_id,
        t.postings.c.units,
    )
    .outerjoin(t.postings, t.postings.c.entry_id == t.entries.c.entry_id)
    .where(t.entries.c.index_id == bindparam("index_id"))
    .order_by(t.entries.c.sequence, t.entries.c.entry_id, t.postings.c.position)
)
ENTRIES_SINCE: Final = ENTRIES.where(t.entries.c.sequence > bindparam("sequence"))
# Where a fact is booked already, if it is, and the place of the next entry.
BOOKED_AND_HEAD: Final = select(
    select(t.entries.c.index_id)
    .where(t.entries.c.external_key == bindparam("external_key"))
    .scalar_subquery()
    .label("booked_in"),
    HEAD.with_only_columns(t.entries.c.sequence).scalar_subquery().label("sequence"),
    HEAD.with_only_columns(t.entries.c.hash).scalar_subquery().label("hash"),
)


def bound(count: int, prefix: str) -> list[ColumnElement[object]]:
    """`prefix_0` to `prefix_<count - 1>`."""
    return [bindparam(f"{prefix}_{number}") for number in range(count)]


@cache
def balances_of_assets(count: int) -> Select[tuple[object, ...]]:
    """Balances of an index in `count` assets."""
    return by(t.balances, "index_id").where(t.balances.c.asset_id.in_(bound(count, "asset")))


@cache
def assets_by_id(count: int) -> Select[tuple[object, ...]]:
    """Up to `count` assets."""
    return select(t.assets).where(t.assets.c.asset_id.in_(bound(count, "asset")))


PLAN: Final = by(t.plans, "owner_id", "plan_id")
PLAN_STATE: Final = select(t.plans.c.state).where(t.plans.c.plan_id == bindparam("plan_id"))
REBALANCE: Final = by(t.rebalances, "owner_id", "rebalance_id")
# The condition stands as text, word for word that of the partial index: a bound value would hide
# it from the query planner.
ACTIVE_REBALANCE: Final = by(t.rebalances, "index_id").where(text(t.ACTIVE_REBALANCE))
REBALANCES: Final = newest(t.rebalances, "created_at", "rebalance_id")
REBALANCE_OF_PLAN: Final = by(t.rebalances, "plan_id")
SWAP: Final = by(t.swaps, "owner_id", "swap_id")
SWAPS_OF: Final = by(t.swaps, "rebalance_id").order_by(t.swaps.c.position)
# The states stand as text: those that are not ended are fewer than those that are.
OPEN_SWAPS: Final = (
    select(t.swaps.c.swap_id)
    .where(
        t.swaps.c.rebalance_id == bindparam("rebalance_id"),
        t.swaps.c.state.in_(
            [literal_column(f"'{one.value}'") for one in SwapState if not is_terminal(one)]
        ),
    )
    .limit(1)
)
# A memo tells two uses of one address apart, so an address alone is never enough.
ADDRESS_TAKEN: Final = union_all(
    select(t.swaps.c.swap_id).where(
        t.swaps.c.deposit_address == bindparam("address"),
        func.coalesce(t.swaps.c.deposit_memo, "") == bindparam("memo"),
    ),
    select(t.deposits.c.deposit_id).where(
        t.deposits.c.address == bindparam("address"),
        func.coalesce(t.deposits.c.memo, "") == bindparam("memo"),
    ),
).limit(1)
INTENTS_OF: Final = by(t.intents, "swap_id").order_by(t.intents.c.created_at, t.intents.c.intent_id)
DEPOSIT: Final = by(t.deposits, "owner_id", "deposit_id")
DEPOSITS: Final = newest(t.deposits, "created_at", "deposit_id")
PAYMENTS_OF: Final = by(t.payments, "deposit_id").order_by(
    t.payments.c.seen_at, t.payments.c.payment_id
)
DECISIONS: Final = newest(t.decisions, "at", "decision_id")
DECISIONS_ABOUT: Final = by(t.decisions, "reference").order_by(
    t.decisions.c.at, t.decisions.c.decision_id
)
WITHDRAWAL: Final = by(t.withdrawals, "owner_id", "withdrawal_id")
WITHDRAWAL_OF_PLAN: Final = by(t.withdrawals, "owner_id", "plan_id")
WITHDRAWAL_OF_REBALANCE: Final = by(t.withdrawals, "rebalance_id")
WITHDRAWALS: Final = newest(t.withdrawals, "created_at", "withdrawal_id")
DESTINATIONS: Final = (
    by(t.destinations, "owner_id")
    .where(t.destinations.c.removed_at.is_(null()))
    .order_by(t.destinations.c.label)
)
OBSERVATIONS: Final = (
    by(t.observations, "asset_id")
    .where(
        t.observations.c.observed_at >= bindparam("since"),
        t.observations.c.observed_at < bindparam("until"),
    )
    .order_by(t.observations.c.observed_at)
    .limit(bindparam("limit", type_=Integer))
)
KEY: Final = by(t.keys, "index_id")
KEYS: Final = select(t.keys).order_by(t.keys.c.index_id)
DECIMALS: Final = select(t.assets.c.asset_id, t.assets.c.decimals)
MASTER_KEYS: Final = select(t.keys.c.master_key_id).distinct()
ANSWER: Final = by(t.requests, "owner_id", "operation", "request_id")
META: Final = by(t.meta, "key")
OWNERS: Final = select(t.indexes.c.owner_id).distinct().order_by(t.indexes.c.owner_id)


@cache
def swaps_page(filters: frozenset[str], states: int) -> Select[tuple[object, ...]]:
    """An owner's swaps, newest first.

    Args:
        filters: which of index_id, asset_id, rebalance_id, since, until and after are given.
        states: how many states are wanted, bound as `state_<n>`; 0 for all.
    """
    c = t.swaps.c
    conditions: dict[str, ColumnElement[bool]] = {
        "index_id": c.index_id == bindparam("index_id"),
        "rebalance_id": c.rebalance_id == bindparam("rebalance_id"),
        "asset_id": or_(c.sell == bindparam("asset_id"), c.buy == bindparam("asset_id")),
        "since": c.created_at >= bindparam("since"),
        "until": c.created_at < bindparam("until"),
        "after": _behind_swap(),
    }
    page = by(t.swaps, "owner_id").where(*(conditions[name] for name in sorted(filters)))
    if states:
        page = page.where(c.state.in_(bound(states, "state")))
    return page.order_by(c.created_at.desc(), c.swap_id.desc()).limit(
        bindparam("limit", type_=Integer)
    )


def _behind_swap() -> ColumnElement[bool]:
    last = t.swaps.alias("last")
    made = (
        select(last.c.created_at)
        .where(last.c.owner_id == bindparam("owner_id"), last.c.swap_id == bindparam("after"))
        .scalar_subquery()
    )
    c = t.swaps.c
    return and_(c.created_at <= made, or_(c.created_at < made, c.swap_id < bindparam("after")))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows of a table that wait for the engine: their key, and when they are due."""

    table: Table
    key: str
    at: str = "due_at"

    def rows(self, kind: str) -> Select[tuple[object, ...]]:
        """Those that are due by `now`."""
        c = self.table.c
        return select(
            literal_column(f"'{kind}'").label("kind"),
            c[self.key].label("row_id"),
            *(self._column(name) for name in ("owner_id", "index_id")),
            c[self.at].label("due_at"),
        ).where(c[self.at] <= bindparam("now"))

    def _column(self, name: str) -> ColumnElement[str]:
        """Empty for work that is about all owners."""
        return self.table.c[name] if name in self.table.c else literal_column("''").label(name)


WAITING: Final[Mapping[str, Waiting]] = MappingProxyType(
    {
        "rebalance": Waiting(t.rebalances, "rebalance_id"),
        "swap": Waiting(t.swaps, "swap_id"),
        "deposit": Waiting(t.deposits, "deposit_id"),
        "index": Waiting(t.indexes, "index_id", "reconcile_at"),
        "limit_change": Waiting(limit_changes, "change_id"),
        "check": Waiting(m.checks, "index_id"),
        "shard": Waiting(m.shards, "behind"),
        "schedule": Waiting(m.schedules, "name"),
        "panic_sale": Waiting(panic_sales, "sale_id"),
    }
)
_due = union_all(*(waiting.rows(kind) for kind, waiting in WAITING.items())).subquery("waiting")
# In turn: first the oldest row of every index of every owner, then the second of each, so that
# nobody waits for all that somebody else has piled up.
_in_index = select(
    _due,
    func.row_number()
    .over(partition_by=_due.c.index_id, order_by=(_due.c.due_at, _due.c.row_id))
    .label("turn"),
).subquery("in_index")
_in_owner = select(
    _in_index,
    func.row_number()
    .over(
        partition_by=_in_index.c.owner_id,
        order_by=(_in_index.c.turn, _in_index.c.due_at, _in_index.c.row_id),
    )
    .label("owners_turn"),
).subquery("in_owner")
DUE: Final = (
    select(_in_owner)
    .order_by(_in_owner.c.owners_turn, _in_owner.c.due_at, _in_owner.c.row_id)
    .limit(bindparam("limit", type_=Integer))
)
DUE_OF_OWNER: Final = DUE.where(_in_owner.c.owner_id == bindparam("owner_id"))
_oldest = (
    select(_due).order_by(_due.c.due_at, _due.c.row_id).limit(bindparam("limit", type_=Integer))
)
DUE_IN_INDEX: Final = _oldest.where(_due.c.index_id == bindparam("index_id"))
DUE_ROW: Final = _oldest.where(
    _due.c.kind == bindparam("kind", type_=Text), _due.c.row_id == bindparam("row_id")
)
_first = union_all(
    *(
        select(func.min(one.table.c[one.at]).label("due_at")).where(
            one.table.c[one.at] > bindparam("after")
        )
        for one in WAITING.values()
    )
).subquery("first")
NEXT_DUE: Final = select(func.min(_first.c.due_at).label("due_at"))


def _attention(table: Table, key: str, reference: str, reason: str) -> Select[tuple[object, ...]]:
    c, told = table.c, t.decisions.c
    since = (
        select(func.min(told.at))
        .where(told.reference == c[reference], told.reason == literal_column(f"'{reason}'"))
        .scalar_subquery()
    )
    return select(
        c[key].label("row_id"),
        c.index_id,
        c[reference].label("reference"),
        func.coalesce(since, c.updated_at).label("since"),
        c.problem,
    ).where(c.owner_id == bindparam("owner_id"), c.state == literal_column("'attention'"))


ATTENTION: Final = union_all(
    _attention(t.swaps, "swap_id", "rebalance_id", "swap_attention"),
    _attention(t.deposits, "deposit_id", "deposit_id", "deposit_attention"),
)

# --- for the check ----------------------------------------------------------------------------

BOOKED_INDEXES: Final = union(select(t.entries.c.index_id), select(t.balances.c.index_id))
# The one owner that no foreign key holds.
FOREIGN_POSTINGS: Final = (
    select(t.postings.c.entry_id)
    .join(t.entries, t.entries.c.entry_id == t.postings.c.entry_id)
    .where(t.postings.c.owner_id != t.entries.c.owner_id)
)
