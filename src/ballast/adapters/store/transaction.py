"""Every write of the store. All of a transaction happens, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from ballast.adapters.store import errors, rows, writes
from ballast.adapters.store import queries as q
from ballast.adapters.store.access import SqlAccessWrites
from ballast.adapters.store.audit import SqlAuditWrites
from ballast.adapters.store.limits import SqlLimitWrites
from ballast.adapters.store.monitor import SqlMonitorWrites
from ballast.adapters.store.notify import SqlNotifyWrites
from ballast.adapters.store.oauth import SqlOAuthWrites
from ballast.adapters.store.outbox import SqlOutboxWrites
from ballast.adapters.store.panic import SqlPanicWrites
from ballast.adapters.store.reader import Balances, SqlReader, balances_from
from ballast.app.ports import DueRow, KeyEnvelope, StateMovedError, StoredAnswer
from ballast.core.decisions import Decision
from ballast.core.deposits import Deposit, Payment
from ballast.core.index import Asset, Index, name_key, name_taken
from ballast.core.ledger import GENESIS, Account, ChainedEntry, Entry, apply, chain, microseconds
from ballast.core.states import (
    DepositState,
    IntentState,
    PlanState,
    RebalanceState,
    SwapState,
    WithdrawalState,
    move,
)
from ballast.core.trading import Intent, Plan, Price, Rebalance, Swap
from ballast.core.withdrawals import Destination, Withdrawal
from ballast.errors import BallastError, ErrorCode


class SqlTransaction(
    SqlReader,
    SqlAccessWrites,
    SqlAuditWrites,
    SqlLimitWrites,
    SqlMonitorWrites,
    SqlNotifyWrites,
    SqlOAuthWrites,
    SqlOutboxWrites,
    SqlPanicWrites,
):
    """Fulfils the port `Transaction` on the writer's session, between BEGIN and COMMIT."""

    # --- indexes ------------------------------------------------------------------------------

    async def add_asset(self, asset: Asset) -> None:
        """Remember an asset; a known one must have the same decimals (`venue_refused`)."""
        known = (await self.get_assets([asset.asset_id])).get(asset.asset_id)
        if known is None:
            await self._add(rows.ASSETS, asset)
        elif known.decimals != asset.decimals:
            raise BallastError(
                ErrorCode.VENUE_REFUSED,
                f"The venue now lists this asset with {asset.decimals} decimals; it was first "
                f"listed with {known.decimals}. It is not traded any more.",
                asset_id=asset.asset_id,
            )

    async def add_index(self, index: Index, key: KeyEnvelope) -> None:
        """Add an index and its key. Raises BallastError `name_taken`."""
        assert key.index_id == index.index_id, "a key belongs to its index"
        try:
            await self._add(rows.INDEXES, index, name_key=name_key(index.name))
        except errors.RuleBrokenError as error:
            raise _name_taken(index, error) from error
        await self._add(rows.KEYS, key, owner_id=index.owner_id)

    async def replace_key(self, key: KeyEnvelope) -> None:
        """Encrypt an index's key anew. The account stays; a trigger holds that."""
        await self._save(
            writes.REPLACE_KEY,
            {},
            key_index_id=key.index_id,
            key_account_id=key.account_id,
            new_master_key_id=key.master_key_id,
            new_nonce=key.nonce,
            new_ciphertext=key.ciphertext,
        )

    async def reconcile_all(self, at: datetime) -> None:
        """Let every index that is reconciled at all be reconciled at this time."""
        await self._session.change(writes.RECONCILE_ALL, {"at": microseconds(at)})

    async def postpone(self, row: DueRow, due_at: datetime) -> None:
        """Let a row wait, unless its due time has changed since it was read."""
        given = {
            "key_row_id": row.row_id,
            "was_due_at": microseconds(row.due_at),
            "new_due_at": microseconds(due_at),
        }
        await self._session.change(writes.POSTPONE[row.kind], given)

    async def save_index(self, index: Index, was_version: int) -> None:
        """Replace an index that is still in version `was_version`."""
        before = await self.get_index(index.owner_id, index.index_id)
        if before is None or before.version != was_version:
            raise StateMovedError(f"{index.index_id} is no longer in version {was_version}")
        _check_move(before.state, index.state)
        row = rows.INDEXES.to_row(index, name_key=name_key(index.name))
        try:
            await self._save(
                writes.SAVE_INDEX,
                row,
                key_index_id=index.index_id,
                key_owner_id=index.owner_id,
                was_version=was_version,
            )
        except errors.RuleBrokenError as error:
            raise _name_taken(index, error) from error

    # --- trading ------------------------------------------------------------------------------

    async def add_plan(self, plan: Plan) -> None:
        """Add a plan."""
        await self._add(rows.PLANS, plan)

    async def save_plan_state(self, plan_id: str, was: PlanState, state: PlanState) -> None:
        """Move a plan from one state to another."""
        _check_move(was, state)
        await self._save(
            writes.SAVE_PLAN_STATE,
            {"state": state.value},
            key_plan_id=plan_id,
            was_state=was.value,
        )

    async def add_rebalance(self, rebalance: Rebalance) -> None:
        """Add a rebalance. Raises BallastError `rebalance_running` while another one is active."""
        # Asked first: on Postgres nothing can be asked any more once a rule has been broken.
        running = await self.active_rebalance(rebalance.index_id)
        if running is not None:
            raise BallastError(
                ErrorCode.REBALANCE_RUNNING,
                "A rebalance of this index is running.",
                rebalance_id=running.rebalance_id,
                index_id=rebalance.index_id,
            )
        await self._add(rows.REBALANCES, rebalance)

    async def save_rebalance(self, rebalance: Rebalance, was: RebalanceState) -> None:
        """Replace a rebalance that is still in the state `was`."""
        _check_move(was, rebalance.state)
        await self._save(
            writes.SAVE_REBALANCE,
            rows.REBALANCES.to_row(rebalance),
            key_rebalance_id=rebalance.rebalance_id,
            key_owner_id=rebalance.owner_id,
            was_state=was.value,
        )

    async def add_swap(self, swap: Swap) -> None:
        """Add a swap of a rebalance that is there."""
        await self._add(rows.SWAPS, swap)

    async def save_swap(self, swap: Swap, was: SwapState) -> None:
        """Replace a swap that is still in the state `was`."""
        _check_move(was, swap.state)
        await self._save(
            writes.SAVE_SWAP,
            rows.SWAPS.to_row(swap),
            key_swap_id=swap.swap_id,
            key_owner_id=swap.owner_id,
            was_state=was.value,
        )

    async def add_intent(self, intent: Intent) -> None:
        """Add a signed intent; its bytes never change afterwards."""
        await self._add(rows.INTENTS, intent)

    async def save_intent(self, intent: Intent, was: IntentState) -> None:
        """Replace an intent that is still in the state `was`."""
        _check_move(was, intent.state)
        await self._save(
            writes.SAVE_INTENT,
            rows.INTENTS.to_row(intent),
            key_intent_id=intent.intent_id,
            key_owner_id=intent.owner_id,
            was_state=was.value,
        )

    # --- deposits -----------------------------------------------------------------------------

    async def add_deposit(self, deposit: Deposit) -> None:
        """Add a deposit; its address belongs to it alone."""
        await self._add(rows.DEPOSITS, deposit)

    async def save_deposit(self, deposit: Deposit, was: DepositState) -> None:
        """Replace a deposit that is still in the state `was`."""
        _check_move(was, deposit.state)
        await self._save(
            writes.SAVE_DEPOSIT,
            rows.DEPOSITS.to_row(deposit),
            key_deposit_id=deposit.deposit_id,
            key_owner_id=deposit.owner_id,
            was_state=was.value,
        )

    async def add_payment(self, payment: Payment) -> None:
        """Add a payment. One already known (same deposit and external id) is left as it is."""
        await self._session.change(writes.ADD_PAYMENT, rows.PAYMENTS.to_row(payment))

    # --- withdrawals --------------------------------------------------------------------------

    async def add_withdrawal(self, withdrawal: Withdrawal) -> None:
        """Add a withdrawal of a plan that is there."""
        await self._add(rows.WITHDRAWALS, withdrawal)

    async def save_withdrawal(self, withdrawal: Withdrawal, was: WithdrawalState) -> None:
        """Replace a withdrawal that is still in the state `was`."""
        _check_move(was, withdrawal.state)
        await self._save(
            writes.SAVE_WITHDRAWAL,
            rows.WITHDRAWALS.to_row(withdrawal),
            key_withdrawal_id=withdrawal.withdrawal_id,
            key_owner_id=withdrawal.owner_id,
            was_state=was.value,
        )

    async def add_destination(self, destination: Destination) -> None:
        """Add a destination. Raises BallastError `name_taken` while its label is in use."""
        try:
            await self._add(rows.DESTINATIONS, destination)
        except errors.RuleBrokenError as error:
            raise BallastError(
                ErrorCode.NAME_TAKEN,
                "There is a destination of this label already.",
                label=destination.label,
            ) from error

    async def remove_destination(self, owner_id: str, destination_id: str, at: datetime) -> None:
        """Take a destination off the list; its row stays."""
        await self._save(
            writes.REMOVE_DESTINATION,
            {},
            key_destination_id=destination_id,
            key_owner_id=owner_id,
            new_removed_at=microseconds(at),
        )

    async def add_observations(self, observations: Sequence[Price]) -> None:
        """Keep prices as they were seen; the same observation again changes nothing."""
        await self._session.change_each(
            writes.ADD_OBSERVATION,
            [
                {
                    "asset_id": one.asset_id,
                    "observed_at": microseconds(one.observed_at),
                    "source": one.source,
                    "usd": f"{one.usd:f}",
                }
                for one in observations
            ],
        )

    # --- the ledger ---------------------------------------------------------------------------

    async def post(self, entry: Entry, recorded_at: datetime) -> ChainedEntry | None:
        """Write an entry at the end of its index's chain and bring the balances up to date.

        Returns:
            None, with nothing written, when its external key is already booked in this index.

        Raises:
            BallastError: `insufficient_holdings` when a held account would fall below zero.
        """
        place = await self._session.row(
            q.BOOKED_AND_HEAD, index_id=entry.index_id, external_key=entry.external_key
        )
        assert place is not None, "a SELECT without FROM has one row"
        if place["booked_in"] is not None:
            assert place["booked_in"] == entry.index_id, "an outside fact belongs to one index"
            return None
        link = chain(entry, (place["sequence"] or 0) + 1, recorded_at, place["hash"] or GENESIS)
        after = apply(await self._balances_touched(entry), entry)
        await self._write(link, after)
        return link

    async def _balances_touched(self, entry: Entry) -> Balances:
        assets = sorted({posting.asset_id for posting in entry.postings})
        given = {f"asset_{number}": asset_id for number, asset_id in enumerate(assets)}
        found = await self._session.rows(
            q.balances_of_assets(len(assets)), index_id=entry.index_id, **given
        )
        return balances_from(found)

    async def _write(self, link: ChainedEntry, after: Mapping[tuple[str, Account], int]) -> None:
        entry = link.entry
        await self._add(
            rows.ENTRIES,
            entry,
            sequence=link.sequence,
            recorded_at=microseconds(link.recorded_at),
            previous_hash=link.previous_hash,
            hash=link.hash,
        )
        await self._session.change_each(
            writes.ADD_POSTING,
            [
                {
                    "entry_id": entry.entry_id,
                    "position": position,
                    "owner_id": entry.owner_id,
                    "account": posting.account.value,
                    "asset_id": posting.asset_id,
                    "units": str(posting.units),
                }
                for position, posting in enumerate(entry.postings)
            ],
        )
        await self._session.change_each(
            writes.PUT_BALANCE,
            [
                {
                    "index_id": entry.index_id,
                    "asset_id": asset_id,
                    "account": account.value,
                    "owner_id": entry.owner_id,
                    "units": str(units),
                }
                for (asset_id, account), units in after.items()
            ],
        )

    # --- what was said ------------------------------------------------------------------------

    async def add_decision(self, decision: Decision) -> None:
        """Add a decision. It never changes afterwards."""
        await self._add(rows.DECISIONS, decision)

    async def put_answer(
        self, owner_id: str, operation: str, request_id: str, answer: StoredAnswer, at: datetime
    ) -> None:
        """Keep the answer to a request that has none yet."""
        await self._add(
            rows.ANSWERS,
            answer,
            owner_id=owner_id,
            operation=operation,
            request_id=request_id,
            at=microseconds(at),
        )

    async def put_meta(self, key: str, value: str) -> None:
        """Set a fact about this database."""
        await self._session.change(writes.PUT_META, {"key": key, "value": value})


def _check_move(was: StrEnum, state: StrEnum) -> None:
    if was is not state:
        move(was, state)


def _name_taken(index: Index, error: errors.RuleBrokenError) -> Exception:
    if error.rule != errors.NAME_TAKEN:
        return error
    return name_taken(index.name)
