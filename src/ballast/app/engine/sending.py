"""Sending a signed transfer, and finding out what became of one that was not answered.

What was sent and not answered is unknown, never failed: it is looked for first, the same bytes are
sent again, and nothing counts as "did not happen" until the deadline is final and the nonce is
still unused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.engine.claims import SILENCE
from ballast.app.engine.outcome import (
    NO_ACCOUNT,
    TIME_LIMIT,
    call_attention,
    proves_nothing_moved,
    ran_out,
)
from ballast.app.engine.postings import post_release, post_swap
from ballast.app.engine.rows import end_leg, wait_swap
from ballast.app.ports import PublishOutcome, PublishResult, SignedIntent, Transaction
from ballast.app.switch import halt_level
from ballast.core.halting import HaltLevel
from ballast.core.ledger import Account, EntryKind, transfer
from ballast.core.states import IntentState, SwapState, move
from ballast.core.trading import Intent, Swap
from ballast.errors import BallastError

log = structlog.get_logger(__name__)

PREFLIGHT_RECHECK: Final = timedelta(seconds=5)


async def send(app: App, swap: Swap, intent: Intent, halted: bool) -> None:
    """Move a signed swap one step: send it, or find out what became of what was sent."""
    match intent.state:
        case IntentState.SIGNED if halted:
            # Signed but never sent: it must not leave now; it expires by itself.
            await _let_expire(app, swap, intent)
        case IntentState.SIGNED:
            await _send_first(app, swap, intent)
        case IntentState.PUBLISHING:
            # Found in this state, it was left behind by a crash: it may or may not have been sent.
            await _mark_unknown(app, swap, intent, "A crash left it unanswered.")
        case IntentState.UNKNOWN:
            await _find_out(app, swap, intent, halted)
        case _:
            await _mark_published(app, swap, intent, intent.state)


async def _send_first(app: App, swap: Swap, intent: Intent) -> None:
    """Send what was never sent, unless the contract says beforehand that it would refuse it."""
    if app.clock.now() >= intent.deadline:
        await _let_expire(app, swap, intent)
        return
    refusal = await app.venue.preflight(_as_signed(intent))
    if refusal is None:
        await _publish(app, swap, intent)
    else:
        log.warning("preflight_refused", swap=swap.swap_id)
        problem = f"The contract would refuse the transfer, so it was not sent. {refusal}"
        await wait_swap(app, swap, PREFLIGHT_RECHECK, problem)


def _as_signed(intent: Intent) -> SignedIntent:
    return SignedIntent(
        payload=intent.payload,
        signature=intent.signature,
        intent_hash=intent.intent_hash,
        nonce=intent.nonce,
        deadline=intent.deadline,
    )


async def _publish(app: App, swap: Swap, intent: Intent) -> None:
    """Commit that it is being sent, send it, and record what came back."""
    async with app.store.transaction(swap.index_id) as tx:
        if await halt_level(app.halt_orders, tx, swap.owner_id) is HaltLevel.NOTHING:
            return
        sending = await book_sending(app, tx, swap, intent)
    result = await app.venue.publish(_as_signed(intent))
    await _after_publish(app, swap, sending, result)


async def book_sending(app: App, tx: Transaction, swap: Swap, intent: Intent) -> Intent:
    """Record that from now on it may have left: the amount is in flight."""
    now = app.clock.now()
    sending = replace(
        intent,
        state=move(intent.state, IntentState.PUBLISHING),
        attempts=intent.attempts + 1,
        updated_at=now,
    )
    await tx.save_intent(sending, was=intent.state)
    postings = transfer(swap.sell, swap.input_units, Account.RESERVED, Account.IN_FLIGHT)
    await post_swap(app, tx, swap, EntryKind.SWAP_SENT, postings, now)
    return sending


async def _after_publish(app: App, swap: Swap, sending: Intent, result: PublishResult) -> None:
    if result.outcome is PublishOutcome.ACCEPTED:
        await _mark_published(app, swap, sending, IntentState.PUBLISHED)
    else:
        # Even a clear "no" is only words: until the deadline is final it could still execute.
        log.warning("intent_not_accepted", swap=swap.swap_id, outcome=result.outcome.value)
        await _mark_unknown(app, swap, sending, result.reason)


async def _mark_published(app: App, swap: Swap, intent: Intent, intent_state: IntentState) -> None:
    now = app.clock.now()
    published = replace(
        swap,
        state=move(swap.state, SwapState.PUBLISHED),
        published_at=now,
        updated_at=now,
        due_at=now + timedelta(seconds=1),
        attempts=0,
        problem="",
    )
    async with app.store.transaction(swap.index_id) as tx:
        if intent.state is not intent_state:
            moved = replace(intent, state=move(intent.state, intent_state), updated_at=now)
            await tx.save_intent(moved, was=intent.state)
        await tx.save_swap(published, was=swap.state)


async def _mark_unknown(app: App, swap: Swap, intent: Intent, reason: str) -> None:
    now = app.clock.now()
    unknown = replace(intent, state=move(intent.state, IntentState.UNKNOWN), updated_at=now)
    waiting = replace(
        swap,
        problem=f"No clear answer from the venue. {reason}".strip(),
        updated_at=now,
        due_at=now + timedelta(seconds=min(2**intent.attempts, 30)),
    )
    async with app.store.transaction(swap.index_id) as tx:
        await tx.save_intent(unknown, was=intent.state)
        await tx.save_swap(waiting, was=swap.state)


async def _find_out(app: App, swap: Swap, intent: Intent, halted: bool) -> None:
    """Resolve what is unknown; after half an hour without any answer a person is called."""
    try:
        await _resolve_unknown(app, swap, intent, halted)
    except BallastError as silent:
        if silent.code not in SILENCE or app.clock.now() - intent.created_at <= TIME_LIMIT:
            raise
        await call_attention(app, swap, NO_ACCOUNT)


async def _resolve_unknown(app: App, swap: Swap, intent: Intent, halted: bool) -> None:
    """Look before acting: executed, impossible, or to be sent again with the same bytes."""
    async with app.store.read_once() as reader:
        index = await reader.get_index(swap.owner_id, swap.index_id)
    assert index is not None, "a swap has an index"
    # The final time is read first: a nonce that is unused after it stays unused for ever.
    final = await app.venue.final_time()
    if await app.venue.nonce_used(index.account_id, intent.nonce):
        await _mark_published(app, swap, intent, IntentState.EXECUTED)
    elif await proves_nothing_moved(app, swap, intent, final):
        await _expire(app, swap, intent, Account.IN_FLIGHT)
    elif final > intent.deadline:
        await _mark_published(app, swap, intent, IntentState.PUBLISHED)
    elif halted or app.clock.now() >= intent.deadline:
        await wait_swap(app, swap, timedelta(seconds=5), swap.problem)
    else:
        await _publish(app, swap, intent)


async def _let_expire(app: App, swap: Swap, intent: Intent) -> None:
    """It was never sent. Once it can no longer execute, give back what was reserved."""
    if await app.venue.final_time() > intent.deadline:
        await _expire(app, swap, intent, Account.RESERVED)
    else:
        await wait_swap(app, swap, timedelta(seconds=5), "Signed but not sent; waiting it out.")


async def _expire(app: App, swap: Swap, intent: Intent, source: Account) -> None:
    now = app.clock.now()
    expired = replace(intent, state=move(intent.state, IntentState.EXPIRED), updated_at=now)
    failed = replace(
        swap,
        state=move(swap.state, SwapState.FAILED),
        problem=ran_out(swap.problem),
        updated_at=now,
        ended_at=now,
        due_at=None,
    )
    async with app.store.transaction(swap.index_id) as tx:
        await tx.save_intent(expired, was=intent.state)
        await end_leg(app, tx, failed, was=swap.state)
        await post_release(app, tx, swap, source)
