"""Every read of the store, each one query."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from types import MappingProxyType
from typing import Any

from ballast.adapters.store import queries as q
from ballast.adapters.store import rows
from ballast.adapters.store import tables as t
from ballast.adapters.store.access import SqlAccessReader
from ballast.adapters.store.audit import SqlAuditReader
from ballast.adapters.store.figures import SqlFiguresReader
from ballast.adapters.store.limits import SqlLimitReader
from ballast.adapters.store.monitor import SqlMonitorReader
from ballast.adapters.store.notify import SqlNotifyReader
from ballast.adapters.store.oauth import SqlOAuthReader
from ballast.adapters.store.outbox import SqlOutboxReader
from ballast.adapters.store.panic import SqlPanicReader
from ballast.adapters.store.session import Row
from ballast.adapters.store.watched import SqlWatchedReader
from ballast.app.ports import (
    Attention,
    DueRow,
    KeyEnvelope,
    StoredAnswer,
    TradeFilter,
)
from ballast.core.decisions import Decision
from ballast.core.deposits import Deposit, Payment
from ballast.core.index import Asset, Index
from ballast.core.ledger import (
    GENESIS,
    Account,
    ChainedEntry,
    Entry,
    Posting,
    from_microseconds,
    microseconds,
)
from ballast.core.trading import Intent, Plan, Price, Rebalance, Swap
from ballast.core.withdrawals import Destination, Withdrawal

Balances = dict[tuple[str, Account], int]


class SqlReader(
    SqlAccessReader,
    SqlAuditReader,
    SqlFiguresReader,
    SqlLimitReader,
    SqlMonitorReader,
    SqlNotifyReader,
    SqlOAuthReader,
    SqlOutboxReader,
    SqlPanicReader,
    SqlWatchedReader,
):
    """Fulfils the port `Reader` on one session."""

    # --- indexes ------------------------------------------------------------------------------

    async def get_index(self, owner_id: str, index_id: str) -> Index | None:
        """One index of this owner."""
        return await self._one(rows.INDEXES, q.INDEX, owner_id=owner_id, index_id=index_id)

    async def find_index(self, owner_id: str, name_key: str) -> Index | None:
        """The owner's index of this name, in the form that names are compared in."""
        return await self._one(rows.INDEXES, q.INDEX_BY_NAME, owner_id=owner_id, name_key=name_key)

    async def list_indexes(
        self, owner_id: str, *, archived: bool, after: str | None, limit: int
    ) -> list[Index]:
        """The owner's indexes in order of making; `archived` shows those that are, as well."""
        page = q.indexes_page(archived=archived, from_start=after is None)
        given = {} if after is None else {"after": after}
        return await self._all(rows.INDEXES, page, owner_id=owner_id, limit=limit, **given)

    async def get_index_and_balances(
        self, owner_id: str, index_id: str
    ) -> tuple[Index, Mapping[tuple[str, Account], int]] | None:
        """The index with its cached ledger balances other than 0."""
        row = await self._session.row(q.INDEX_AND_BALANCES, owner_id=owner_id, index_id=index_id)
        if row is None:
            return None
        return rows.INDEXES.from_row(row), _remembered_balances(row["balances"])

    async def balances(self, index_id: str) -> Balances:
        """Cached ledger balances other than 0, by asset and account."""
        found = await self._session.rows(q.BALANCES, index_id=index_id)
        return balances_from(found)

    async def get_key(self, index_id: str) -> KeyEnvelope | None:
        """The index's encrypted key."""
        return await self._one(rows.KEYS, q.KEY, index_id=index_id)

    async def list_keys(self) -> list[tuple[str, KeyEnvelope]]:
        """Every key with its owner."""
        found = await self._session.rows(q.KEYS)
        return [(row["owner_id"], rows.KEYS.from_row(row)) for row in found]

    async def master_key_ids(self) -> set[str]:
        """Which master keys the keys are encrypted under."""
        return {row["master_key_id"] for row in await self._session.rows(q.MASTER_KEYS)}

    async def get_assets(self, asset_ids: Sequence[str]) -> dict[str, Asset]:
        """Assets as first listed; unknown ids are left out."""
        if not asset_ids:
            return {}
        given = {f"asset_{number}": asset_id for number, asset_id in enumerate(asset_ids)}
        found = await self._all(rows.ASSETS, q.assets_by_id(len(asset_ids)), **given)
        return {asset.asset_id: asset for asset in found}

    async def decimals_on_record(self) -> dict[str, int]:
        """The decimals of every asset, by id."""
        return {row["asset_id"]: row["decimals"] for row in await self._session.rows(q.DECIMALS)}

    async def owners(self) -> list[str]:
        """Everyone who has an index."""
        return [row["owner_id"] for row in await self._session.rows(q.OWNERS)]

    # --- the ledger ---------------------------------------------------------------------------

    async def ledger_head(self, index_id: str) -> tuple[int, str]:
        """Sequence number and hash of the last entry; (0, GENESIS) for none."""
        row = await self._session.row(q.HEAD, index_id=index_id)
        return (row["sequence"], row["hash"]) if row is not None else (0, GENESIS)

    async def list_entries(self, index_id: str) -> list[ChainedEntry]:
        """The whole chain of an index, in order."""
        found = await self._session.rows(q.ENTRIES, index_id=index_id)
        return [
            chained_entry(list(lines)) for _, lines in groupby(found, lambda row: row["entry_id"])
        ]

    async def entries_since(self, index_id: str, sequence: int) -> list[ChainedEntry]:
        """The chain of an index behind a sequence number, in order."""
        found = await self._session.rows(q.ENTRIES_SINCE, index_id=index_id, sequence=sequence)
        return [
            chained_entry(list(lines)) for _, lines in groupby(found, lambda row: row["entry_id"])
        ]

    # --- trading ------------------------------------------------------------------------------

    async def get_plan(self, owner_id: str, plan_id: str) -> Plan | None:
        """One plan of this owner."""
        return await self._one(rows.PLANS, q.PLAN, owner_id=owner_id, plan_id=plan_id)

    async def get_rebalance(self, owner_id: str, rebalance_id: str) -> Rebalance | None:
        """One rebalance of this owner."""
        return await self._one(
            rows.REBALANCES, q.REBALANCE, owner_id=owner_id, rebalance_id=rebalance_id
        )

    async def active_rebalance(self, index_id: str) -> Rebalance | None:
        """The rebalance of this index that has not ended."""
        return await self._one(rows.REBALANCES, q.ACTIVE_REBALANCE, index_id=index_id)

    async def list_rebalances(self, index_id: str, limit: int) -> list[Rebalance]:
        """Newest first."""
        return await self._all(rows.REBALANCES, q.REBALANCES, index_id=index_id, limit=limit)

    async def rebalance_of_plan(self, plan_id: str) -> Rebalance | None:
        """The rebalance that carried out a plan."""
        return await self._one(rows.REBALANCES, q.REBALANCE_OF_PLAN, plan_id=plan_id)

    async def get_swap(self, owner_id: str, swap_id: str) -> Swap | None:
        """One swap of this owner."""
        return await self._one(rows.SWAPS, q.SWAP, owner_id=owner_id, swap_id=swap_id)

    async def list_swaps(self, owner_id: str, wanted: TradeFilter) -> list[Swap]:
        """Newest first: those made from `since` and before `until`."""
        given: dict[str, object] = {
            name: microseconds(value) if isinstance(value, datetime) else value
            for name in ("index_id", "asset_id", "rebalance_id", "since", "until", "after")
            if (value := getattr(wanted, name)) is not None
        }
        page = q.swaps_page(frozenset(given), len(wanted.states))
        given |= {f"state_{number}": state.value for number, state in enumerate(wanted.states)}
        return await self._all(rows.SWAPS, page, owner_id=owner_id, limit=wanted.limit, **given)

    async def swaps_of(self, rebalance_id: str) -> list[Swap]:
        """By position."""
        return await self._all(rows.SWAPS, q.SWAPS_OF, rebalance_id=rebalance_id)

    async def has_open_swaps(self, rebalance_id: str) -> bool:
        """Whether any leg of a rebalance has not ended."""
        return await self._session.row(q.OPEN_SWAPS, rebalance_id=rebalance_id) is not None

    async def intents_of(self, swap_id: str) -> list[Intent]:
        """Oldest first."""
        return await self._all(rows.INTENTS, q.INTENTS_OF, swap_id=swap_id)

    async def address_taken(self, address: str, memo: str | None) -> bool:
        """Whether a swap or deposit of any owner has ever had this address with this memo."""
        found = await self._session.row(q.ADDRESS_TAKEN, address=address, memo=memo or "")
        return found is not None

    # --- deposits -----------------------------------------------------------------------------

    async def get_deposit(self, owner_id: str, deposit_id: str) -> Deposit | None:
        """One deposit of this owner."""
        return await self._one(rows.DEPOSITS, q.DEPOSIT, owner_id=owner_id, deposit_id=deposit_id)

    async def list_deposits(self, index_id: str, limit: int) -> list[Deposit]:
        """Newest first."""
        return await self._all(rows.DEPOSITS, q.DEPOSITS, index_id=index_id, limit=limit)

    async def payments_of(self, deposit_id: str) -> list[Payment]:
        """Oldest first."""
        return await self._all(rows.PAYMENTS, q.PAYMENTS_OF, deposit_id=deposit_id)

    # --- withdrawals --------------------------------------------------------------------------

    async def get_withdrawal(self, owner_id: str, withdrawal_id: str) -> Withdrawal | None:
        """One withdrawal of this owner."""
        return await self._one(
            rows.WITHDRAWALS, q.WITHDRAWAL, owner_id=owner_id, withdrawal_id=withdrawal_id
        )

    async def withdrawal_of_plan(self, owner_id: str, plan_id: str) -> Withdrawal | None:
        """The withdrawal a plan was made for."""
        return await self._one(
            rows.WITHDRAWALS, q.WITHDRAWAL_OF_PLAN, owner_id=owner_id, plan_id=plan_id
        )

    async def withdrawal_of_rebalance(self, rebalance_id: str) -> Withdrawal | None:
        """The withdrawal a rebalance sells for."""
        return await self._one(
            rows.WITHDRAWALS, q.WITHDRAWAL_OF_REBALANCE, rebalance_id=rebalance_id
        )

    async def list_withdrawals(self, index_id: str, limit: int) -> list[Withdrawal]:
        """Newest first."""
        return await self._all(rows.WITHDRAWALS, q.WITHDRAWALS, index_id=index_id, limit=limit)

    async def list_destinations(self, owner_id: str) -> list[Destination]:
        """Those that were not removed, by label."""
        return await self._all(rows.DESTINATIONS, q.DESTINATIONS, owner_id=owner_id)

    async def list_observations(
        self, asset_id: str, since: datetime, until: datetime, limit: int
    ) -> list[Price]:
        """Prices as they were seen from `since` on and before `until`, oldest first."""
        found = await self._session.rows(
            q.OBSERVATIONS,
            asset_id=asset_id,
            since=microseconds(since),
            until=microseconds(until),
            limit=limit,
        )
        return [
            Price(
                row["asset_id"],
                Decimal(row["usd"]),
                row["source"],
                from_microseconds(row["observed_at"]),
            )
            for row in found
        ]

    # --- the engine, and what was said --------------------------------------------------------

    async def list_decisions(self, index_id: str, limit: int) -> list[Decision]:
        """Newest first."""
        return await self._all(rows.DECISIONS, q.DECISIONS, index_id=index_id, limit=limit)

    async def decisions_about(self, reference: str) -> list[Decision]:
        """Oldest first."""
        return await self._all(rows.DECISIONS, q.DECISIONS_ABOUT, reference=reference)

    async def get_answer(
        self, owner_id: str, operation: str, request_id: str
    ) -> StoredAnswer | None:
        """What this owner's request was answered."""
        return await self._one(
            rows.ANSWERS, q.ANSWER, owner_id=owner_id, operation=operation, request_id=request_id
        )

    async def get_meta(self, key: str) -> str | None:
        """A fact about this database."""
        row = await self._session.row(q.META, key=key)
        return None if row is None else str(row["value"])

    async def due_rows(self, now: datetime, limit: int) -> list[DueRow]:
        """Rows whose due time has come, in turn over owners and their indexes, oldest first."""
        found = await self._session.rows(q.DUE, now=microseconds(now), limit=limit)
        return _due_rows(found)

    async def due_rows_of(self, owner_id: str, now: datetime, limit: int) -> list[DueRow]:
        """Those of one owner."""
        found = await self._session.rows(
            q.DUE_OF_OWNER, owner_id=owner_id, now=microseconds(now), limit=limit
        )
        return _due_rows(found)

    async def due_rows_in(self, place: str, until: datetime, limit: int) -> list[DueRow]:
        """Rows of one index, or the one row of this key, that are due by `until`, oldest first."""
        kind, _, row_id = place.partition(":")
        alone = row_id != ""
        statement = q.DUE_ROW if alone else q.DUE_IN_INDEX
        given = {"kind": kind, "row_id": row_id} if alone else {"index_id": place}
        found = await self._session.rows(statement, now=microseconds(until), limit=limit, **given)
        return _due_rows(found)

    async def attention(self, owner_id: str) -> list[Attention]:
        """What needs a person's attention, the oldest first."""
        found = [
            Attention(
                row["row_id"],
                row["index_id"],
                row["reference"],
                from_microseconds(row["since"]),
                row["problem"],
            )
            for row in await self._session.rows(q.ATTENTION, owner_id=owner_id)
        ]
        return sorted(found, key=lambda one: (one.since, one.row_id))

    async def next_due(self, after: datetime) -> datetime | None:
        """The earliest due time behind `after`."""
        row = await self._session.row(q.NEXT_DUE, after=microseconds(after))
        due_at = None if row is None else row["due_at"]
        return None if due_at is None else from_microseconds(due_at)


