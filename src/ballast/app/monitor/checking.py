"""An exact look at one index: what its policy says, what was done about it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from ballast.app.app import App
from ballast.app.auditing import audit_limit
from ballast.app.events import emit, emit_refusal
from ballast.app.indexes import require_tradable
from ballast.app.monitor.figures import figures, moment, outside_sentence, standing_sentence
from ballast.app.monitor.judging import judge, past_of, without_spare_cash
from ballast.app.monitor.purchasing import due_purchase, next_purchase, plan_purchase
from ballast.app.planning import Situation, plan_rebalance, survey
from ballast.app.ports import DueRow, Transaction
from ballast.app.rebalances import plan_facts, start_rebalance
from ballast.app.switch import NO_NEW_RISK, halt_level
from ballast.core.checks import Check, still_outside
from ballast.core.decisions import Decision
from ballast.core.drift import AssetDrift
from ballast.core.events import EventKind
from ballast.core.halting import HaltLevel
from ballast.core.ids import IdKind
from ballast.core.index import Index
from ballast.core.money import BPS, format_percent_bps, format_percent_ppm
from ballast.core.policy import (
    Auto,
    Method,
    Past,
    ReasonCode,
    Verdict,
    calendar_due_at,
    cost_gate,
)
from ballast.core.schedule import quiet_until
from ballast.core.states import IndexState, RebalanceState
from ballast.core.trading import Plan, Rebalance, Starter
from ballast.core.wording import usd_shown
from ballast.errors import BallastError, ErrorCode

# What only a person, another price or another day can change is not tried at every pass.
HOLD: Final = timedelta(hours=1)

# Where the figures say nothing, what would let it trade.
_MENDED_BY: Final[Mapping[ReasonCode, str]] = MappingProxyType(
    {
        ReasonCode.NOTHING_HELD: "A deposit changes that.",
        ReasonCode.ONLY_CASH: "preview_rebalance shows what building it up would take.",
    }
)

# Verdicts that say where the assets are in their bands.
_ABOUT_BANDS: Final = frozenset(
    {ReasonCode.BAND_BREACHED, ReasonCode.WITHIN_BANDS, ReasonCode.COOLDOWN}
)

# What the next pass may find mended, and what it will not.
PASSING: Final = frozenset(
    {
        ErrorCode.PLAN_STALE,
        ErrorCode.REBALANCE_RUNNING,
        ErrorCode.INDEX_PAUSED,
        ErrorCode.TRADING_HALTED,
        ErrorCode.PRICE_UNAVAILABLE,
        ErrorCode.VENUE_UNAVAILABLE,
        ErrorCode.VENUE_REFUSED,
        ErrorCode.QUOTE_REFUSED,
    }
)
LASTING: Final = frozenset(
    {ErrorCode.LIMIT_EXCEEDED, ErrorCode.KEYS_UNAVAILABLE, ErrorCode.INSUFFICIENT_HOLDINGS}
)


@dataclass(frozen=True, slots=True)
class Look:
    """The rows that a check begins with."""

    index: Index
    check: Check
    past: Past
    running: Rebalance | None
    level: HaltLevel


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a look.

    Attributes:
        outside: assets outside their bands.
        crossed: those of them that have left theirs since the last look.
        due_at: when to look again at the latest; None: with the next pass that has a reason.
        ran: a date of the calendar has been dealt with.
        purchased: a date of the recurring purchase has been dealt with.
        news: it is to be told of, even if the reason is the one of before.
        plan: what is to be carried out.
        refusal: what kept it from being looked at or started.
    """

    reason: ReasonCode | ErrorCode
    summary: str
    facts: dict[str, object]
    outside: tuple[str, ...] = ()
    crossed: tuple[AssetDrift, ...] = ()
    due_at: datetime | None = None
    ran: bool = False
    purchased: bool = False
    news: bool = False
    plan: Plan | None = None
    refusal: BallastError | None = None


async def step_check(app: App, row: DueRow) -> None:
    """Look at one index, act by its policy, and keep what was found.

    Starting a rebalance and keeping that it was started is one transaction, so a crash leaves
    both or neither; of two monitors that look at once, one finds the row moved and does nothing.
    """
    look = await _look(app, row)
    if look is None:
        return
    finding = await _find(app, look)
    try:
        await _keep(app, look, finding)
    except BallastError as refusal:
        await _keep(app, look, _refused(app, look, finding, refusal))


