"""Preview a rebalance, and carry one out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from ballast.app.app import App
from ballast.app.events import emit_rebalance
from ballast.app.fields import IndexId, PlanId
from ballast.app.indexes import require_index, require_tradable
from ballast.app.inputs import RepeatableInput
from ballast.app.keys import require_key
from ballast.app.legs import Leg, add_leg
from ballast.app.limits import require_within_limits
from ballast.app.operation import Call, Output
from ballast.app.planning import Situation, plan_rebalance, survey
from ballast.app.ports import Reader, Transaction
from ballast.app.switch import halt_warning, require_trading
from ballast.app.views import AssetView, PlannedSwapView, View, percent_of
from ballast.core.decisions import Decision
from ballast.core.events import EventKind
from ballast.core.ids import IdKind
from ballast.core.index import Asset, Index
from ballast.core.money import dollars, format_percent_ppm
from ballast.core.policy import Destination, cost_gate
from ballast.core.states import PlanState, RebalanceState
from ballast.core.trading import Plan, Price, Purpose, Rebalance, RebalanceKind, Starter
from ballast.core.wording import counted, usd_shown
from ballast.errors import BallastError, ErrorCode


class PreviewRebalance(RepeatableInput):
    """Input of preview_rebalance."""

    index_id: IndexId
    destination: Annotated[
        Literal["policy", "target", "half_band", "band_edge"],
        Field(
            description="policy: only breached assets, as far as the policy says. "
            "target: every asset to its exact target."
        ),
    ] = "policy"


class RebalanceIndex(RepeatableInput):
    """Input of rebalance_index."""

    index_id: IndexId
    plan_id: PlanId


class SkippedView(AssetView):
    """A difference that is left alone."""

    value_usd: str
    reason: str


class DriftChange(View):
    """Drift of one asset before and after the plan, in points."""

    symbol: str
    before_percent: str
    after_percent: str


class ComparisonView(View):
    """The plan against the same change made through the base asset."""

    swaps: int
    swaps_through_base: int
    fee_usd: str
    fee_usd_through_base: str
    notional_usd: str
    notional_usd_through_base: str


class PlanView(Output):
    """A priced proposal."""

    plan_id: str
    index_id: str
    kind: str
    reason: str
    value_usd: str
    swaps: list[PlannedSwapView]
    fee_usd: str
    fee_percent_of_value: str
    within_cost_limit: bool
    drift: list[DriftChange]
    skipped: list[SkippedView]
    comparison: ComparisonView
    expires_at: datetime
    digest: str
    # By default nothing: answers that were stored before have none.
    warning: Annotated[str, Field(description="What would stop it now; usually nothing.")] = ""
    next_step: str


class RebalanceView(Output):
    """A rebalance that has been started."""

    rebalance_id: str
    index_id: str
    plan_id: str
    kind: str
    state: str
    swaps: int
    value_usd: str
    next_step: str


NOT_NOW: Final = "Show this to the owner with its warning. Carrying it out would be refused now."
"""The next step of a preview that the kill switch would stop."""


async def preview_rebalance(app: App, call: Call, given: PreviewRebalance) -> PlanView:
    """Price a rebalance without trading: swaps, fees, drift before and after. Show it to the
    owner; if they agree, call rebalance_index with its plan_id before it expires."""
    async with app.store.read() as reader:
        index = await require_index(reader, call.owner_id, given.index_id)
        require_tradable(index)
        await refuse_second(reader, index)
    seen = await survey(app, index)
    wanted = None if given.destination == "policy" else Destination(given.destination)
    plan = await plan_rebalance(app, seen, wanted)
    async with app.store.transaction() as tx:
        warning = await _warning(app, tx, plan, index)
        view = plan_view(app.mode, plan, seen)
        if warning:
            view = view.model_copy(update={"warning": warning, "next_step": NOT_NOW})
        await tx.add_plan(plan)
        await call.record(app, tx, view, plan.plan_id)
    return view


async def rebalance_index(app: App, call: Call, given: RebalanceIndex) -> RebalanceView:
    """Carry out a plan the owner has seen and agreed to. Returns at once; follow it with
    get_progress. A plan is used once: calling again with the same plan starts nothing new."""
    async with app.store.transaction() as tx:
        index = await require_index(tx, call.owner_id, given.index_id)
        plan = await require_plan(app, tx, call.owner_id, given.index_id, given.plan_id)
        if plan.kind in (RebalanceKind.WITHDRAW, RebalanceKind.LIQUIDATE):
            raise BallastError(
                ErrorCode.PLAN_MISMATCH, "This is a withdrawal's plan: call withdraw with it."
            )
        require_tradable(index)
        rebalance = await start_rebalance(app, tx, index, plan, Starter.PERSON)
        view = rebalance_view(app.mode, rebalance, plan)
        await call.record(app, tx, view, rebalance.rebalance_id)
    app.work_waiting.set()
    return view


async def _warning(app: App, reader: Reader, plan: Plan, index: Index) -> str:
    """Whether the kill switch would refuse a plan that is only shown so far."""
    stopped = "rebalance_index will refuse this plan, which expires in minutes: preview it again "
    return await halt_warning(
        app, reader, plan.owner_id, f"{stopped}after that.", opens_risk=_buys(plan, index)
    )


def _buys(plan: Plan, index: Index) -> bool:
    """Whether it buys anything but the base asset."""
    return any(leg.buy != index.base_asset_id for leg in plan.swaps)


async def start_rebalance(
    app: App, tx: Transaction, index: Index, plan: Plan, starter: Starter
) -> Rebalance:
    """Use a plan: reserve what it sells, and leave its swaps for the engine. One transaction.

    Raises:
        BallastError: `trading_halted`, `plan_stale`, `rebalance_running`, `limit_exceeded`,
            `confirmation_needed`, `insufficient_holdings`, `nothing_to_do`, `keys_unavailable`;
            nothing is changed then.
    """
    await require_trading(app, tx, plan.owner_id, opens_risk=_buys(plan, index))
    if not plan.swaps:
        raise BallastError(
            ErrorCode.NOTHING_TO_DO, "This plan holds no swap.", plan_id=plan.plan_id
        )
    await require_within_limits(app, tx, index, plan, starter)
    return await reserve_plan(app, tx, index, plan, starter)


async def reserve_plan(
    app: App, tx: Transaction, index: Index, plan: Plan, starter: Starter
) -> Rebalance:
    """Mark the plan used, add its rebalance, and reserve every leg. Limits are checked before.

    Raises:
        BallastError: `plan_stale`, `rebalance_running`, `insufficient_holdings`,
            `keys_unavailable`.
    """
    await require_key(app, tx, index.index_id)
    await refuse_second(tx, index)
    await _require_fresh(tx, index, plan)
    now = app.clock.now()
    rebalance = Rebalance(
        rebalance_id=app.ids.new(IdKind.REBALANCE),
        owner_id=index.owner_id,
        index_id=index.index_id,
        plan_id=plan.plan_id,
        kind=plan.kind,
        state=RebalanceState.EXECUTING,
        started_by=starter,
        created_at=now,
        updated_at=now,
        ended_at=None,
        due_at=None,
        note="",
    )
    await tx.save_plan_state(plan.plan_id, PlanState.OPEN, PlanState.USED)
    await tx.add_rebalance(rebalance)
    for position, planned in enumerate(plan.swaps):
        leg = Leg(
            purpose=Purpose.SWAP,
            sell=planned.sell,
            buy=planned.buy,
            units=planned.input_units,
            value_pico=planned.input_pico,
            floor_units=planned.minimum_units,
            # A venue can offer more than the reference price says: that is no cost.
            cost_pico=max(planned.fee_pico, 0),
        )
        await add_leg(app, tx, rebalance, position, leg)
    await tx.add_decision(_decision(app, index, plan, rebalance, now))
    started = EventKind.REBALANCE_STARTED
    await emit_rebalance(app, tx, started, rebalance, swaps=len(plan.swaps), settled=0)
    return rebalance


async def refuse_second(reader: Reader, index: Index) -> None:
    """Refuse while a rebalance of the index runs, whatever its kind.

    Raises:
        BallastError: `rebalance_running`, naming it.
    """
    running = await reader.active_rebalance(index.index_id)
    if running is not None:
        raise BallastError(
            ErrorCode.REBALANCE_RUNNING,
            "A rebalance of this index is already running.",
            rebalance_id=running.rebalance_id,
        )


async def require_plan(
    app: App, tx: Transaction, owner_id: str, index_id: str, plan_id: str
) -> Plan:
    """The plan, while it may be carried out.

    Raises:
        BallastError: `not_found`, `plan_mismatch`, `plan_used`, `plan_expired`.
    """
    plan = await tx.get_plan(owner_id, plan_id)
    if plan is None:
        raise BallastError(ErrorCode.NOT_FOUND, "There is no such plan.", plan_id=plan_id).advising(
            "Check the id, or call preview_rebalance for a new plan."
        )
    if plan.index_id != index_id:
        raise BallastError(
            ErrorCode.PLAN_MISMATCH,
            "This plan was made for another index.",
            plan_id=plan.plan_id,
            plan_index_id=plan.index_id,
        )
    if plan.state is PlanState.USED:
        used = await tx.rebalance_of_plan(plan.plan_id)
        raise BallastError(
            ErrorCode.PLAN_USED,
            "This plan has been carried out already.",
            plan_id=plan.plan_id,
            rebalance_id=used.rebalance_id if used else None,
        )
    if plan.state is not PlanState.OPEN or app.clock.now() >= plan.expires_at:
        raise BallastError(
            ErrorCode.PLAN_EXPIRED,
            f"This plan expired at {plan.expires_at:%Y-%m-%d %H:%M:%S} UTC.",
            plan_id=plan.plan_id,
        )
    return plan


async def _require_fresh(tx: Transaction, index: Index, plan: Plan) -> None:
    sequence, _ = await tx.ledger_head(index.index_id)
    if (index.version, sequence) != (plan.index_version, plan.ledger_sequence):
        raise BallastError(
            ErrorCode.PLAN_STALE,
            "The index has changed since this plan was made.",
            plan_id=plan.plan_id,
        )


def _decision(app: App, index: Index, plan: Plan, rebalance: Rebalance, now: datetime) -> Decision:
    who = "You asked for it" if rebalance.started_by is Starter.PERSON else "By policy"
    return Decision(
        decision_id=app.ids.new(IdKind.DECISION),
        owner_id=index.owner_id,
        index_id=index.index_id,
        at=now,
        reason=plan.reason,
        summary=f"{who}: {counted(len(plan.swaps), 'swap')} of {usd_shown(plan.notional_pico)} "
        "together.",
        reference=rebalance.rebalance_id,
        facts=plan_facts(plan),
    )


def plan_facts(plan: Plan) -> dict[str, object]:
    """What a plan saw, JSON-ready: prices with source and time, drift, cost."""
    return {
        "value_usd": dollars(plan.value_pico),
        "fee_usd": dollars(plan.fee_pico),
        "prices": {asset: price_fact(price) for asset, price in plan.prices.items()},
        "drift_ppm": {asset: str(ppm) for asset, ppm in plan.drift_before.items()},
        "skipped": [
            {"asset_id": one.asset_id, "value_usd": dollars(one.value_pico), "reason": one.reason}
            for one in plan.skipped
        ],
    }


def price_fact(price: Price) -> dict[str, str]:
    """A price with its source and time, JSON-ready."""
    return {
        "usd": f"{price.usd:f}",
        "source": price.source,
        "observed_at": price.observed_at.isoformat(),
    }


def plan_view(mode: str, plan: Plan, seen: Situation) -> PlanView:
    """A plan as people read it."""
    return PlanView(
        mode=mode,
        plan_id=plan.plan_id,
        index_id=plan.index_id,
        kind=plan.kind.value,
        reason=plan.reason,
        value_usd=dollars(plan.value_pico),
        swaps=[PlannedSwapView.of(leg, seen.assets) for leg in plan.swaps],
        fee_usd=dollars(plan.fee_pico),
        fee_percent_of_value=percent_of(plan.fee_pico, plan.value_pico),
        within_cost_limit=cost_gate(seen.index.policy, plan.fee_pico, plan.value_pico),
        drift=_drift_changes(plan, seen.assets),
        skipped=[
            SkippedView(
                **AssetView.of(seen.assets[one.asset_id]).model_dump(),
                value_usd=dollars(one.value_pico),
                reason=one.reason,
            )
            for one in plan.skipped
        ],
        comparison=_comparison(plan),
        expires_at=plan.expires_at,
        digest=plan.digest,
        next_step=_plan_next_step(plan),
    )


def _comparison(plan: Plan) -> ComparisonView:
    through = plan.through_base
    return ComparisonView(
        swaps=len(plan.swaps),
        swaps_through_base=through.swaps,
        fee_usd=dollars(plan.fee_pico),
        fee_usd_through_base=dollars(through.fee_pico),
        notional_usd=dollars(plan.notional_pico),
        notional_usd_through_base=dollars(through.notional_pico),
    )


def _drift_changes(plan: Plan, assets: Mapping[str, Asset]) -> list[DriftChange]:
    return [
        DriftChange(
            symbol=assets[asset_id].symbol,
            before_percent=format_percent_ppm(before),
            after_percent=format_percent_ppm(plan.drift_after.get(asset_id, 0)),
        )
        for asset_id, before in plan.drift_before.items()
    ]


def _plan_next_step(plan: Plan) -> str:
    if plan.swaps:
        return "Show this to the owner. If they agree, call rebalance_index with this plan_id."
    if plan.reason == "within_bands":
        return "Nothing to do: every asset is in its band. destination=target trades anyway."
    return "Nothing to do: what is off is too little for a swap."


def rebalance_view(mode: str, rebalance: Rebalance, plan: Plan) -> RebalanceView:
    """A started rebalance as people read it."""
    return RebalanceView(
        mode=mode,
        rebalance_id=rebalance.rebalance_id,
        index_id=rebalance.index_id,
        plan_id=rebalance.plan_id,
        kind=rebalance.kind.value,
        state=rebalance.state.value,
        swaps=len(plan.swaps),
        value_usd=dollars(plan.notional_pico),
        next_step=f"Call get_progress with id={rebalance.rebalance_id} until it has ended.",
    )