def _due_rows(found: Iterable[Row]) -> list[DueRow]:
    return [
        DueRow(
            row["kind"],
            row["row_id"],
            row["owner_id"],
            row["index_id"],
            from_microseconds(row["due_at"]),
        )
        for row in found
    ]


def balances_from(found: Iterable[Row]) -> Balances:
    """Balances other than 0 out of rows of the table."""
    with rows.reading(t.balances):
        return _balances((row["asset_id"], row["account"], row["units"]) for row in found)


@lru_cache(rows.REMEMBERED)
def _remembered_balances(text: str) -> Mapping[tuple[str, Account], int]:
    with rows.reading(t.balances):
        return MappingProxyType(_balances(json.loads(text)))


def _balances(found: Iterable[Sequence[Any]]) -> Balances:
    return {
        (asset_id, Account(account)): units
        for asset_id, account, written in found
        if (units := int(written)) != 0
    }


def chained_entry(lines: Sequence[Row]) -> ChainedEntry:
    """An entry out of its rows, one per posting; an entry without postings has one empty row."""
    first = lines[0]
    with rows.reading(t.postings):
        postings = tuple(
            Posting(Account(line["account"]), line["asset_id"], int(line["units"]))
            for line in lines
            if line["account"] is not None
        )
    entry = Entry(**rows.ENTRIES.fields_of(first), postings=postings)
    return ChainedEntry(
        entry,
        first["sequence"],
        from_microseconds(first["recorded_at"]),
        first["previous_hash"],
        first["hash"],
    )