async def _look(app: App, row: DueRow) -> Look | None:
    """What is known of the index; None when another process has looked in the meantime."""
    async with app.store.read() as reader:
        index = await reader.get_index(row.owner_id, row.row_id)
        check = await reader.get_check(row.row_id)
        running = await reader.active_rebalance(row.row_id)
        last = await reader.list_rebalances(row.row_id, 1)
        level = await halt_level(app.halt_orders, reader, row.owner_id)
    assert index is not None, "an index is never deleted"
    if check is None or check.due_at is None or check.due_at > app.clock.now():
        return None
    failed = [one.ended_at for one in last if one.state is RebalanceState.FAILED]
    return Look(index, check, past_of(index, check, *failed), running, level)


async def _find(app: App, look: Look) -> Finding:
    if look.index.state is not IndexState.ACTIVE:
        return Finding(ReasonCode.INDEX_PAUSED, _not_active(look.index), {})
    index, now = look.index, app.clock.now()
    purchase = due_purchase(index.policy, index.updated_at, look.check.purchased_at, now)
    if look.index.policy.auto is Auto.OFF and not purchase:
        text = "With auto set to alert you would be told, with trade it would be rebalanced."
        return Finding(ReasonCode.AUTO_OFF, text, {})
    if look.running is not None:
        return _running(look, look.running)
    try:
        seen = await survey(app, look.index)
        return await _purchase(app, look, seen) if purchase else await _by_policy(app, look, seen)
    except BallastError as refusal:
        return _refused(app, look, None, refusal)


def _running(look: Look, running: Rebalance) -> Finding:
    """While its own rebalance runs, a standing stays what started it."""
    if running.rebalance_id == look.check.reference:
        reason = ReasonCode(look.check.reason)
        return Finding(reason, look.check.summary, dict(look.check.facts))
    facts: dict[str, object] = {"rebalance_id": running.rebalance_id}
    text = f"get_progress shows how far {running.rebalance_id} is; one at a time is carried out."
    return Finding(ReasonCode.REBALANCE_RUNNING, text, facts)


def _not_active(index: Index) -> str:
    """What would let an index trade that is not active."""
    match index.state:
        case IndexState.PAUSED:
            return "resume_index lets it trade again."
        case IndexState.PENDING:
            return "It waits for its first deposit."
        case _:
            return f"The index is {index.state.value}."


# --- by policy --------------------------------------------------------------------------------


async def _by_policy(app: App, look: Look, seen: Situation) -> Finding:
    seen = without_spare_cash(seen)
    verdict = judge(seen, look.past, app.clock.now())
    outside, fresh = _crossings(look, seen, verdict)
    if look.index.policy.auto is Auto.ALERT:
        finding = _alert(look, seen, verdict, outside, fresh)
    elif verdict.trade:
        finding = await _trade(app, look, seen, verdict)
    else:
        finding = _nothing(look, seen, verdict)
    crossed = tuple(one for one in seen.drift.assets if one.asset_id in fresh)
    return replace(finding, outside=outside, crossed=crossed)


