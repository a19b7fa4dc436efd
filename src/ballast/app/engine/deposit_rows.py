"""How a deposit's row moves: looked at again later, on its way, raised, ended.

Every write builds on the row as it was read at the beginning of the step. Who asks for an earlier
look meanwhile (a payer, the reconciliation) only moves its due time, and that is kept.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.engine.rows import note
from ballast.app.events import emit_deposit
from ballast.app.ports import Transaction
from ballast.core.deposits import Deposit
from ballast.core.events import EventKind
from ballast.core.states import DepositState, move

# After the end an address is watched on: what is paid there must not go unseen.
LATE_WATCH: Final = timedelta(days=7)
LATE_RECHECK: Final = timedelta(hours=1)
# The venue itself keeps an address open longer than was asked, and only then sends back what is
# too little. (1Click API, `deadline` of a quote as seen live: what was asked and three days.)
VENUE_GRACE: Final = timedelta(days=3)
# A venue promises minutes. What takes longer than this is for a person to look at.
TIME_LIMIT: Final = timedelta(hours=6)
log = structlog.get_logger(__name__)

ATTENTION_RECHECK: Final = timedelta(minutes=5)
TOO_LATE: Final = "A payment came after the address had closed."


async def put(tx: Transaction, seen: Deposit, changed: Deposit) -> None:
    """Replace a deposit that is still in the state it was read in.

    Args:
        seen: as read at the beginning of the step.
        changed: what it is to be; a look that was asked for meanwhile comes first.
    """
    present = await tx.get_deposit(seen.owner_id, seen.deposit_id)
    assert present is not None, "a deposit is never deleted"
    if present.due_at is not None and present != seen:
        due_at = min(present.due_at, changed.due_at or present.due_at)
        updated_at = max(present.updated_at, changed.updated_at)
        changed = replace(changed, due_at=due_at, updated_at=updated_at)
    await tx.save_deposit(changed, was=seen.state)


def quick_pause(age: timedelta) -> timedelta:
    """A second at first, when somebody may be looking; up to a minute for what is old."""
    return min(max(age / 20, timedelta(seconds=1)), timedelta(minutes=1))


def slow_pause(age: timedelta, least: timedelta) -> timedelta:
    """Longer and longer, for what should be over: about twenty looks in a week."""
    return max(age / 4, least)


async def look_later(app: App, deposit: Deposit, pause: timedelta, problem: str) -> None:
    """Leave a deposit where it is and look again; never again when its watch is over."""
    now = app.clock.now()
    over = deposit.ended_at is not None and now > deposit.deadline + LATE_WATCH
    later = replace(
        deposit,
        problem=problem,
        attempts=deposit.attempts + 1,
        due_at=None if over else now + pause,
    )
    async with app.store.transaction(deposit.index_id) as tx:
        await put(tx, deposit, later)


async def on_its_way(
    app: App,
    deposit: Deposit,
    state: DepositState,
    problem: str,
    *,
    patient_until: datetime | None = None,
) -> None:
    """A payment was made and has no end yet: seen or processing, or raised if that takes too long.

    Args:
        patient_until: from when on the time limit counts; by default from the last change.
    """
    now = app.clock.now()
    if deposit.state is DepositState.EXPIRED:
        await raise_attention(app, deposit, TOO_LATE)
        return
    if deposit.state is DepositState.ATTENTION:
        pause = slow_pause(now - deposit.updated_at, ATTENTION_RECHECK)
        await look_later(app, deposit, min(pause, LATE_RECHECK), problem or deposit.problem)
        return
    behind = deposit.state in (state, DepositState.PROCESSING)
    if behind and now - max(deposit.updated_at, patient_until or deposit.updated_at) > TIME_LIMIT:
        text = "The venue has not ended this deposit in time."
        await raise_attention(app, deposit, f"{text} {problem}".strip())
        return
    age = now - deposit.updated_at if behind else timedelta()
    moved = replace(
        deposit,
        state=deposit.state if behind else move(deposit.state, state),
        problem=problem,
        updated_at=deposit.updated_at if behind else now,
        attempts=deposit.attempts + 1,
        due_at=now + quick_pause(age),
    )
    async with app.store.transaction(deposit.index_id) as tx:
        await put(tx, deposit, moved)


async def raise_attention(app: App, deposit: Deposit, problem: str) -> None:
    """A person should look; it is watched on."""
    now = app.clock.now()
    if deposit.state is DepositState.ATTENTION:
        pause = slow_pause(now - deposit.updated_at, ATTENTION_RECHECK)
        await look_later(app, deposit, min(pause, LATE_RECHECK), problem)
        return
    log.error("deposit_needs_attention", deposit=deposit.deposit_id, problem=problem)
    raised = replace(
        deposit,
        state=move(deposit.state, DepositState.ATTENTION),
        problem=problem,
        updated_at=now,
        ended_at=None,
        # At once: what is known already may end it.
        due_at=now,
    )
    async with app.store.transaction(deposit.index_id) as tx:
        await put(tx, deposit, raised)
        await tell(app, tx, deposit, "deposit_attention", problem, {"address": deposit.address})
        await emit_deposit(app, tx, EventKind.DEPOSIT_ATTENTION, raised)


async def expire(app: App, deposit: Deposit) -> None:
    """Nobody has paid in time."""
    now = app.clock.now()
    expired = replace(
        deposit,
        state=move(deposit.state, DepositState.EXPIRED),
        problem="Nothing came before the address closed.",
        updated_at=now,
        ended_at=now,
        due_at=now + LATE_RECHECK,
    )
    async with app.store.transaction(deposit.index_id) as tx:
        await put(tx, deposit, expired)


async def tell(
    app: App,
    tx: Transaction,
    deposit: Deposit,
    reason: str,
    summary: str,
    facts: dict[str, object],
) -> None:
    """Leave a decision about a deposit."""
    await note(
        app,
        tx,
        owner_id=deposit.owner_id,
        index_id=deposit.index_id,
        reason=reason,
        summary=summary,
        reference=deposit.deposit_id,
        facts=facts,
    )
