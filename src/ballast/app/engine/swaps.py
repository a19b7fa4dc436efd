"""One step of a swap: quote, sign, send, or look what became of it.

The order that makes a swap happen at most once: the signed bytes are committed before the first
byte leaves; what was sent and not answered is unknown, never failed; the same bytes are sent again,
never others; and nothing counts as "did not happen" until the deadline is final and the nonce is
still unused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.auditing import BALLAST, audit
from ballast.app.engine.outcome import NONCE_MEMORY, look
from ballast.app.engine.rows import forget_swap, give_up, wait_swap
from ballast.app.engine.sending import send
from ballast.app.observing import Activity, Doing
from ballast.app.operation import Caller
from ballast.app.ports import (
    DueRow,
    KeyEnvelope,
    Quote,
    Reader,
    SignedIntent,
    SwapAsk,
    Transaction,
    TransferOrder,
    WithdrawalAsk,
)
from ballast.app.switch import NO_NEW_RISK, halt_level, may_sign
from ballast.core.halting import HaltLevel, opens_risk
from ballast.core.ids import IdKind
from ballast.core.index import Index
from ballast.core.states import IntentState, RebalanceState, SwapState, move
from ballast.core.trading import Intent, Purpose, Swap
from ballast.errors import BallastError, ErrorCode

# A quote is asked to stay good this long; an intent can execute no longer than this.
QUOTE_LIFETIME: Final = timedelta(minutes=10)
INTENT_LIFETIME: Final = timedelta(minutes=3)
# Signing needs this much of the quote left, so that the venue still accepts the payment.
SIGNING_MARGIN: Final = timedelta(seconds=30)
QUOTE_ATTEMPTS: Final = 4
# How long a venue, or the index's key, may be out of reach before an unsigned swap is given up.
PATIENCE: Final = timedelta(minutes=10)
# Asking again changes nothing about these.
FINAL_REFUSALS: Final = frozenset({ErrorCode.AMOUNT_TOO_LOW, ErrorCode.ADDRESS_INVALID})
# Neither is our own mistake, and both may pass.
CANNOT_SIGN: Final = frozenset(
    {ErrorCode.KEYS_UNAVAILABLE, ErrorCode.VENUE_UNAVAILABLE, ErrorCode.VENUE_REFUSED}
)
HALT_RECHECK: Final = timedelta(seconds=10)
KEY_RECHECK: Final = timedelta(seconds=10)


async def step_swap(app: App, row: DueRow) -> None:
    """Move one swap one step."""
    async with app.store.read() as reader:
        swap = await reader.get_swap(row.owner_id, row.row_id)
        assert swap is not None, "a due swap exists"
        level = await halt_level(app.halt_orders, reader, row.owner_id)
        unsigned = swap.state in (SwapState.PLANNED, SwapState.QUOTED)
        before = await _before_signing(reader, swap) if unsigned else None
        intents = [] if unsigned else await reader.intents_of(row.row_id)
    app.observer.about(rebalance=swap.rebalance_id)
    if before is not None:
        await _step_unsigned(app, swap, before, level)
        return
    match swap.state:
        case SwapState.SIGNED:
            await send(app, swap, intents[-1], level is HaltLevel.NOTHING)
        case SwapState.PUBLISHED | SwapState.ATTENTION:
            await look(app, swap, intents[-1])
        case _:
            await forget_swap(app, swap)


async def _before_signing(reader: Reader, swap: Swap) -> tuple[Index, bool]:
    """Its index, and whether its rebalance goes on."""
    index = await reader.get_index(swap.owner_id, swap.index_id)
    assert index is not None, "a swap has an index"
    return index, await _goes_on(reader, swap)


async def _step_unsigned(
    app: App, swap: Swap, before: tuple[Index, bool], level: HaltLevel
) -> None:
    index, goes_on = before
    risky = opens_risk(swap, index.base_asset_id)
    if not goes_on:
        await _rest(app, swap)
    elif level is HaltLevel.NOTHING:
        problem = "Trading is halted; nothing new is signed."
        await wait_swap(app, swap, HALT_RECHECK, problem, tried=False)
    elif level.stops(opens_risk=risky):
        # Given up, and not put off: what the index sells and pays out waits for its end.
        await _fail_unsent(app, swap, NO_NEW_RISK)
    elif swap.state is SwapState.PLANNED:
        await _quote(app, swap, index)
    else:
        await _sign(app, swap, risky)


async def _rest(app: App, swap: Swap) -> None:
    """The index is paused: wait until it is resumed, which makes this due again."""
    async with app.store.transaction(swap.index_id) as tx:
        if not await _goes_on(tx, swap):
            await tx.save_swap(replace(swap, due_at=None), was=swap.state)


async def _goes_on(reader: Reader, swap: Swap) -> bool:
    rebalance = await reader.get_rebalance(swap.owner_id, swap.rebalance_id)
    assert rebalance is not None, "a swap has a rebalance"
    return rebalance.state is not RebalanceState.HALTED


# --- planned -> quoted --------------------------------------------------------------------------


async def _quote(app: App, swap: Swap, index: Index) -> None:
    try:
        quote = await _firm_quote(app, swap, index)
    except BallastError as refusal:
        await _quote_failed(app, swap, refusal)
        return
    if quote.fee_bps > index.limits.max_fee_bps:
        await _retry_or_fail(app, swap, "The venue's fee is above the limit of this index.")
        return
    if quote.minimum_out_units < swap.floor_units:
        problem = "The price has moved: the venue's offer is below the plan's minimum."
        await _retry_or_fail(app, swap, problem)
        return
    if await _is_second_use(app, quote):
        problem = "The venue offered an address that belongs to an earlier swap or deposit."
        await _retry_or_fail(app, swap, problem)
        return
    now = app.clock.now()
    quoted = replace(
        swap,
        state=move(swap.state, SwapState.QUOTED),
        quoted_units=quote.units_out,
        minimum_units=quote.minimum_out_units,
        deposit_address=quote.deposit_address,
        deposit_memo=quote.deposit_memo,
        quote_deadline=quote.deadline,
        quote=dict(quote.wire),
        problem="",
        updated_at=now,
        due_at=now,
    )
    async with app.store.transaction(swap.index_id) as tx:
        await tx.save_swap(quoted, was=swap.state)


async def _is_second_use(app: App, quote: Quote) -> bool:
    """Money sent to an address of an earlier swap would settle that one, or come back late."""
    assert quote.deposit_address is not None, "a firm quote has an address"
    async with app.store.read_once() as reader:
        return await reader.address_taken(quote.deposit_address, quote.deposit_memo)


async def _firm_quote(app: App, swap: Swap, index: Index) -> Quote:
    # Half of the allowed slippage for the quote itself, half for the time since the plan.
    slippage_bps = index.limits.max_slippage_bps // 2
    deadline = app.clock.now() + QUOTE_LIFETIME
    if swap.purpose is Purpose.PAYOUT:
        assert swap.recipient is not None, "a payout has a recipient"
        payout = WithdrawalAsk(
            account_id=index.account_id,
            sell=swap.sell,
            payout_asset_id=swap.buy,
            units=swap.input_units,
            recipient=swap.recipient,
            memo=swap.recipient_memo,
            slippage_bps=slippage_bps,
            deadline=deadline,
        )
        return await app.venue.quote_withdrawal(payout, firm=True)
    ask = SwapAsk(
        account_id=index.account_id,
        sell=swap.sell,
        buy=swap.buy,
        units=swap.input_units,
        slippage_bps=slippage_bps,
        deadline=deadline,
    )
    return await app.venue.quote_swap(ask, firm=True)


async def _quote_failed(app: App, swap: Swap, refusal: BallastError) -> None:
    if refusal.code in FINAL_REFUSALS:
        await _fail_unsent(app, swap, refusal.message)
    elif refusal.code in (ErrorCode.VENUE_REFUSED, ErrorCode.QUOTE_REFUSED):
        await _retry_or_fail(app, swap, refusal.message)
    elif app.clock.now() - swap.created_at > PATIENCE:
        await _fail_unsent(app, swap, "The venue did not answer in time; nothing was signed.")
    else:
        raise refusal


async def _retry_or_fail(app: App, swap: Swap, problem: str) -> None:
    if swap.attempts + 1 >= QUOTE_ATTEMPTS:
        await _fail_unsent(app, swap, problem)
    else:
        await wait_swap(app, swap, timedelta(seconds=2 ** (swap.attempts + 1)), problem)


async def _fail_unsent(app: App, swap: Swap, problem: str) -> None:
    """Give up a swap of which nothing was signed."""
    async with app.store.transaction(swap.index_id) as tx:
        await give_up(app, tx, swap, problem)


# --- quoted -> signed ---------------------------------------------------------------------------


async def _sign(app: App, swap: Swap, risky: bool) -> None:
    now = app.clock.now()
    assert swap.quote_deadline is not None, "a quoted swap has a deadline"
    if swap.quote_deadline - now < SIGNING_MARGIN:
        await _back_to_planned(app, swap)
        return
    async with app.store.read_once() as reader:
        envelope = await reader.get_key(swap.index_id)
    if envelope is None:
        raise BallastError(ErrorCode.KEYS_UNAVAILABLE, "This index has no key in the store.")
    try:
        salt = await app.venue.current_salt()
        order = _order(app, swap, envelope.account_id, salt, now)
        await _commit_signed(app, swap, envelope, order, risky)
    except BallastError as refusal:
        if refusal.code not in CANNOT_SIGN:
            raise
        await _cannot_sign(app, swap, refusal)


async def _commit_signed(
    app: App, swap: Swap, envelope: KeyEnvelope, order: TransferOrder, risky: bool
) -> None:
    """Sign, and keep what was signed. The signature is made inside the transaction that found
    neither trading nor the rebalance halted: either is halted before it, or after what it has
    signed is on the disk."""
    now = app.clock.now()
    after = replace(swap, state=move(swap.state, SwapState.SIGNED), updated_at=now, due_at=now)
    switch = may_sign(app.store, app.halt_orders, swap.owner_id, swap.index_id, opens_risk=risky)
    async with switch as tx:
        if tx is None or not await _goes_on(tx, swap):
            return
        with app.observer.observe(_signature(swap)):
            signed = app.vault.sign_transfer(envelope, order)
        intent = _intent(app, swap, order, signed, now)
        await tx.add_intent(intent)
        await _audit_signature(app, tx, intent)
        await tx.save_swap(after, was=swap.state)


async def _audit_signature(app: App, tx: Transaction, intent: Intent) -> None:
    await audit(
        app,
        tx,
        Caller(intent.owner_id, BALLAST),
        "sign_intent",
        intent.intent_id,
        swap_id=intent.swap_id,
        intent_hash=intent.intent_hash,
        asset_id=intent.asset_id,
        units=intent.units,
        receiver_id=intent.receiver_id,
        deadline=intent.deadline,
    )


def _signature(swap: Swap) -> Activity:
    ids = {"swap": swap.swap_id, "rebalance": swap.rebalance_id, "index": swap.index_id}
    return Activity(Doing.SIGNATURE, "sign intent", {"purpose": swap.purpose.value}, ids)


async def _cannot_sign(app: App, swap: Swap, refusal: BallastError) -> None:
    """The owner may put the key back, a node may answer again; but nobody waits for ever, since
    other work of the index does."""
    if app.clock.now() - swap.created_at > PATIENCE:
        await _fail_unsent(app, swap, refusal.message)
    else:
        await wait_swap(app, swap, KEY_RECHECK, refusal.message)


def _order(app: App, swap: Swap, account_id: str, salt: str, now: datetime) -> TransferOrder:
    assert swap.deposit_address is not None, "a quoted swap has an address"
    assert swap.quote_deadline is not None, "a quoted swap has a deadline"
    deadline = min(swap.quote_deadline, now + INTENT_LIFETIME)
    return TransferOrder(
        signer_id=account_id,
        receiver_id=swap.deposit_address,
        asset_id=swap.sell,
        units=swap.input_units,
        deadline=deadline,
        nonce_deadline=deadline + NONCE_MEMORY,
        salt=salt,
        random=app.ids.random_bytes(15),
    )


def _intent(
    app: App, swap: Swap, order: TransferOrder, signed: SignedIntent, now: datetime
) -> Intent:
    return Intent(
        intent_id=app.ids.new(IdKind.INTENT),
        owner_id=swap.owner_id,
        index_id=swap.index_id,
        swap_id=swap.swap_id,
        purpose=swap.purpose.value,
        state=IntentState.SIGNED,
        intent_hash=signed.intent_hash,
        payload=signed.payload,
        signature=signed.signature,
        nonce=signed.nonce,
        receiver_id=order.receiver_id,
        asset_id=order.asset_id,
        units=order.units,
        deadline=order.deadline,
        created_at=now,
        updated_at=now,
        attempts=0,
    )


async def _back_to_planned(app: App, swap: Swap) -> None:
    now = app.clock.now()
    planned = replace(swap, state=move(swap.state, SwapState.PLANNED), updated_at=now, due_at=now)
    async with app.store.transaction(swap.index_id) as tx:
        await tx.save_swap(planned, was=swap.state)
