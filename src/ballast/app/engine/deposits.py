"""One step of a deposit: what the venue says of its address, and what follows from that."""

from __future__ import annotations

from typing import Final

from ballast.app.app import App
from ballast.app.engine.arrivals import arrived, book_returns, sent_back
from ballast.app.engine.claims import SILENCE
from ballast.app.engine.deposit_rows import (
    ATTENTION_RECHECK,
    LATE_RECHECK,
    LATE_WATCH,
    TIME_LIMIT,
    VENUE_GRACE,
    expire,
    look_later,
    on_its_way,
    quick_pause,
    raise_attention,
    slow_pause,
    tell,
)
from ballast.app.engine.investing import invest
from ballast.app.ports import DueRow, SwapStatus, VenueStatus
from ballast.core.deposits import Deposit, Payment
from ballast.core.ids import IdKind
from ballast.core.index import Index
from ballast.core.states import DepositState
from ballast.core.wording import amount_shown
from ballast.errors import BallastError

NO_ACCOUNT: Final = "The venue or its node gives no readable account of this deposit."
_ENDED: Final = (DepositState.CREDITED, DepositState.REFUNDED)
_SECOND: Final = (
    "Another payment came to an address whose deposit has ended. The venue should send it back "
    "into the index; what arrives is booked."
)


async def step_deposit(app: App, row: DueRow) -> None:
    """Move one deposit one step."""
    async with app.store.read() as reader:
        deposit = await reader.get_deposit(row.owner_id, row.row_id)
        index = await reader.get_index(row.owner_id, row.index_id)
    assert deposit is not None, "a due deposit exists"
    assert index is not None, "a deposit has an index"
    if deposit.state is DepositState.CREDITED and deposit.ended_at is None:
        await invest(app, deposit, index)
        return
    try:
        await _look(app, deposit, index)
    except BallastError as silent:
        if silent.code not in SILENCE:
            raise
        await _hear_nothing(app, deposit)


async def _look(app: App, deposit: Deposit, index: Index) -> None:
    status = await app.venue.swap_status(deposit.address, deposit.memo)
    if status is not None:
        await _remember_payments(app, deposit, status)
    if deposit.state in _ENDED:
        await _watch(app, deposit, index, status)
    elif status is None:
        await _nothing_yet(app, deposit)
    else:
        await _follow(app, deposit, index, status)


async def _hear_nothing(app: App, deposit: Deposit) -> None:
    """No usable answer. It may have been paid: it does not expire, a person is called instead."""
    now = app.clock.now()
    match deposit.state:
        case DepositState.SEEN | DepositState.PROCESSING:
            await on_its_way(app, deposit, deposit.state, NO_ACCOUNT)
        case DepositState.AWAITING if now > deposit.deadline + TIME_LIMIT:
            await raise_attention(app, deposit, NO_ACCOUNT)
        case DepositState.AWAITING:
            await look_later(app, deposit, quick_pause(now - deposit.updated_at), NO_ACCOUNT)
        case DepositState.ATTENTION:
            pause = slow_pause(now - deposit.updated_at, ATTENTION_RECHECK)
            await look_later(app, deposit, min(pause, LATE_RECHECK), NO_ACCOUNT)
        case _:
            await look_later(app, deposit, LATE_RECHECK, deposit.problem)


async def _follow(app: App, deposit: Deposit, index: Index, status: SwapStatus) -> None:
    match status.status:
        case VenueStatus.SUCCESS:
            await arrived(app, deposit, index, status)
        case VenueStatus.REFUNDED:
            await sent_back(app, deposit, index, status)
        case VenueStatus.PENDING_DEPOSIT:
            await _nothing_yet(app, deposit)
        case VenueStatus.KNOWN_DEPOSIT_TX:
            await on_its_way(app, deposit, DepositState.SEEN, "")
        case VenueStatus.INCOMPLETE_DEPOSIT:
            await _too_little(app, deposit, status)
        case VenueStatus.PROCESSING:
            await on_its_way(app, deposit, DepositState.PROCESSING, "")
        case VenueStatus.FAILED:
            await raise_attention(app, deposit, "The venue reports that the deposit failed.")
        case _:
            text = "The venue reports a state that Ballast does not know."
            await raise_attention(app, deposit, text)