def _crossings(
    look: Look, seen: Situation, verdict: Verdict
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which assets are outside their bands, and which have left them since the last look."""
    if verdict.reason not in _ABOUT_BANDS:
        return (), ()
    last = look.past.rebalanced_at
    rebalanced = last is not None and last > look.check.checked_at
    return still_outside(seen.drift.assets, look.check.outside, rebalanced=rebalanced)


def _nothing(look: Look, seen: Situation, verdict: Verdict) -> Finding:
    sentence = _MENDED_BY.get(verdict.reason) or (
        outside_sentence(seen) if verdict.breached else standing_sentence(seen)
    )
    until = ""
    if verdict.next_due is not None:
        rests = verdict.reason is ReasonCode.COOLDOWN
        words = "It may trade again on" if rests else "Its next date is"
        until = f" {words} {moment(verdict.next_due)}."
    facts = figures(seen)
    if verdict.next_due is not None:
        facts["next_due"] = verdict.next_due.isoformat()
    # A hybrid that found everything inside on its date has dealt with that date.
    dealt = verdict.reason is ReasonCode.WITHIN_BANDS and look.index.policy.schedule is not None
    return Finding(verdict.reason, sentence + until, facts, due_at=verdict.next_due, ran=dealt)


def _alert(
    look: Look,
    seen: Situation,
    verdict: Verdict,
    outside: tuple[str, ...],
    fresh: tuple[str, ...],
) -> Finding:
    """Tell the owner: once for each crossing of a band, and once a date."""
    lingers = bool(outside) and verdict.reason is ReasonCode.WITHIN_BANDS
    if not (verdict.trade or lingers):
        return _nothing(look, seen, verdict)
    dated = look.index.policy.schedule is not None or verdict.reason is ReasonCode.CALENDAR_DUE
    facts = figures(seen) | {"because": verdict.reason.value}
    news = bool(fresh) or dated
    return Finding(ReasonCode.ALERTED, outside_sentence(seen), facts, ran=dated, news=news)


async def _trade(app: App, look: Look, seen: Situation, verdict: Verdict) -> Finding:
    """A plan that may be started, or what keeps it from that."""
    held_up = _gates(app, look, seen)
    if held_up is not None:
        return held_up
    plan = await plan_rebalance(app, seen, None, verdict.reason.value)
    facts, later = figures(seen) | plan_facts(plan), app.clock.now() + HOLD
    if not plan.swaps:
        least = usd_shown(look.index.policy.minimum_swap_pico)
        text = f"The least swap is worth {least}. {outside_sentence(seen)}"
        return Finding(ReasonCode.BELOW_MINIMUM, text, facts, due_at=later, ran=True)
    if not cost_gate(look.index.policy, plan.fee_pico, plan.value_pico):
        text = f"{_cost_sentence(look.index, plan, 'It')} {outside_sentence(seen)}"
        return Finding(ReasonCode.COST_ABOVE_LIMIT, text, facts, due_at=later, ran=True)
    return Finding(verdict.reason, outside_sentence(seen), facts, ran=True, plan=plan)


def _cost_sentence(index: Index, plan: Plan, what: str) -> str:
    """What a plan would cost, beside what the policy allows."""
    allowed = index.policy.max_cost_bps
    assert allowed is not None, "without a gate nothing is too costly"
    most = usd_shown(plan.value_pico * allowed // BPS)
    return (
        f"{what} would cost {usd_shown(plan.fee_pico)}, and {format_percent_bps(allowed)} % of its "
        f"value is {most}."
    )


def _gates(app: App, look: Look, seen: Situation) -> Finding | None:
    """What keeps anything from being started just now."""
    policy = look.index.policy
    if policy.quiet_hours is not None:
        end = quiet_until(policy.quiet_hours, policy.timezone, app.clock.now())
        if end is not None:
            text = f"They end on {moment(end)}. {outside_sentence(seen)}"
            return Finding(ReasonCode.QUIET_HOURS, text, figures(seen), due_at=end)
    if look.level is not HaltLevel.NONE:
        lifted = "Only ballast resume, in a terminal, lifts that."
        why = lifted if look.level is HaltLevel.NOTHING else f"{NO_NEW_RISK} {lifted}"
        text = f"{why} {outside_sentence(seen)}"
        return Finding(ReasonCode.TRADING_HALTED, text, figures(seen))
    return None


# --- the recurring purchase -------------------------------------------------------------------


async def _purchase(app: App, look: Look, seen: Situation) -> Finding:
    held_up = _gates(app, look, seen)
    if held_up is not None:
        return held_up
    plan = await plan_purchase(app, seen)
    if plan is None or not plan.swaps:
        after = next_purchase(look.index, app.clock.now())
        text = f"It spends cash above the base asset's target. Its next date is {moment(after)}."
        return Finding(ReasonCode.NO_SPARE_CASH, text, figures(seen), purchased=True)
    facts = figures(seen) | plan_facts(plan)
    if not cost_gate(look.index.policy, plan.fee_pico, plan.value_pico):
        text = _cost_sentence(look.index, plan, "The purchase")
        return Finding(ReasonCode.COST_ABOVE_LIMIT, text, facts, purchased=True)
    text = f"The recurring purchase spends {usd_shown(plan.notional_pico)}."
    return Finding(ReasonCode.PURCHASE_DUE, text, facts, purchased=True, plan=plan)


# --- keeping what was found -------------------------------------------------------------------


def _refused(app: App, look: Look, wanted: Finding | None, refusal: BallastError) -> Finding:
    """The finding that something refused to be looked at or started.

    Raises:
        BallastError: the refusal itself, when it says nothing about the index: the step is tried
            again.
    """
    if refusal.code not in PASSING | LASTING:
        raise refusal
    passing = refusal.code in PASSING
    base = wanted or Finding(refusal.code, "", {}, outside=look.check.outside)
    return replace(
        base,
        reason=refusal.code,
        summary=refusal.message,
        facts={**base.facts, **refusal.details},
        due_at=None if passing else app.clock.now() + HOLD,
        ran=base.ran and not passing,
        purchased=base.purchased and not passing,
        plan=None,
        refusal=refusal,
    )


async def _keep(app: App, look: Look, finding: Finding) -> None:
    """Keep a finding, and start what it plans, in one transaction."""
    now = app.clock.now()
    same = finding.reason.value == look.check.reason and not (finding.news or finding.plan)
    after = Check(
        index_id=look.index.index_id,
        owner_id=look.index.owner_id,
        reason=finding.reason.value,
        summary=finding.summary,
        since=look.check.since if same else now,
        checked_at=now,
        times=look.check.times + 1 if same else 1,
        outside=finding.outside,
        reference=look.check.reference if same else "",
        facts=finding.facts,
        index_version=look.index.version,
        ran_at=now if finding.ran else look.check.ran_at,
        purchased_at=now if finding.purchased else look.check.purchased_at,
        due_at=_due_at(look, finding, now),
    )
    # What is started counts against limits that look across indexes; all else is about this one.
    async with app.store.transaction(None if finding.plan else look.index.index_id) as tx:
        if finding.plan is not None:
            after = replace(after, reference=await _start(app, tx, look, finding.plan))
        elif not same:
            await tx.add_decision(_decision(app, look.index, finding, now))
        await _tell(app, tx, look.index, finding, again=same)
        assert look.check.due_at is not None, "only a check that is due is made"
        await tx.save_check(after, was_due_at=look.check.due_at)
    if finding.plan is not None:
        app.work_waiting.set()


async def _tell(app: App, tx: Transaction, index: Index, finding: Finding, *, again: bool) -> None:
    """The events of a finding: a band that was left, a limit that held, a frozen price. What the
    check before has found as well was told then."""
    owner_id, index_id = index.owner_id, index.index_id
    if finding.crossed:
        one = max(finding.crossed, key=lambda asset: abs(asset.absolute_drift_ppm))
        await emit(
            app,
            tx,
            EventKind.DRIFT_THRESHOLD,
            owner_id=owner_id,
            index_id=index_id,
            largest_drift_points=format_percent_ppm(abs(one.absolute_drift_ppm)),
            asset_id=one.asset_id,
            action=index.policy.auto.value,
        )
    if finding.refusal is not None and not again:
        attempt = "monitor"
        refusal = finding.refusal
        await audit_limit(app, tx, refusal, owner_id, index_id, attempt)
        await emit_refusal(app, tx, refusal, owner_id=owner_id, index_id=index_id, attempt=attempt)


async def _start(app: App, tx: Transaction, look: Look, plan: Plan) -> str:
    """Start a plan, as a person's is started; the rebalance's id."""
    index = await tx.get_index(look.index.owner_id, look.index.index_id)
    assert index is not None, "an index is never deleted"
    require_tradable(index)
    await tx.add_plan(plan)
    rebalance = await start_rebalance(app, tx, index, plan, Starter.MONITOR)
    return rebalance.rebalance_id


def _due_at(look: Look, finding: Finding, now: datetime) -> datetime | None:
    """When to look again whatever the prices do: on the next date, once this one is dealt with."""
    policy = look.index.policy
    dated = policy.auto is not Auto.OFF and policy.method in (Method.CALENDAR, Method.HYBRID)
    if finding.ran and dated and finding.plan is None:
        return calendar_due_at(policy, replace(look.past, ran_at=now)) or finding.due_at
    return finding.due_at


def _decision(app: App, index: Index, finding: Finding, now: datetime) -> Decision:
    return Decision(
        decision_id=app.ids.new(IdKind.DECISION),
        owner_id=index.owner_id,
        index_id=index.index_id,
        at=now,
        reason=finding.reason.value,
        summary=finding.summary,
        reference="",
        facts=finding.facts,
    )
