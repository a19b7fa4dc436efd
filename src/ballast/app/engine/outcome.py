"""What became of a swap that the venue has: settled, refunded, never executed, or not known yet.

The venue's status says which; the balances say whether it is true. A status without amounts is
settled by the balances alone, once no other swap of the index can explain a difference.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.engine.claims import (
    NOT_BACK,
    NOT_VISIBLE,
    SILENCE,
    claims_of,
    is_doubted,
    others_bringing,
)
from ballast.app.engine.costs import what_it_cost
from ballast.app.engine.postings import post_release, post_swap
from ballast.app.engine.reconciliation import assets_arriving
from ballast.app.engine.rows import end_leg, note, wait_swap
from ballast.app.engine.withdrawals import end_withdrawal, move_withdrawal
from ballast.app.ports import SwapStatus, Transaction, VenueStatus
from ballast.app.switch import halt
from ballast.core.attribution import Claim, is_proven
from ballast.core.index import Index
from ballast.core.ledger import (
    Account,
    Balances,
    EntryKind,
    held,
    payout_sent_postings,
    swap_refunded_postings,
    swap_settled_postings,
)
from ballast.core.states import IntentState, SwapState, WithdrawalState, is_terminal, move
from ballast.core.trading import Intent, Purpose, Swap
from ballast.errors import BallastError

log = structlog.get_logger(__name__)

# The venue must still remember the nonce when we ask whether an expired intent executed.
NONCE_MEMORY: Final = timedelta(days=7)
# The venue promises seconds. What takes longer than this is for a person to look at.
TIME_LIMIT: Final = timedelta(minutes=30)
ATTENTION_RECHECK: Final = timedelta(minutes=5)

# A venue that breaks its signed word gets no more signatures until the owner has looked.
BREACH: Final = "The venue reports less than the quote's minimum. All trading was halted."
NO_ACCOUNT: Final = "The venue or its node gives no readable account of this swap."


async def look(app: App, swap: Swap, intent: Intent) -> None:
    """Ask the venue about a published swap and act on what is proven."""
    try:
        await _look(app, swap, intent)
    except BallastError as silent:
        if silent.code not in SILENCE:
            raise
        await _keep_watching(app, swap, NO_ACCOUNT)


async def _look(app: App, swap: Swap, intent: Intent) -> None:
    assert swap.deposit_address is not None, "a published swap has an address"
    status = await app.venue.swap_status(swap.deposit_address, swap.deposit_memo)
    match status.status if status else VenueStatus.UNKNOWN:
        case VenueStatus.SUCCESS:
            assert status is not None
            await _succeeded(app, swap, intent, status)
        case VenueStatus.REFUNDED:
            assert status is not None
            await _refunded(app, swap, intent, status)
        case VenueStatus.PROCESSING | VenueStatus.KNOWN_DEPOSIT_TX:
            await _keep_watching(app, swap, "")
        case _:
            await _perhaps_never_executed(app, swap, intent, status)


async def _succeeded(app: App, swap: Swap, intent: Intent, status: SwapStatus) -> None:
    if swap.purpose is Purpose.PAYOUT:
        await _delivered(app, swap, intent, status)
        return
    if status.units_out is None or status.refunded_units:
        await _settle_by_balance(app, swap, intent)
        return
    assert swap.minimum_units is not None, "a published swap has a minimum"
    if status.units_out < swap.minimum_units:
        await call_attention(app, swap, BREACH, stop=True)
        return
    if not await _has_come(app, swap, swap.buy, status.units_out):
        await _keep_watching(app, swap, NOT_VISIBLE)
        return
    await _end_settled(app, swap, intent, status.units_out, returned=0)


async def _delivered(app: App, swap: Swap, intent: Intent, status: SwapStatus) -> None:
    """A payout arrives outside, where no balance of ours shows it: what left is the evidence."""
    assert swap.minimum_units is not None, "a published payout has a minimum"
    balances, index = await _book(app, swap)
    there = await app.venue.balances(index.account_id, [swap.sell])
    returned = status.refunded_units or 0
    still_here = there[swap.sell] - untouched(balances, swap.sell)
    contradicted = status.units_out is None or returned >= swap.input_units
    if contradicted or await _never_left(app, swap, still_here):
        await _settle_payout_by_balance(app, swap, intent, still_here)
    elif (status.units_out or 0) < swap.minimum_units:
        await call_attention(app, swap, BREACH, stop=True)
    else:
        await _end_delivered(app, swap, intent, status, returned)


async def _never_left(app: App, swap: Swap, still_here: int) -> bool:
    """Whether all that was to be sent is still here. Anything less came from elsewhere, and so may
    anything that a deposit brings: an index is no less open to others while a payout runs."""
    if still_here < swap.input_units:
        return False
    return swap.sell not in await assets_arriving(app, swap.index_id)


async def _settle_payout_by_balance(app: App, swap: Swap, intent: Intent, still_here: int) -> None:
    """The status contradicts itself or the balance. All of it back is a refund; the rest waits."""
    arriving = await assets_arriving(app, swap.index_id)
    if still_here == swap.input_units and swap.sell not in arriving:
        await _end_refunded(app, swap, intent, still_here)
    else:
        await _keep_watching(app, swap, "The venue's answer and the balance do not agree yet.")


async def _refunded(app: App, swap: Swap, intent: Intent, status: SwapStatus) -> None:
    returned = status.refunded_units
    if not returned or returned > swap.input_units:
        await _settle_by_balance(app, swap, intent)
        return
    if not await _has_come(app, swap, swap.sell, returned):
        await _keep_watching(app, swap, NOT_BACK)
        return
    await _end_refunded(app, swap, intent, returned)


async def _has_come(app: App, swap: Swap, asset_id: str, units: int) -> bool:
    """Whether the balance shows that what is reported has come, and by this swap: what a deposit or
    another swap has brought proves nothing."""
    others = await others_bringing(app, swap, asset_id)
    balances, index = await _book(app, swap)
    there = await app.venue.balances(index.account_id, [asset_id])
    bought = asset_id == swap.buy
    known = held(balances).get(asset_id, 0) if bought else untouched(balances, asset_id)
    surplus, mine = there[asset_id] - known, Claim(units, is_doubted=is_doubted(swap))
    if surplus <= units or not others:
        return surplus >= units
    return is_proven(surplus, mine, await claims_of(app, others))


async def _settle_by_balance(app: App, swap: Swap, intent: Intent) -> None:
    """The status lacks amounts or contradicts itself: only the balances count."""
    # Read before the balances: what has ended by now is in the ledger they are compared with.
    contested = await contested_assets(app, swap)
    balances, index = await _book(app, swap)
    there = await app.venue.balances(index.account_id, [swap.sell, swap.buy])
    returned = there[swap.sell] - untouched(balances, swap.sell)
    bought = there[swap.buy] - held(balances).get(swap.buy, 0)
    minimum = swap.minimum_units or 0
    if (returned and swap.sell in contested) or (bought and swap.buy in contested):
        await _keep_watching(app, swap, "Waiting for other swaps before reading the balances.")
    elif bought >= max(minimum, 1) and 0 <= returned < swap.input_units:
        await _end_settled(app, swap, intent, bought, returned)
    elif bought == 0 and 0 < returned <= swap.input_units:
        await _end_refunded(app, swap, intent, returned)
    else:
        await _keep_watching(app, swap, "The venue's answer and the balances do not agree yet.")


async def contested_assets(app: App, swap: Swap, *, but_attention: bool = False) -> set[str]:
    """Which of a swap's assets a deposit or another open swap may have brought or taken.

    Args:
        but_attention: what needs attention itself is left out.
    """
    async with app.store.read_once() as reader:
        others = await reader.swaps_of(swap.rebalance_id)
    moving = await assets_arriving(app, swap.index_id, but_attention=but_attention)
    for other in others:
        left_out = but_attention and other.state is SwapState.ATTENTION
        if other.swap_id != swap.swap_id and not is_terminal(other.state) and not left_out:
            moving |= {other.sell, other.buy}
    return moving & {swap.sell, swap.buy}


async def _perhaps_never_executed(
    app: App, swap: Swap, intent: Intent, status: SwapStatus | None
) -> None:
    """No trace of the payment: proven not to have happened, or still to be waited for."""
    _, index = await _book(app, swap)
    # The final time is read first: a nonce that is unused after it stays unused for ever.
    final = await app.venue.final_time()
    used = await app.venue.nonce_used(index.account_id, intent.nonce)
    executed = intent.state is IntentState.EXECUTED
    if not (executed or used) and await proves_nothing_moved(app, swap, intent, final):
        await _end_unexecuted(app, swap, intent)
    elif status is not None and status.status is VenueStatus.FAILED and used:
        await call_attention(app, swap, "The venue took the payment and reports a failure.")
    elif status is not None and status.status is VenueStatus.UNKNOWN:
        await _keep_watching(app, swap, "The venue reports a state that Ballast does not know.")
    else:
        await _keep_watching(app, swap, "")


async def proves_nothing_moved(app: App, swap: Swap, intent: Intent, final: datetime) -> bool:
    """Whether an unused nonce, asked for after `final`, proves that the intent never executed.

    It does once the deadline is final, while the venue still remembers nonces. If nobody looked for
    so long that the nonce may have been forgotten, only the money itself is proof: all of it here,
    with nothing else in motion.
    """
    if final <= intent.deadline:
        return False
    if final < intent.deadline + NONCE_MEMORY:
        return True
    balances, index = await _book(app, swap)
    there = await app.venue.balances(index.account_id, [swap.sell])
    here = there[swap.sell] >= untouched(balances, swap.sell) + swap.input_units
    return here and not await contested_assets(app, swap)


async def _book(app: App, swap: Swap) -> tuple[Balances, Index]:
    async with app.store.read_once() as reader:
        found = await reader.get_index_and_balances(swap.owner_id, swap.index_id)
    assert found is not None, "a swap has an index"
    return found[1], found[0]


def untouched(balances: Balances, asset_id: str) -> int:
    """What the account holds of an asset even if nothing of what is in flight comes back."""
    return balances.get((asset_id, Account.AVAILABLE), 0) + balances.get(
        (asset_id, Account.RESERVED), 0
    )


async def _keep_watching(app: App, swap: Swap, problem: str) -> None:
    now = app.clock.now()
    age = now - (swap.published_at or swap.created_at)
    if swap.state is SwapState.ATTENTION:
        await _still_in_attention(app, swap, problem or swap.problem)
    elif age > TIME_LIMIT:
        await call_attention(app, swap, problem or "The venue has not ended this swap in time.")
    else:
        await wait_swap(app, swap, _pause(age), problem)


def _pause(age: timedelta) -> timedelta:
    """Often at first, because most swaps settle within seconds; then less."""
    if age < timedelta(seconds=20):
        return timedelta(seconds=1)
    return timedelta(seconds=3) if age < timedelta(minutes=2) else timedelta(seconds=15)


async def call_attention(app: App, swap: Swap, problem: str, *, stop: bool = False) -> None:
    """Leave a swap to a person's attention, with the reason; it is still watched.

    Args:
        stop: also halt all trading, as the kill switch does.
    """
    if swap.state is SwapState.ATTENTION:
        await _still_in_attention(app, swap, problem, stop=stop)
        return
    log.error("swap_needs_attention", swap=swap.swap_id, index=swap.index_id, problem=problem)
    now = app.clock.now()
    raised = replace(
        swap,
        state=move(swap.state, SwapState.ATTENTION),
        problem=problem,
        updated_at=now,
        due_at=now + ATTENTION_RECHECK,
    )
    # The kill switch is everybody's: it is set while nothing else is written.
    async with app.store.transaction(None if stop else swap.index_id) as tx:
        await tx.save_swap(raised, was=swap.state)
        if stop:
            await halt(app, tx, "venue_broke_its_word")
        if swap.purpose is Purpose.PAYOUT:
            await move_withdrawal(app, tx, swap.rebalance_id, WithdrawalState.ATTENTION, problem)
        await note(
            app,
            tx,
            owner_id=swap.owner_id,
            index_id=swap.index_id,
            reason="swap_attention",
            summary=problem,
            reference=swap.rebalance_id,
            facts={"swap_id": swap.swap_id, "deposit_address": swap.deposit_address},
        )


async def _still_in_attention(app: App, swap: Swap, problem: str, *, stop: bool = False) -> None:
    """A broken word halts once, whenever it is found, and stays the problem: an owner who has
    resumed is not halted again for the same."""
    known = swap.problem == BREACH
    if stop and not known:
        async with app.store.transaction() as tx:
            await halt(app, tx, "venue_broke_its_word")
    await wait_swap(app, swap, ATTENTION_RECHECK, BREACH if known else problem)


# --- ends ---------------------------------------------------------------------------------------


async def _end_settled(app: App, swap: Swap, intent: Intent, bought: int, returned: int) -> None:
    ended = _ended(app, swap, SwapState.SETTLED, output=bought, refunded=returned)
    postings = swap_settled_postings(swap.sell, swap.input_units, returned, swap.buy, bought)
    async with app.store.transaction(swap.index_id) as tx:
        await _executed(app, tx, intent)
        priced = replace(ended, cost_pico=await what_it_cost(tx, ended))
        await end_leg(app, tx, priced, was=swap.state)
        await post_swap(app, tx, swap, EntryKind.SWAP_SETTLED, postings, app.clock.now())


async def _end_delivered(
    app: App, swap: Swap, intent: Intent, status: SwapStatus, returned: int
) -> None:
    delivered = status.units_out or 0
    ended = _ended(app, swap, SwapState.SETTLED, output=delivered, refunded=returned)
    postings = payout_sent_postings(swap.sell, swap.input_units, returned)
    async with app.store.transaction(swap.index_id) as tx:
        await _executed(app, tx, intent)
        await end_leg(app, tx, ended, was=swap.state)
        await post_swap(app, tx, swap, EntryKind.PAYOUT_SENT, postings, app.clock.now())
        await end_withdrawal(
            app,
            tx,
            swap.rebalance_id,
            sent_units=swap.input_units - returned,
            delivered_units=delivered,
            transactions=status.deliveries,
        )


async def _end_refunded(app: App, swap: Swap, intent: Intent, returned: int) -> None:
    ended = _ended(app, swap, SwapState.REFUNDED, output=0, refunded=returned)
    ended = replace(ended, problem="The venue sent it back; the price had moved or it came late.")
    postings = swap_refunded_postings(swap.sell, swap.input_units, returned)
    async with app.store.transaction(swap.index_id) as tx:
        await _executed(app, tx, intent)
        await end_leg(app, tx, ended, was=swap.state)
        await post_swap(app, tx, swap, EntryKind.SWAP_REFUNDED, postings, app.clock.now())


async def _end_unexecuted(app: App, swap: Swap, intent: Intent) -> None:
    now = app.clock.now()
    unknown = intent
    if intent.state is not IntentState.UNKNOWN:
        unknown = replace(intent, state=move(intent.state, IntentState.UNKNOWN), updated_at=now)
    expired = replace(unknown, state=move(unknown.state, IntentState.EXPIRED), updated_at=now)
    ended = _ended(app, swap, SwapState.FAILED, output=0, refunded=0)
    ended = replace(ended, problem=ran_out(swap.problem))
    async with app.store.transaction(swap.index_id) as tx:
        if unknown is not intent:
            await tx.save_intent(unknown, was=intent.state)
        await tx.save_intent(expired, was=unknown.state)
        await end_leg(app, tx, ended, was=swap.state)
        await post_release(app, tx, swap, Account.IN_FLIGHT)


def ran_out(problem: str) -> str:
    """Why a signed swap failed: it was never carried out, and what was last known of it."""
    return f"The signed transfer ran out unused, so nothing moved. {problem}".strip()


async def _executed(app: App, tx: Transaction, intent: Intent) -> None:
    if intent.state is IntentState.EXECUTED:
        return
    executed = replace(
        intent, state=move(intent.state, IntentState.EXECUTED), updated_at=app.clock.now()
    )
    await tx.save_intent(executed, was=intent.state)


def _ended(app: App, swap: Swap, state: SwapState, *, output: int, refunded: int) -> Swap:
    now = app.clock.now()
    return replace(
        swap,
        state=move(swap.state, state),
        output_units=output,
        refunded_units=refunded,
        problem="",
        updated_at=now,
        ended_at=now,
        due_at=None,
    )
