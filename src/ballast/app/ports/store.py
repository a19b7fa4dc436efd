"""The database: rows in, rows out, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ballast.app.ports.access import AccessReader, AccessTransaction
from ballast.app.ports.audit import AuditReader, AuditTransaction
from ballast.app.ports.figures import FiguresReader
from ballast.app.ports.keys import KeyEnvelope
from ballast.app.ports.limits import LimitReader, LimitTransaction
from ballast.app.ports.monitor import MonitorReader, MonitorTransaction
from ballast.app.ports.notify import NotifyReader, NotifyTransaction
from ballast.app.ports.oauth import OAuthReader, OAuthTransaction
from ballast.app.ports.outbox import OutboxReader, OutboxTransaction
from ballast.app.ports.panic import PanicReader, PanicTransaction
from ballast.core.decisions import Decision
from ballast.core.deposits import Deposit, Payment
from ballast.core.index import Asset, Index
from ballast.core.ledger import Account, ChainedEntry, Entry
from ballast.core.states import (
    DepositState,
    IntentState,
    PlanState,
    RebalanceState,
    SwapState,
    WithdrawalState,
)
from ballast.core.trading import Intent, Plan, Price, Rebalance, Swap
from ballast.core.withdrawals import Destination, Withdrawal


@dataclass(frozen=True, slots=True)
class DueRow:
    """A row the engine should look at: its kind, id and owner. Work about all indexes has a
    name for an id, and neither owner nor index."""

    kind: str
    row_id: str
    owner_id: str
    index_id: str
    due_at: datetime

    @property
    def key(self) -> str:
        """What tells it from all others: an index is reconciled and checked by the same id."""
        return f"{self.kind}:{self.row_id}"


@dataclass(frozen=True, slots=True)
class Attention:
    """A swap or deposit that a person should look at, since when, and what is known of it.

    Attributes:
        reference: what get_progress is asked about: the deposit, or the swap's rebalance.
    """

    row_id: str
    index_id: str
    reference: str
    since: datetime
    problem: str

    def text(self, now: datetime) -> str:
        """In words, with its age."""
        hours, minutes = divmod((now - self.since) // timedelta(minutes=1), 60)
        return f"{self.row_id} for {hours} h {minutes:02} min. {self.problem}"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What an operation answered to a request_id, with the digest of its input."""

    digest: str
    answer: str


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Which swaps a history shows. `after` is the swap id a page begins behind, newest first."""

    index_id: str | None = None
    asset_id: str | None = None
    rebalance_id: str | None = None
    states: tuple[SwapState, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None
    limit: int = 50


class Reader(
    AccessReader,
    AuditReader,
    FiguresReader,
    LimitReader,
    MonitorReader,
    OAuthReader,
    NotifyReader,
    OutboxReader,
    PanicReader,
    Protocol,
):
    """Reads. Each is one query. Everything is asked for by owner; another's row is None."""

    async def get_index(self, owner_id: str, index_id: str) -> Index | None: ...
    async def find_index(self, owner_id: str, name_key: str) -> Index | None: ...
    async def list_indexes(
        self, owner_id: str, *, archived: bool, after: str | None, limit: int
    ) -> list[Index]: ...
    async def get_index_and_balances(
        self, owner_id: str, index_id: str
    ) -> tuple[Index, Mapping[tuple[str, Account], int]] | None:
        """The index with its cached ledger balances, in one query."""
        ...

    async def balances(self, index_id: str) -> dict[tuple[str, Account], int]:
        """Cached ledger balances other than 0, by asset and account."""
        ...

    async def ledger_head(self, index_id: str) -> tuple[int, str]:
        """Sequence number and hash of the last entry; (0, GENESIS) for none."""
        ...

    async def list_entries(self, index_id: str) -> list[ChainedEntry]: ...
    async def entries_since(self, index_id: str, sequence: int) -> list[ChainedEntry]:
        """The chain of an index behind a sequence number, in order."""
        ...

    async def get_plan(self, owner_id: str, plan_id: str) -> Plan | None: ...
    async def get_rebalance(self, owner_id: str, rebalance_id: str) -> Rebalance | None: ...
    async def active_rebalance(self, index_id: str) -> Rebalance | None: ...
    async def list_rebalances(self, index_id: str, limit: int) -> list[Rebalance]:
        """Newest first."""
        ...

    async def rebalance_of_plan(self, plan_id: str) -> Rebalance | None: ...
    async def get_swap(self, owner_id: str, swap_id: str) -> Swap | None: ...
    async def list_swaps(self, owner_id: str, wanted: TradeFilter) -> list[Swap]:
        """Newest first."""
        ...

    async def swaps_of(self, rebalance_id: str) -> list[Swap]:
        """By position."""
        ...

    async def has_open_swaps(self, rebalance_id: str) -> bool:
        """Whether any leg of a rebalance has not ended."""
        ...

    async def intents_of(self, swap_id: str) -> list[Intent]:
        """Oldest first."""
        ...

    async def get_deposit(self, owner_id: str, deposit_id: str) -> Deposit | None: ...
    async def list_deposits(self, index_id: str, limit: int) -> list[Deposit]:
        """Newest first."""
        ...

    async def payments_of(self, deposit_id: str) -> list[Payment]: ...
    async def get_withdrawal(self, owner_id: str, withdrawal_id: str) -> Withdrawal | None: ...
    async def withdrawal_of_plan(self, owner_id: str, plan_id: str) -> Withdrawal | None: ...
    async def withdrawal_of_rebalance(self, rebalance_id: str) -> Withdrawal | None: ...
    async def list_withdrawals(self, index_id: str, limit: int) -> list[Withdrawal]:
        """Newest first."""
        ...

    async def list_destinations(self, owner_id: str) -> list[Destination]:
        """Where money may be sent, by label; removed ones are left out."""
        ...

    async def list_observations(
        self, asset_id: str, since: datetime, until: datetime, limit: int
    ) -> list[Price]:
        """Prices as they were seen, oldest first."""
        ...

    async def list_decisions(self, index_id: str, limit: int) -> list[Decision]:
        """Newest first."""
        ...

    async def decisions_about(self, reference: str) -> list[Decision]:
        """Oldest first."""
        ...

    async def address_taken(self, address: str, memo: str | None) -> bool:
        """Whether a swap or deposit of any owner has ever had this address with this memo."""
        ...

    async def get_assets(self, asset_ids: Sequence[str]) -> dict[str, Asset]:
        """Assets as first listed."""
        ...

    async def decimals_on_record(self) -> dict[str, int]:
        """The decimals of every asset there ever was in an index or a deposit, by id."""
        ...

    async def get_key(self, index_id: str) -> KeyEnvelope | None: ...
    async def list_keys(self) -> list[tuple[str, KeyEnvelope]]:
        """Every key with its owner."""
        ...

    async def master_key_ids(self) -> set[str]:
        """Which master keys the keys are encrypted under."""
        ...

    async def get_answer(
        self, owner_id: str, operation: str, request_id: str
    ) -> StoredAnswer | None: ...
    async def get_meta(self, key: str) -> str | None: ...
    async def due_rows(self, now: datetime, limit: int) -> list[DueRow]:
        """Rows whose due time has come: in turn over owners, and of each over its indexes, oldest
        first. However many rows one index has due, another's are not behind all of them."""
        ...

    async def due_rows_of(self, owner_id: str, now: datetime, limit: int) -> list[DueRow]:
        """Those of one owner."""
        ...

    async def due_rows_in(self, place: str, until: datetime, limit: int) -> list[DueRow]:
        """Rows of one index, or the one row of this key, that are due by `until`, oldest first."""
        ...

    async def next_due(self, after: datetime) -> datetime | None:
        """The earliest due time of any row behind `after`."""
        ...

    async def attention(self, owner_id: str) -> list[Attention]:
        """What needs a person's attention, the oldest first."""
        ...

    async def owners(self) -> list[str]: ...


