"""Booking what a deposit brought or the venue sent back: the status tells, the balance decides.

What the account holds beyond the ledger is compared with what the status says, and booked only
while the ledger still stands where it stood when the balance was read: so two deposits, or a
deposit and a swap, never book the same units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ballast.app.app import App
from ballast.app.deposits import DEPOSIT_SLIPPAGE_BPS
from ballast.app.engine.claims import NOT_BACK, NOT_VISIBLE, Others, claims_of, stuck_swaps
from ballast.app.engine.deposit_rows import (
    LATE_RECHECK,
    TOO_LATE,
    on_its_way,
    put,
    raise_attention,
    tell,
)
from ballast.app.engine.reconciliation import first_reconciliation, return_assets
from ballast.app.events import emit_deposit
from ballast.app.ports import StateMovedError, SwapStatus, Transaction
from ballast.core.attribution import Claim, is_proven
from ballast.core.deposits import Deposit
from ballast.core.events import EventKind
from ballast.core.ids import IdKind
from ballast.core.index import Asset, Index
from ballast.core.ledger import Account, Entry, EntryKind, held, transfer
from ballast.core.money import BPS
from ballast.core.states import DepositState, IndexState, SwapState, is_terminal, move

SWAP_IN_MOTION: Final = "Reported as done; told apart from a swap that is under way when that ends."
SHORT: Final = "Less has arrived than the venue's offer allowed; what arrived is booked."

# Known words of the venue, in ours; its own text is never put into our sentences.
# (1Click API reference: refundReason)
_REASONS: Final[Mapping[str, str]] = {
    "PARTIAL_DEPOSIT": "Less than the minimum came before the address closed",
    "DEADLINE_EXCEEDED": "It came after the address had closed",
    "SLIPPAGE_EXCEEDED": "The price had moved too far",
}


@dataclass(frozen=True, slots=True)
class Surplus:
    """What the account holds beyond the ledger, and the ledger's sequence number at that moment."""

    units: Mapping[str, int]
    sequence: int


async def arrived(app: App, deposit: Deposit, index: Index, status: SwapStatus) -> None:
    """The venue reports success: book the money once the balance shows it."""
    if deposit.state is DepositState.EXPIRED:
        await raise_attention(app, deposit, TOO_LATE)
        return
    back_as = await return_assets(app, deposit)
    stuck = await stuck_swaps(app, deposit.index_id, deposit.credit_asset_id)
    found = await _surplus(app, index, {deposit.credit_asset_id, *back_as})
    if await _swap_may_bring(app, deposit, {deposit.credit_asset_id}):
        await on_its_way(app, deposit, DepositState.PROCESSING, SWAP_IN_MOTION)
        return
    there = found.units[deposit.credit_asset_id]
    units = status.units_out
    if units is None or (there < units and deposit.state is DepositState.ATTENTION):
        # No amount, or one that the balance has contradicted for long: the balance alone counts.
        units = there if await _is_alone(app, deposit) else None
        returned = _first_there(found, back_as) if units == 0 else None
        if returned is not None:
            units = found.units[returned.asset_id]
            await _end_returned(app, deposit, found, returned, units, status)
            return
    if not units or not await _has_come(app, units, there, stuck):
        await on_its_way(app, deposit, DepositState.PROCESSING, NOT_VISIBLE)
        return
    await _end_credited(app, deposit, found, units, status)


async def _has_come(app: App, units: int, there: int, stuck: Others) -> bool:
    """Whether the balance shows what a deposit is said to have brought, and no swap that needed
    attention has brought just that."""
    if there <= units or not stuck:
        return there >= units
    return is_proven(there, Claim(units), await claims_of(app, stuck))


async def sent_back(app: App, deposit: Deposit, index: Index, status: SwapStatus) -> None:
    """The venue reports a refund. It goes to the account inside the venue, so it is a holding."""
    back_as = await return_assets(app, deposit)
    found = await _surplus(app, index, set(back_as))
    if await _swap_may_bring(app, deposit, set(back_as)):
        await on_its_way(app, deposit, DepositState.PROCESSING, SWAP_IN_MOTION)
        return
    wanted = status.refunded_units
    asset = _first_there(found, back_as, wanted or 1)
    if asset is None and deposit.state is DepositState.ATTENTION:
        asset = _first_there(found, back_as)
    there = found.units[asset.asset_id] if asset else 0
    by_balance = not wanted or there < wanted
    if asset is None or (by_balance and not await _is_alone(app, deposit)):
        await on_its_way(app, deposit, DepositState.PROCESSING, NOT_BACK)
        return
    units = there if by_balance or not wanted else wanted
    await _end_returned(app, deposit, found, asset, units, status)


