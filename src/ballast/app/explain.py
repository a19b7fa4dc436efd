"""Why did you trade, and why did you not: answered from the decisions that were kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from ballast.app.app import App
from ballast.app.fields import IndexId, RebalanceId
from ballast.app.inputs import Input
from ballast.app.monitor.figures import figures, moment, outside_sentence, standing_sentence
from ballast.app.monitor.judging import without_spare_cash
from ballast.app.naming import no_such_index
from ballast.app.operation import Call, Output
from ballast.app.planning import survey
from ballast.app.ports import Reader
from ballast.app.views import View
from ballast.core.checks import Check
from ballast.core.decisions import Decision
from ballast.core.index import Asset, Index
from ballast.core.money import format_amount, format_percent_ppm
from ballast.core.policy import ReasonCode
from ballast.core.states import SwapState
from ballast.core.trading import Plan, Purpose, Rebalance, RebalanceKind, Starter, Swap
from ballast.core.wording import counted, shortened, usd_shown
from ballast.errors import BallastError, ErrorCode


class Explain(Input):
    """Input of explain."""

    index_id: IndexId
    rebalance_id: Annotated[
        RebalanceId | None,
        Field(description="The rebalance to explain; by default the last decision of the index."),
    ] = None


class DecisionView(View):
    """One decision: when, why, and what it saw."""

    at: datetime
    reason: str
    summary: str
    reference: str
    facts: dict[str, Any]


class StandingView(View):
    """Where an index stands with the monitor: why it did not trade, or what it started last."""

    reason: str
    since: datetime
    checked_at: datetime
    checks: int
    next_check: datetime | None
    reference: str
    facts: dict[str, Any]


class Explanation(Output):
    """An answer in words, and the rows it rests on."""

    index_id: str
    rebalance_id: str | None
    answer: str
    decisions: list[DecisionView]
    standing: StandingView | None = None
    next_step: str


REASONS: Mapping[str, str] = {
    "first_purchase": "the index held only cash and was built up to its targets",
    "band_breached": "an asset had left its band",
    "within_bands": "you asked for it although every asset was within its band",
    "calendar_due": "its date had come",
    "purchase_due": "the date of the recurring purchase had come",
    "deposit_credited": "a deposit had arrived, and deposits are invested by buying only",
    "kept_as_cash": "the policy keeps deposits as cash, or the index was not active",
    "below_minimum": "the difference was too little for a swap",
    "cost_above_limit": "it would have cost more than the policy allows",
    "limit_exceeded": "it would have gone above a spending limit",
    "trading_halted": "trading was halted",
    "rebalance_cancelled": "the owner gave up what was not signed yet",
    "backup_put_back": "a backup of the database was put back, and trading was halted",
    "books_differ": "the venue held something else than the ledger when Ballast started",
    "swap_attention": "a swap did not end as it should",
    "swap_written_off": "the owner ended a swap that the venue never accounted for",
    "deposit_attention": "a deposit did not end as it should",
    "deposit_short": "a deposit brought less than the venue had offered",
    "deposit_returned": "the venue sent back money that came after a deposit had ended",
    "second_payment": "another payment came to an address whose deposit had ended",
    "keys_unavailable": "the key of the index does not open",
    "insufficient_holdings": "there was less to spend than planned",
    "deposit_invested": "a deposit had arrived, and the policy invests deposits at once",
    "withdrawal_asked": "the owner asked for money to be paid out",
    "everything_sold": "the owner had everything sold",
    "outside_deposit": "something was sent to the account from outside",
    "orphaned_holding": "the venue no longer lists an asset that is held",
    "difference_accepted": "the owner has said that they know of a difference",
    "unexplained_difference": "the venue's balances did not agree with the ledger",
}


# Why the monitor left an index alone; beside these, what refuses anybody (`REASONS`).
STANDINGS: Mapping[str, str] = {
    "within_bands": "every asset was within its band",
    "not_due": "its next date had not come",
    "method_none": "its policy never trades by itself",
    "auto_off": "its policy does nothing by itself",
    "alerted": "its policy is to tell you, and to leave the trading to a person",
    "nothing_held": "it holds nothing",
    "only_cash": "it holds only cash, and a first purchase is a deposit's or a person's to start",
    "cooldown": "it was resting after the last rebalance",
    "quiet_hours": "these were its quiet hours",
    "index_paused": "it was paused",
    "rebalance_running": "a rebalance was running",
    "no_spare_cash": "the recurring purchase found no cash to spend",
    "price_unavailable": "a price was frozen",
    "venue_unavailable": "the venue did not answer",
    "venue_refused": "the venue refused",
    "quote_refused": "the venue's offer failed our checks",
    "plan_stale": "the index changed meanwhile",
}
_REFUSALS = frozenset(
    {
        ReasonCode.COST_ABOVE_LIMIT,
        ReasonCode.BELOW_MINIMUM,
        ReasonCode.TRADING_HALTED,
        ErrorCode.LIMIT_EXCEEDED,
        ErrorCode.KEYS_UNAVAILABLE,
        ErrorCode.INSUFFICIENT_HOLDINGS,
    }
)
# Found again without an exact look: the figures of the last one are old.
_COUNTED = frozenset({ReasonCode.WITHIN_BANDS, ReasonCode.NOT_DUE, ReasonCode.METHOD_NONE})
# What lies between the last trade and now is told, unless nothing was the matter.
_UNREMARKABLE = frozenset({ReasonCode.WITHIN_BANDS, ReasonCode.NOT_DUE})
_EARLIER = 3
# Half of a hundredth of a point: what is less is written as 0.00.
_SHOWN_PPM = 50
_TOO_LITTLE = "what is outside its band is too little for a swap"


@dataclass(frozen=True, slots=True)
class Known:
    """The rows that an answer begins with.

    Attributes:
        recent: decisions, newest first.
    """

    index: Index
    check: Check | None
    recent: list[Decision]


async def explain(app: App, call: Call, given: Explain) -> Explanation:
    """Say why an index traded or did not: the reason, the drift and prices it saw, each swap, what
    it cost. Without rebalance_id: the last trade, and why there was none since."""
    async with app.store.read() as reader:
        index = await reader.get_index(call.owner_id, given.index_id)
        if index is None:
            raise no_such_index(given.index_id)
        if given.rebalance_id is not None:
            return await _of_rebalance(app, reader, call.owner_id, given, given.rebalance_id)
        recent = await reader.list_decisions(given.index_id, 10)
        check = await reader.get_check(given.index_id)
    known = Known(index, await _with_figures_of_now(app, index, check), recent)
    async with app.store.read() as reader:
        return await _last_decision(app, reader, call.owner_id, given, known)


async def _with_figures_of_now(app: App, index: Index, check: Check | None) -> Check | None:
    """A check whose figures are not older than its time; as it was when there are no prices."""
    if check is None or check.times < 2 or check.reason not in _COUNTED:
        return check
    try:
        seen = without_spare_cash(await survey(app, index))
    except BallastError:
        return check
    words = outside_sentence(seen) if seen.drift.breached else standing_sentence(seen)
    if check.due_at is not None:
        words += f" Its next date is {moment(check.due_at)}."
    return replace(check, summary=words, facts={**check.facts, **figures(seen)})


async def _last_decision(
    app: App, reader: Reader, owner_id: str, given: Explain, known: Known
) -> Explanation:
    """Where the index stands with the monitor, and what was done last."""
    done = next((one for one in known.recent if not _only_stands(one)), None)
    newer = [one for one in known.recent if done is None or one.at > done.at]
    said = [_standing(known.check, done), _earlier(known.check, newer)]
    wanted = _rebalance_of(done) if done else None
    since = [_view(one) for one in newer[::-1]]
    decisions = since
    if wanted is not None:
        about = await _of_rebalance(app, reader, owner_id, given, wanted)
        said.append(about.answer)
        decisions = [*about.decisions, *since]
    elif done is not None:
        decisions = [_view(done), *since]
        said.append(
            f"Nothing was traded on {moment(done.at)}, because {_because(done.reason)}. "
            f"{done.summary}"
        )
    answer = "\n\n".join(one for one in said if one)
    return Explanation(
        mode=app.mode,
        index_id=given.index_id,
        rebalance_id=wanted,
        answer=answer or "This index has not traded yet, and no deposit has come in.",
        decisions=decisions,
        standing=_standing_view(known.check),
        next_step=about.next_step if wanted else "Call get_drift to see how it stands now.",
    )


def _only_stands(one: Decision) -> bool:
    """Whether a decision says no more than where an index stood with the monitor."""
    return not one.reference and (one.reason in STANDINGS or one.reason in _REFUSALS)


def _rebalance_of(one: Decision) -> str | None:
    """The rebalance a decision is about, if it is about one."""
    if one.reference.startswith("reb_"):
        return one.reference
    return str(one.facts["rebalance_id"]) if "rebalance_id" in one.facts else None


def _standing(check: Check | None, done: Decision | None) -> str:
    """Where the index stands with the monitor, in words; nothing when something was done since."""
    if check is None or not check.times or check.reference:
        return ""
    if done is not None and (done.at > check.checked_at or _runs(check, done)):
        return ""
    sentences = [
        f"The monitor last looked on {moment(check.checked_at)} and did not trade, because "
        f"{_why_it_stands(check)}.",
        check.summary,
    ]
    if check.due_at is not None and moment(check.due_at) not in check.summary:
        sentences.append(f"It looks again on {moment(check.due_at)}.")
    if check.times > 1:
        sentences.append(
            f"The last {check.times} checks, since {moment(check.since)}, have found that."
        )
    return " ".join(sentence for sentence in sentences if sentence)


def _why_it_stands(check: Check) -> str:
    """Why, and not that all is within its band when it is only too little for a swap."""
    furthest = check.facts.get("furthest")
    if check.reason == ReasonCode.WITHIN_BANDS and isinstance(furthest, Mapping):
        return _TOO_LITTLE if furthest.get("outside") else why_not(check.reason)
    return why_not(check.reason)


def _runs(check: Check, done: Decision) -> bool:
    """Whether all that a check met was the rebalance that is told of anyhow."""
    return check.reason == ReasonCode.REBALANCE_RUNNING and (
        check.facts.get("rebalance_id") == _rebalance_of(done)
    )


def _earlier(check: Check | None, newer: Sequence[Decision]) -> str:
    """What kept the monitor from trading since the last trade, and does no longer."""
    since = check.since if check is not None else None
    over = [one for one in newer if one.at != since and one.reason not in _UNREMARKABLE]
    words = [f"on {moment(one.at)}, because {why_not(one.reason)}" for one in over[:_EARLIER]]
    return f"It did not trade before that either: {'; '.join(words)}." if words else ""


def _standing_view(check: Check | None) -> StandingView | None:
    if check is None or not check.times:
        return None
    return StandingView(
        reason=check.reason,
        since=check.since,
        checked_at=check.checked_at,
        checks=check.times,
        next_check=check.due_at,
        reference=check.reference,
        facts=dict(check.facts),
    )


async def _of_rebalance(
    app: App, reader: Reader, owner_id: str, given: Explain, rebalance_id: str
) -> Explanation:
    rebalance = await reader.get_rebalance(owner_id, rebalance_id)
    if rebalance is None or rebalance.index_id != given.index_id:
        raise BallastError(
            ErrorCode.NOT_FOUND,
            "This index has no such rebalance.",
            rebalance_id=rebalance_id,
        )
    plan = await reader.get_plan(owner_id, rebalance.plan_id)
    assert plan is not None, "a rebalance has a plan"
    swaps = await reader.swaps_of(rebalance_id)
    decisions = await reader.decisions_about(rebalance_id)
    # What a payout delivers is neither held nor priced, so it is named by its leg alone.
    traded = {asset_id for one in swaps for asset_id in (one.sell, one.buy)}
    assets = await reader.get_assets(sorted({*plan.drift_before, *plan.prices, *traded}))
    return Explanation(
        mode=app.mode,
        index_id=given.index_id,
        rebalance_id=rebalance_id,
        answer=_story(rebalance, plan, swaps, assets),
        decisions=[_view(one) for one in decisions],
        next_step="trade_history has every swap; get_drift shows how it stands now.",
    )


def _story(rebalance: Rebalance, plan: Plan, swaps: list[Swap], assets: Mapping[str, Asset]) -> str:
    sentences = [
        f"It traded on {moment(rebalance.created_at)} because {_because(plan.reason)}; "
        f"{_who(rebalance)}.",
        _drift_sentence(plan, assets),
        *(_swap_sentence(one, assets) for one in swaps),
        _cost_sentence(plan),
        f"It is {rebalance.state.value} now. {rebalance.note}".strip(),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _who(rebalance: Rebalance) -> str:
    match rebalance.started_by:
        case Starter.PERSON:
            return "a person started it"
        case Starter.ENGINE:
            return "Ballast started it"
        case Starter.MONITOR:
            return "Ballast started it by the policy"


def _because(reason: str) -> str:
    return REASONS.get(reason, reason.replace("_", " "))


def why_not(reason: str) -> str:
    """Why the monitor left an index alone, as the rest of a sentence after "because"."""
    return STANDINGS.get(reason) or _because(reason)


def _drift_sentence(plan: Plan, assets: Mapping[str, Asset]) -> str:
    off = sorted(plan.drift_before.items(), key=lambda item: -abs(item[1]))[:3]
    words = [
        f"{assets[asset_id].symbol} {format_percent_ppm(abs(ppm))} points "
        f"{'above' if ppm > 0 else 'below'}"
        for asset_id, ppm in off
        if abs(ppm) >= _SHOWN_PPM
    ]
    return f"Furthest from their targets were {', '.join(words)}." if words else ""


def _cost_sentence(plan: Plan) -> str:
    """What it was to cost. Money going out is sold into the base asset, whichever way is taken."""
    cost = f"The plan expected to lose {usd_shown(plan.fee_pico)} to fees and spread"
    if plan.kind in (RebalanceKind.WITHDRAW, RebalanceKind.LIQUIDATE):
        return f"{cost} of the sales."
    if plan.through_base.fee_pico <= plan.fee_pico:
        return f"{cost}."
    return (
        f"{cost}; through the base asset it would have been "
        f"{usd_shown(plan.through_base.fee_pico)} in {counted(plan.through_base.swaps, 'swap')}."
    )


def _swap_sentence(swap: Swap, assets: Mapping[str, Asset]) -> str:
    sell, buy = assets[swap.sell], assets[swap.buy]
    sold = f"{shortened(format_amount(swap.input_units, sell.decimals))} {sell.symbol}"
    match swap.state:
        case SwapState.SETTLED:
            bought = shortened(format_amount(swap.output_units or 0, buy.decimals))
            if swap.purpose is Purpose.PAYOUT:
                return f"{sold} left, and {bought} {buy.symbol} arrived on {buy.chain}."
            return f"{sold} became {bought} {buy.symbol}."
        case SwapState.REFUNDED | SwapState.FAILED:
            return f"{sold} was not swapped: {swap.problem}"
        case SwapState.WRITTEN_OFF:
            return f"{sold} into {buy.symbol} was given up. {swap.problem}"
        case _:
            return f"{sold} into {buy.symbol} is {swap.state.value}."


def _view(one: Decision) -> DecisionView:
    return DecisionView(
        at=one.at,
        reason=one.reason,
        summary=one.summary,
        reference=one.reference,
        facts=dict(one.facts),
    )