async def _nothing_yet(app: App, deposit: Deposit) -> None:
    """The venue knows of no payment."""
    now = app.clock.now()
    match deposit.state:
        case DepositState.AWAITING if now <= deposit.deadline:
            await look_later(app, deposit, quick_pause(now - deposit.updated_at), "")
        case DepositState.AWAITING:
            await expire(app, deposit)
        case DepositState.EXPIRED:
            await look_later(app, deposit, LATE_RECHECK, deposit.problem)
        case DepositState.ATTENTION if now > deposit.deadline + LATE_WATCH and not (
            await _was_paid(app, deposit)
        ):
            await expire(app, deposit)
        case _:
            # It knew of one before: it may know again, or a person must look.
            await on_its_way(app, deposit, deposit.state, deposit.problem)


async def _was_paid(app: App, deposit: Deposit) -> bool:
    async with app.store.read() as reader:
        return bool(await reader.payments_of(deposit.deposit_id))


async def _too_little(app: App, deposit: Deposit, status: SwapStatus) -> None:
    """Partial payments add up; what is missing is said."""
    async with app.store.read() as reader:
        asset = (await reader.get_assets([deposit.asset_id]))[deposit.asset_id]
    come = status.deposited_units or 0
    missing = max(deposit.minimum_units - come, 0)
    so_far = (
        f"{amount_shown(come, asset.decimals)} of at least "
        f"{amount_shown(deposit.minimum_units, asset.decimals)} {asset.symbol} have come."
    )
    rest = (
        f"Pay {amount_shown(missing, asset.decimals)} more to the same address before "
        f"{deposit.deadline:%Y-%m-%d %H:%M} UTC; otherwise the venue sends it back some days later."
        if app.clock.now() < deposit.deadline
        else "The address has closed; the venue sends it back within some days."
    )
    closed = deposit.deadline + VENUE_GRACE
    problem = f"{so_far} {rest}"
    await on_its_way(app, deposit, DepositState.SEEN, problem, patient_until=closed)


async def _watch(app: App, deposit: Deposit, index: Index, status: SwapStatus | None) -> None:
    """After the end: a second payment is an item of its own, and what comes back is booked."""
    if status is not None:
        await book_returns(app, deposit, index, status)
    pause = slow_pause(app.clock.now() - deposit.updated_at, LATE_RECHECK)
    await look_later(app, deposit, pause, deposit.problem)


async def _remember_payments(app: App, deposit: Deposit, status: SwapStatus) -> None:
    """Each payment is a row of its own; one after the end is also told."""
    async with app.store.read() as reader:
        known = await reader.payments_of(deposit.deposit_id)
    before = {one.external_id for one in known}
    fresh = [one for one in dict.fromkeys(status.transactions) if one not in before]
    if not fresh:
        return
    units = _units_of(fresh, known, status)
    async with app.store.transaction(deposit.index_id) as tx:
        for external_id in fresh:
            payment = _payment(app, deposit, external_id, units)
            await tx.add_payment(payment)
            if deposit.state in _ENDED:
                facts: dict[str, object] = {"transaction": external_id, "address": deposit.address}
                await tell(app, tx, deposit, "second_payment", _SECOND, facts)


def _units_of(fresh: list[str], known: list[Payment], status: SwapStatus) -> int | None:
    """The venue tells only the sum: that of a single new payment is what the sum has grown by."""
    if len(fresh) != 1 or status.deposited_units is None:
        return None
    if any(one.units is None for one in known):
        return None
    grown = status.deposited_units - sum(one.units or 0 for one in known)
    return grown if grown > 0 else None


def _payment(app: App, deposit: Deposit, external_id: str, units: int | None) -> Payment:
    return Payment(
        payment_id=app.ids.new(IdKind.PAYMENT),
        owner_id=deposit.owner_id,
        deposit_id=deposit.deposit_id,
        external_id=external_id,
        units=units,
        seen_at=app.clock.now(),
    )