class Transaction(
    Reader,
    AccessTransaction,
    AuditTransaction,
    LimitTransaction,
    MonitorTransaction,
    NotifyTransaction,
    OAuthTransaction,
    OutboxTransaction,
    PanicTransaction,
    Protocol,
):
    """A write transaction: all of it happens, or nothing. No venue or price is awaited inside.

    `save_*` replaces a row that must still be in the state `was`; when it is not (another process
    moved it), the transaction fails with `StateMovedError` and nothing is written.
    """

    async def add_asset(self, asset: Asset) -> None:
        """Remember an asset; a known one must have the same decimals (`venue_refused`)."""
        ...

    async def add_index(self, index: Index, key: KeyEnvelope) -> None:
        """Add an index and its key. Raises BallastError `name_taken`."""
        ...

    async def replace_key(self, key: KeyEnvelope) -> None:
        """Put another envelope of the same key in place; the account must be the same."""
        ...

    async def save_index(self, index: Index, was_version: int) -> None: ...
    async def reconcile_all(self, at: datetime) -> None:
        """Let every index that is reconciled at all be reconciled at this time."""
        ...

    async def postpone(self, row: DueRow, due_at: datetime) -> None:
        """Let a due row wait; one whose due time has changed since it was read is left alone."""
        ...

    async def add_plan(self, plan: Plan) -> None: ...
    async def save_plan_state(self, plan_id: str, was: PlanState, state: PlanState) -> None: ...
    async def add_rebalance(self, rebalance: Rebalance) -> None:
        """Raises BallastError `rebalance_running` while another one of this index is active."""
        ...

    async def save_rebalance(self, rebalance: Rebalance, was: RebalanceState) -> None: ...
    async def add_swap(self, swap: Swap) -> None: ...
    async def save_swap(self, swap: Swap, was: SwapState) -> None: ...
    async def add_intent(self, intent: Intent) -> None: ...
    async def save_intent(self, intent: Intent, was: IntentState) -> None: ...
    async def add_deposit(self, deposit: Deposit) -> None: ...
    async def save_deposit(self, deposit: Deposit, was: DepositState) -> None: ...
    async def add_payment(self, payment: Payment) -> None:
        """A payment already known (same deposit and external id) is left as it is."""
        ...

    async def add_withdrawal(self, withdrawal: Withdrawal) -> None: ...
    async def save_withdrawal(self, withdrawal: Withdrawal, was: WithdrawalState) -> None: ...
    async def add_destination(self, destination: Destination) -> None:
        """Raises BallastError `name_taken` while its label is in use."""
        ...

    async def remove_destination(self, owner_id: str, destination_id: str, at: datetime) -> None:
        """Take it off the list; its row stays."""
        ...

    async def add_observations(self, observations: Sequence[Price]) -> None:
        """Keep prices as they were seen; the same observation again changes nothing."""
        ...

    async def add_decision(self, decision: Decision) -> None: ...
    async def post(self, entry: Entry, recorded_at: datetime) -> ChainedEntry | None:
        """Write an entry at the end of its index's chain and bring the balances up to date.

        Returns None, writing nothing, when its external key is already booked.

        Raises:
            BallastError: `insufficient_holdings` when a held account would fall below zero.
        """
        ...

    async def put_answer(
        self, owner_id: str, operation: str, request_id: str, answer: StoredAnswer, at: datetime
    ) -> None: ...
    async def put_meta(self, key: str, value: str) -> None: ...