async def book_returns(app: App, deposit: Deposit, index: Index, status: SwapStatus) -> None:
    """After the end: what the venue has sent back since, as far as the balance shows it."""
    async with app.store.read_once() as reader:
        known = int(await reader.get_meta(_returned_key(deposit)) or 0)
    units = (status.refunded_units or 0) - known
    if units <= 0:
        return
    back_as = await return_assets(app, deposit)
    found = await _surplus(app, index, set(back_as))
    asset = _first_there(found, back_as, units)
    if asset is None or await _swap_may_bring(app, deposit, set(back_as)):
        return
    async with app.store.transaction(deposit.index_id) as tx:
        await _book_return(app, tx, deposit, found, asset, units, known + units)
        summary = "The venue sent money back that came to this address after its deposit had ended."
        facts: dict[str, object] = {"asset_id": asset.asset_id, "units": str(units)}
        await tell(app, tx, deposit, "deposit_returned", summary, facts)


# --- ends ---------------------------------------------------------------------------------------


async def _end_credited(
    app: App, deposit: Deposit, found: Surplus, units: int, status: SwapStatus
) -> None:
    now = app.clock.now()
    credited = replace(
        deposit,
        state=move(deposit.state, DepositState.CREDITED),
        credited_units=units,
        problem="",
        updated_at=now,
        # Not at its end yet, and due: what is credited is to be invested.
        ended_at=None,
        due_at=now,
    )
    async with app.store.transaction(deposit.index_id) as tx:
        await put(tx, deposit, credited)
        entry = _entry(
            app,
            deposit,
            EntryKind.DEPOSIT_CREDITED,
            _external_key(app, deposit),
            status.updated_at or now,
            deposit.credit_asset_id,
            units,
        )
        await _post(app, tx, found, entry)
        if units < _least(deposit, status):
            facts: dict[str, object] = {"units": str(units)}
            await tell(app, tx, deposit, "deposit_short", SHORT, facts)
        await _activate(tx, deposit, now)
        await emit_deposit(app, tx, EventKind.DEPOSIT_CREDITED, credited)


async def _end_returned(
    app: App,
    deposit: Deposit,
    found: Surplus,
    asset: Asset,
    units: int,
    status: SwapStatus,
) -> None:
    now = app.clock.now()
    why = _REASONS.get(status.refund_reason, "The venue could not convert the payment")
    refunded = replace(
        deposit,
        state=move(deposit.state, DepositState.REFUNDED),
        problem=f"{why}, so it was sent back into the index.",
        updated_at=now,
        ended_at=now,
        due_at=now + LATE_RECHECK,
    )
    total = max(status.refunded_units or 0, units)
    async with app.store.transaction(deposit.index_id) as tx:
        await put(tx, deposit, refunded)
        await _book_return(app, tx, deposit, found, asset, units, total)
        await _activate(tx, deposit, now)


def _least(deposit: Deposit, status: SwapStatus) -> int:
    """The least that the offer promises for what was paid; the slippage acts on both sides."""
    paid = status.units_in or status.deposited_units or deposit.minimum_units
    kept = BPS - 2 * DEPOSIT_SLIPPAGE_BPS
    return deposit.expected_units * paid * kept // (deposit.quoted_units * BPS)


# --- what is there --------------------------------------------------------------------------------


async def _surplus(app: App, index: Index, asset_ids: set[str]) -> Surplus:
    async with app.store.read() as reader:
        ours = held(await reader.balances(index.index_id))
        sequence, _ = await reader.ledger_head(index.index_id)
    gone = await _gone_for_good(app, index, asset_ids)
    theirs = await app.venue.balances(index.account_id, sorted(asset_ids))
    there = {one: theirs[one] - ours.get(one, 0) + gone[one] for one in asset_ids}
    return Surplus(there, sequence)


