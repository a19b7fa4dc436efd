"""Ending a swap that needs attention, by the owner's word: the balances say what is booked.

The venue may never say what became of a payment. Then the index would wait for ever, with all else
that it holds. The owner can end such a swap: what has come back is available again; if anything of
the bought asset has arrived, that is what the swap brought, unless something else that is open has
brought it; otherwise what is missing is booked as unexplained, where `verify` goes on naming it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.engine.claims import Others, claims_of, others_bringing, swap_claim
from ballast.app.engine.outcome import contested_assets, untouched
from ballast.app.engine.postings import post_swap
from ballast.app.engine.rows import end_leg, note
from ballast.app.engine.withdrawals import move_withdrawal
from ballast.app.operation import Caller
from ballast.app.ports import Transaction
from ballast.core.attribution import own_units
from ballast.core.index import Asset
from ballast.core.ledger import EntryKind, held, swap_written_off_postings
from ballast.core.states import IntentState, SwapState, WithdrawalState, move
from ballast.core.trading import Intent, Purpose, Swap
from ballast.core.wording import amount_shown
from ballast.errors import BallastError, ErrorCode


@dataclass(frozen=True, slots=True)
class WriteOff:
    """What ending a swap now would book, in base units, and what that is for people.

    Attributes:
        returned, bought, missing: of what was sold, of what was bought, of what was sold.
        sequence: of the ledger when the balances were read.
    """

    swap: Swap
    intent: Intent
    returned: int
    bought: int
    missing: int
    sequence: int
    summary: str


async def preview_write_off(app: App, owner_id: str, swap_id: str) -> WriteOff:
    """Read what the balances say of a swap that needs attention; nothing changes.

    Raises:
        BallastError: `not_found`; `invalid_input` if it does not need attention;
            `rebalance_running` while it can still execute, or while something else that moves
            could explain the balances; `venue_unavailable`.
    """
    swap, intent = await _in_attention(app, owner_id, swap_id)
    if await app.venue.final_time() <= intent.deadline:
        raise _not_yet("Its signed transfer can still be carried out.", swap)
    if await contested_assets(app, swap, but_attention=True):
        raise _not_yet("Something else that moves the same assets has not ended yet.", swap)
    others = {one: await others_bringing(app, swap, one) for one in (swap.sell, swap.buy)}
    async with app.store.read() as reader:
        found = await reader.get_index_and_balances(owner_id, swap.index_id)
        sequence, _ = await reader.ledger_head(swap.index_id)
        assets = await reader.get_assets([swap.sell, swap.buy])
    assert found is not None, "a swap has an index"
    index, balances = found
    there = await app.venue.balances(index.account_id, sorted({swap.sell, swap.buy}))
    back = there[swap.sell] - untouched(balances, swap.sell)
    returned = min(await _own(app, swap, others[swap.sell], back), swap.input_units)
    inside = swap.purpose is not Purpose.PAYOUT
    come = there[swap.buy] - held(balances).get(swap.buy, 0) if inside else 0
    bought = await _own(app, swap, others[swap.buy], come)
    missing = 0 if bought else swap.input_units - returned
    summary = _summary(swap, assets, returned, bought, missing)
    return WriteOff(swap, intent, returned, bought, missing, sequence, summary)


async def _own(app: App, swap: Swap, others: Others, surplus_units: int) -> int:
    """How much of a surplus is the swap's. What else needs attention does not hold this up, and
    what that has brought is not taken from it."""
    if surplus_units <= 0 or not others:
        return max(surplus_units, 0)
    mine = await swap_claim(app, swap, others.asset_id)
    return own_units(surplus_units, mine, await claims_of(app, others))


async def write_off(app: App, seen: WriteOff) -> Swap:
    """End the swap as it was seen.

    Raises:
        BallastError: `plan_stale` if anything was booked since.
        StateMovedError: the swap has ended by itself meanwhile.
    """
    swap, now = seen.swap, app.clock.now()
    ended = replace(
        swap,
        state=move(swap.state, SwapState.WRITTEN_OFF),
        output_units=seen.bought,
        refunded_units=seen.returned,
        problem=f"Ended by the owner. {seen.summary}",
        updated_at=now,
        ended_at=now,
        due_at=None,
    )
    async with app.store.transaction() as tx:
        head, _ = await tx.ledger_head(swap.index_id)
        if head != seen.sequence:
            raise BallastError(
                ErrorCode.PLAN_STALE, "Something was booked meanwhile.", swap_id=swap.swap_id
            )
        await end_leg(app, tx, ended, was=swap.state)
        await _end_intent(app, tx, seen.intent)
        postings = swap_written_off_postings(
            swap.sell, swap.input_units, seen.returned, swap.buy, seen.bought
        )
        await post_swap(app, tx, swap, EntryKind.SWAP_WRITTEN_OFF, postings, now)
        await _tell(app, tx, ended)
        caller = Caller(swap.owner_id, "cli")
        units = {"returned": seen.returned, "bought": seen.bought, "missing": seen.missing}
        await audit(app, tx, caller, "write_off", swap.swap_id, units=units)
    app.work_waiting.set()
    return ended


async def _in_attention(app: App, owner_id: str, swap_id: str) -> tuple[Swap, Intent]:
    async with app.store.read() as reader:
        swap = await reader.get_swap(owner_id, swap_id)
        intents = await reader.intents_of(swap_id)
    if swap is None:
        raise BallastError(ErrorCode.NOT_FOUND, "There is no such swap.", swap_id=swap_id)
    if swap.state is not SwapState.ATTENTION:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"This swap is {swap.state.value}; only one that needs attention is ended by hand.",
            problems=[{"field": "swap_id", "problem": f"the swap is {swap.state.value}"}],
        )
    return swap, intents[-1]


def _not_yet(why: str, swap: Swap) -> BallastError:
    return BallastError(ErrorCode.REBALANCE_RUNNING, why, swap_id=swap.swap_id)


async def _end_intent(app: App, tx: Transaction, intent: Intent) -> None:
    """Whatever it was, it is over: its deadline is final. What moved is in the balances."""
    if intent.state is IntentState.PUBLISHED:
        executed = move(intent.state, IntentState.EXECUTED)
        await tx.save_intent(
            replace(intent, state=executed, updated_at=app.clock.now()), was=intent.state
        )
    elif intent.state is IntentState.UNKNOWN:
        expired = move(intent.state, IntentState.EXPIRED)
        await tx.save_intent(
            replace(intent, state=expired, updated_at=app.clock.now()), was=intent.state
        )


async def _tell(app: App, tx: Transaction, swap: Swap) -> None:
    if swap.purpose is Purpose.PAYOUT:
        await move_withdrawal(app, tx, swap.rebalance_id, WithdrawalState.FAILED, swap.problem)
    await note(
        app,
        tx,
        owner_id=swap.owner_id,
        index_id=swap.index_id,
        reason="swap_written_off",
        summary=swap.problem,
        reference=swap.rebalance_id,
        facts={"swap_id": swap.swap_id, "deposit_address": swap.deposit_address},
    )


def _summary(swap: Swap, assets: dict[str, Asset], returned: int, bought: int, missing: int) -> str:
    sell, buy = assets[swap.sell], assets[swap.buy]
    parts = [
        f"{amount_shown(units, asset.decimals)} {asset.symbol} {words}"
        for units, asset, words in (
            (returned, sell, "came back"),
            (bought, buy, "arrived"),
            (missing, sell, "are missing and stay unexplained"),
        )
        if units
    ]
    return f"{'; '.join(parts)}."