class StateMovedError(Exception):
    """A row was no longer in the state it was read in: look again, then decide again."""


class Store(Protocol):
    """The database. Errors of the database come out as BallastError `store_busy`,
    `store_unavailable`, `store_damaged` or `store_newer`; never as the library's own."""

    def read(self) -> AbstractAsyncContextManager[Reader]:
        """A consistent view; writes nothing, waits for no writer."""
        ...

    def read_once(self) -> AbstractAsyncContextManager[Reader]:
        """As `read`, for exactly one query; a second one fails, as it might see another state."""
        ...

    def read_short(self) -> AbstractAsyncContextManager[Reader]:
        """As `read_once`, for a query that finds a row or a few by key: it may be answered in the
        event loop, where nothing else runs meanwhile."""
        ...

    def transaction(self, of: str | None = None) -> AbstractAsyncContextManager[Transaction]:
        """A write transaction; commits at the end, rolls back on any error.

        What is read in it stays as it is until it ends, in every process: the kill switch rests on
        that. So transactions about the same thing come one after the other. On SQLite all do.

        Args:
            of: the index it is about, or another name: then ones about other things may run at the
                same time. It must write rows of that index alone, and may not decide by what
                belongs to others. Without it, no other transaction runs meanwhile.
        """
        ...

    async def check(self) -> list[str]:
        """Everything wrong inside: file, chains, sums, cached balances; empty when whole."""
        ...