async def _gone_for_good(app: App, index: Index, asset_ids: set[str]) -> Counter[str]:
    """What swaps that need attention have paid: the ledger has it in flight until they end, which
    may be never, and that must not hide a deposit of the same asset."""
    async with app.store.read() as reader:
        running = await reader.active_rebalance(index.index_id)
        swaps = await reader.swaps_of(running.rebalance_id) if running else []
        stuck = [one for one in swaps if one.state is SwapState.ATTENTION and one.sell in asset_ids]
        nonces = {one.swap_id: (await reader.intents_of(one.swap_id))[-1].nonce for one in stuck}
    gone: Counter[str] = Counter()
    for one in stuck:
        if await app.venue.nonce_used(index.account_id, nonces[one.swap_id]):
            gone[one.sell] += one.input_units
    return gone


def _first_there(found: Surplus, assets: Mapping[str, Asset], least: int = 1) -> Asset | None:
    return next((one for name, one in assets.items() if found.units[name] >= least), None)


async def _swap_may_bring(app: App, deposit: Deposit, asset_ids: set[str]) -> bool:
    """Whether a swap under way may just have brought the same asset. One that a person has to
    look at holds no deposit up."""
    async with app.store.read() as reader:
        running = await reader.active_rebalance(deposit.index_id)
        swaps = await reader.swaps_of(running.rebalance_id) if running else []
    return any(
        one.buy in asset_ids and not is_terminal(one.state) and one.state is not SwapState.ATTENTION
        for one in swaps
    )


async def _is_alone(app: App, deposit: Deposit) -> bool:
    """Whether nothing else can have brought what is there: no rebalance, no other deposit."""
    on_the_way = (DepositState.SEEN, DepositState.PROCESSING, DepositState.ATTENTION)
    async with app.store.read() as reader:
        running = await reader.active_rebalance(deposit.index_id)
        deposits = await reader.list_deposits(deposit.index_id, 1_000)
    others = [
        one for one in deposits if one.deposit_id != deposit.deposit_id and one.state in on_the_way
    ]
    return running is None and not others


# --- the book -------------------------------------------------------------------------------------


def _returned_key(deposit: Deposit) -> str:
    return f"deposit_returned:{deposit.deposit_id}"


def _external_key(app: App, deposit: Deposit) -> str:
    return f"{app.venue.name}:deposit:{deposit.address}:{deposit.memo or ''}"


async def _book_return(
    app: App,
    tx: Transaction,
    deposit: Deposit,
    found: Surplus,
    asset: Asset,
    units: int,
    total: int,
) -> None:
    """Book a refund; `total` is all that the venue says it has sent back so far."""
    await tx.add_asset(asset)
    key = f"{_external_key(app, deposit)}:returned:{total}"
    now = app.clock.now()
    entry = _entry(app, deposit, EntryKind.DEPOSIT_RETURNED, key, now, asset.asset_id, units)
    await _post(app, tx, found, entry)
    await tx.put_meta(_returned_key(deposit), str(total))


def _entry(
    app: App,
    deposit: Deposit,
    kind: EntryKind,
    external_key: str,
    event_at: datetime,
    asset_id: str,
    units: int,
) -> Entry:
    return Entry(
        entry_id=app.ids.new(IdKind.ENTRY),
        owner_id=deposit.owner_id,
        index_id=deposit.index_id,
        kind=kind,
        reference=deposit.deposit_id,
        external_key=external_key,
        event_at=event_at,
        postings=transfer(asset_id, units, Account.OWNER, Account.AVAILABLE),
    )


async def _post(app: App, tx: Transaction, found: Surplus, entry: Entry) -> None:
    """Write the entry, unless the ledger has gone on since the balance was read: look again then.

    Raises:
        StateMovedError: it has.
    """
    sequence, _ = await tx.ledger_head(entry.index_id)
    if sequence != found.sequence:
        raise StateMovedError("something was booked since the balance was read")
    posted = await tx.post(entry, app.clock.now())
    assert posted is not None, "an end is booked once, in the transaction that reaches it"


async def _activate(tx: Transaction, deposit: Deposit, now: datetime) -> None:
    index = await tx.get_index(deposit.owner_id, deposit.index_id)
    assert index is not None, "a deposit has an index"
    if index.state is IndexState.PENDING:
        active = replace(
            index,
            state=move(index.state, IndexState.ACTIVE),
            version=index.version + 1,
            updated_at=now,
            reconcile_at=first_reconciliation(now),
        )
        await tx.save_index(active, was_version=index.version)
