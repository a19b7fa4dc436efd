"""From an index to a priced plan: prices, the planning core, and a dry quote for every leg."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.ports import SwapAsk
from ballast.app.pricing import price_inputs
from ballast.core.drift import AssetPrice, DriftReport, measure_drift
from ballast.core.ids import IdKind
from ballast.core.index import Asset, Basket, Index, planning_targets
from ballast.core.ledger import HELD, Account
from ballast.core.money import BPS, PPM, units_for_value, value_pico
from ballast.core.planning import (
    PlanInput,
    SwapLeg,
    SwapPlan,
    plan_deposit,
    plan_to_targets,
    plan_withdrawal,
    plan_within_bands,
)
from ballast.core.policy import Destination, Method, ReasonCode
from ballast.core.states import PlanState
from ballast.core.trading import (
    Plan,
    PlannedSwap,
    Price,
    RebalanceKind,
    Skipped,
    ThroughBase,
)
from ballast.errors import BallastError, ErrorCode

PLAN_LIFETIME: Final = timedelta(minutes=5)

# What a swap is taken to cost before the venue has been asked: 20 bp of fee and some spread.
FIRST_FEE_PPM: Final = 2_500
# A measured fee this close to the one planned with changes no leg enough to plan again.
FEE_TOLERANCE_PPM: Final = 100

NO_OFFER: Final = "no_offer"
BEYOND_BUDGET: Final = "beyond_budget"
NOT_LISTED: Final = "not_listed"

LayOut = Callable[[int], SwapPlan]
Balances = Mapping[tuple[str, Account], int]


@dataclass(frozen=True, slots=True)
class Situation:
    """An index at one moment: what it holds, what that is worth, and what it should hold.

    Attributes:
        orphaned: held, but neither listed by the venue nor in the basket any more: left alone.
    """

    index: Index
    sequence: int
    available: Mapping[str, int]
    held: Mapping[str, int]
    assets: Mapping[str, Asset]
    prices: Mapping[str, Price]
    targets: Mapping[str, int]
    drift: DriftReport
    orphaned: tuple[str, ...]


async def survey(app: App, index: Index) -> Situation:
    """Take stock of an index, with usable prices for everything it holds or should hold.

    What the venue no longer lists and the basket no longer wants has no price and is not counted:
    it must not keep the rest from being traded for ever.

    Raises:
        BallastError: `price_unavailable` when one price is missing: the other assets are not
            traded to make up for it.
    """
    async with app.store.read() as reader:
        balances = await reader.balances(index.index_id)
        sequence, _ = await reader.ledger_head(index.index_id)
        targets = planning_targets(index)
    listed = await app.venue.list_assets()
    everything = _in_accounts(balances, HELD)
    needed = targets.keys() | {index.base_asset_id}
    orphaned = everything.keys() - listed.keys() - needed
    wanted = sorted((everything.keys() | needed) - orphaned)
    async with app.store.read() as reader:
        assets = await reader.get_assets([*wanted, *sorted(orphaned)])
    prices = await app.prices.get(wanted)
    held = {one: units for one, units in everything.items() if one not in orphaned}
    available = _in_accounts(balances, (Account.AVAILABLE,))
    available = {one: units for one, units in available.items() if one not in orphaned}
    return Situation(
        index=index,
        sequence=sequence,
        available=available,
        held=held,
        assets=assets,
        prices=prices,
        targets=targets,
        drift=index_drift(index, held, price_inputs(prices, assets)),
        orphaned=tuple(sorted(orphaned)),
    )


def index_drift(
    basket: Basket, held: Mapping[str, int], prices: Mapping[str, AssetPrice]
) -> DriftReport:
    """The drift that an index's policy goes by.

    Args:
        held: base units by asset id, of what has a price.
        prices: of everything held or targeted.
    """
    dust = basket.policy.minimum_swap_pico
    targets = planning_targets(basket)
    report = measure_drift(held, prices, targets, basket.policy.band, dust_pico=dust)
    return _without_buffer_noise(basket, report)


def _without_buffer_noise(basket: Basket, report: DriftReport) -> DriftReport:
    """Cash that is only a buffer breaches nothing while it is less than twice what it should be.

    A buffer of 1 % with a 20 % band would leave it at 0.8 %: no reason to trade.
    """
    if basket.base_asset_id in basket.targets:
        return report
    quiet = tuple(
        replace(one, breached=False)
        if one.asset_id == basket.base_asset_id and one.weight_ppm < 2 * one.target_ppm
        else one
        for one in report.assets
    )
    return replace(report, assets=quiet)


def _in_accounts(balances: Balances, accounts: tuple[Account, ...]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for (asset_id, account), units in balances.items():
        if account in accounts and units:
            totals[asset_id] = totals.get(asset_id, 0) + units
    return totals


async def plan_rebalance(
    app: App, seen: Situation, destination: Destination | None, reason: str | None = None
) -> Plan:
    """A priced plan that brings an index back.

    Args:
        seen: the index now.
        destination: how far breached assets go back; None for the policy's. `target` moves every
            asset to its target, breached or not.
        reason: why; None when a person asks, who may whenever they like: then the bands say it.
    """
    kind = RebalanceKind.CONSTRUCT if only_cash(seen) else RebalanceKind.REBALANCE
    said = reason or _reason(seen, kind)
    band = seen.index.policy.band
    wanted = destination or seen.index.policy.destination
    to_targets = (
        kind is RebalanceKind.CONSTRUCT
        or destination is Destination.TARGET
        or seen.index.policy.method in (Method.NONE, Method.CALENDAR)
    )

    def lay_out(fee_ppm: int) -> SwapPlan:
        given = _plan_input(seen, fee_ppm)
        return plan_to_targets(given) if to_targets else plan_within_bands(given, band, wanted)

    return await _priced(app, seen, kind, said, lay_out)


async def plan_investment(app: App, seen: Situation, cash_units: int, reason: str) -> Plan:
    """A priced plan that invests cash: it only buys what is underweight.

    Args:
        cash_units: what may be spent, in base units; of that what is still there counts.
        reason: why.
    """
    base = seen.index.base_asset_id
    cash_units = min(cash_units, seen.available.get(base, 0))
    kind = RebalanceKind.CONSTRUCT if only_cash(seen) else RebalanceKind.INVEST

    def lay_out(fee_ppm: int) -> SwapPlan:
        return plan_deposit(_plan_input(seen, fee_ppm), base, cash_units)

    return await _priced(app, seen, kind, reason, lay_out)


async def plan_sale(
    app: App, seen: Situation, units: int, *, liquidate: bool, reason: str = "withdrawal_asked"
) -> Plan:
    """A priced plan that sells what is most overweight until the cash covers an amount.

    Args:
        units: base asset that is to be there in the end, in base units; what is there counts.
        liquidate: whether the cash stays in the index.
        reason: why.
    """
    base = seen.index.base_asset_id
    wanted = value_pico(units, seen.assets[base].decimals, seen.prices[base].usd)
    kind = RebalanceKind.LIQUIDATE if liquidate else RebalanceKind.WITHDRAW

    def lay_out(fee_ppm: int) -> SwapPlan:
        return plan_withdrawal(_plan_input(seen, fee_ppm), base, max(wanted, 1))

    return await _priced(app, seen, kind, reason, lay_out)


def only_cash(seen: Situation) -> bool:
    """Whether nothing but the base asset is held."""
    return not any(units for asset, units in seen.held.items() if asset != seen.index.base_asset_id)


def _reason(seen: Situation, kind: RebalanceKind) -> str:
    if kind is RebalanceKind.CONSTRUCT:
        return "first_purchase"
    breached = ReasonCode.BAND_BREACHED if seen.drift.breached else ReasonCode.WITHIN_BANDS
    return breached.value


def _plan_input(seen: Situation, fee_ppm: int) -> PlanInput:
    return PlanInput(
        holdings={asset: units for asset, units in seen.available.items() if units},
        prices=price_inputs(seen.prices, seen.assets),
        targets=seen.targets,
        fee_ppm=fee_ppm,
        minimum_swap_pico=seen.index.policy.minimum_swap_pico,
        base_asset_id=seen.index.base_asset_id,
    )


async def _priced(
    app: App,
    seen: Situation,
    kind: RebalanceKind,
    reason: str,
    lay_out: LayOut,
) -> Plan:
    """Lay out, ask the venue for every leg, and lay out again once with the fee it showed."""
    laid = lay_out(FIRST_FEE_PPM)
    offers = await _dry_quotes(app, seen, laid.swaps)
    fee_ppm = _measured_fee_ppm(seen, offers)
    if fee_ppm is not None and abs(fee_ppm - FIRST_FEE_PPM) > FEE_TOLERANCE_PPM:
        laid = lay_out(fee_ppm)
        offers = await _dry_quotes(app, seen, laid.swaps)
    through_base = await _through_base(app, seen, laid, lay_out)
    return _plan_of(app, seen, kind, reason, laid, offers, through_base)


async def _dry_quotes(app: App, seen: Situation, legs: Sequence[SwapLeg]) -> dict[SwapLeg, int]:
    """Expected output per leg. A leg the venue has no offer for is missing from the answer."""
    deadline = app.clock.now() + PLAN_LIFETIME
    slippage = seen.index.limits.max_slippage_bps // 2

    async def ask(leg: SwapLeg) -> tuple[SwapLeg, int | None]:
        wanted = SwapAsk(
            seen.index.account_id, leg.sell, leg.buy, leg.input_units, slippage, deadline
        )
        try:
            quote = await app.venue.quote_swap(wanted, firm=False)
        except BallastError as refusal:
            if refusal.code in (ErrorCode.VENUE_REFUSED, ErrorCode.QUOTE_REFUSED):
                return leg, None
            raise
        return leg, quote.units_out

    answers = await asyncio.gather(*(ask(leg) for leg in legs))
    return {leg: units for leg, units in answers if units is not None}


def _measured_fee_ppm(seen: Situation, offers: Mapping[SwapLeg, int]) -> int | None:
    """What the offers cost together, at our prices, rounded to the nearest part per million."""
    spent = sum(leg.input_pico for leg in offers)
    if not spent:
        return None
    got = sum(_worth(seen, leg.buy, units) for leg, units in offers.items())
    return min(max((spent - got) * PPM // spent, 0), PPM // 10)


def _worth(seen: Situation, asset_id: str, units: int) -> int:
    return value_pico(units, seen.assets[asset_id].decimals, seen.prices[asset_id].usd)


def _plan_of(
    app: App,
    seen: Situation,
    kind: RebalanceKind,
    reason: str,
    laid: SwapPlan,
    offers: Mapping[SwapLeg, int],
    through_base: ThroughBase,
) -> Plan:
    now = app.clock.now()
    swaps = tuple(_priced_leg(seen, leg, offers[leg]) for leg in laid.swaps if leg in offers)
    left = [Skipped(one.asset_id, one.value_pico, one.reason.value) for one in laid.skipped]
    left += [Skipped(leg.sell, leg.input_pico, NO_OFFER) for leg in laid.swaps if leg not in offers]
    left += [Skipped(one, 0, NOT_LISTED) for one in seen.orphaned]
    return Plan(
        plan_id=app.ids.new(IdKind.PLAN),
        owner_id=seen.index.owner_id,
        index_id=seen.index.index_id,
        kind=kind,
        state=PlanState.OPEN,
        swaps=swaps,
        skipped=tuple(left),
        through_base=through_base,
        prices=seen.prices,
        value_pico=seen.drift.value_pico,
        notional_pico=sum(swap.input_pico for swap in swaps),
        fee_pico=sum(swap.fee_pico for swap in swaps),
        drift_before={one.asset_id: one.absolute_drift_ppm for one in seen.drift.assets},
        drift_after=_drift_after(seen, swaps),
        reason=reason,
        digest=_digest(swaps),
        index_version=seen.index.version,
        ledger_sequence=seen.sequence,
        created_at=now,
        expires_at=now + PLAN_LIFETIME,
    )


def _drift_after(seen: Situation, swaps: Sequence[PlannedSwap]) -> dict[str, int]:
    after = dict(seen.held)
    for swap in swaps:
        after[swap.sell] = after.get(swap.sell, 0) - swap.input_units
        after[swap.buy] = after.get(swap.buy, 0) + swap.expected_units
    prices = price_inputs(seen.prices, seen.assets)
    report = measure_drift(after, prices, seen.targets, seen.index.policy.band)
    return {one.asset_id: one.absolute_drift_ppm for one in report.assets}


def within_budget(seen: Situation, plan: Plan, budget_bps: int) -> Plan:
    """A plan whose every swap brings at worst so much less than it is worth at the reference
    prices, whatever the limit of the index says; what cannot be sold so is left out and named."""
    kept: list[PlannedSwap] = []
    skipped = list(plan.skipped)
    for leg in plan.swaps:
        floor = _units_worth(seen, leg.buy, leg.input_pico * (BPS - budget_bps) // BPS)
        # The quote itself may end half of the index's slippage below what it says.
        worst = leg.expected_units * (BPS - seen.index.limits.max_slippage_bps // 2) // BPS
        if worst < floor:
            skipped.append(Skipped(leg.sell, leg.input_pico, BEYOND_BUDGET))
        else:
            kept.append(replace(leg, minimum_units=floor))
    return replace(
        plan,
        swaps=tuple(kept),
        skipped=tuple(skipped),
        notional_pico=sum(leg.input_pico for leg in kept),
        fee_pico=sum(leg.fee_pico for leg in kept),
        drift_after=_drift_after(seen, kept),
        digest=_digest(tuple(kept)),
    )


def _units_worth(seen: Situation, asset_id: str, value: int) -> int:
    return units_for_value(value, seen.assets[asset_id].decimals, seen.prices[asset_id].usd)


def _priced_leg(seen: Situation, leg: SwapLeg, expected: int) -> PlannedSwap:
    slippage = seen.index.limits.max_slippage_bps
    return PlannedSwap(
        sell=leg.sell,
        buy=leg.buy,
        input_units=leg.input_units,
        input_pico=leg.input_pico,
        expected_units=expected,
        minimum_units=expected * (BPS - slippage) // BPS,
        fee_pico=leg.input_pico - _worth(seen, leg.buy, expected),
    )


async def _through_base(app: App, seen: Situation, laid: SwapPlan, lay_out: LayOut) -> ThroughBase:
    """The same change through the base asset, at the fee the venue shows for such pairs."""
    offers = await _dry_quotes(app, seen, _probes(seen, laid))
    fee_ppm = _measured_fee_ppm(seen, offers)
    through = (laid if fee_ppm is None else lay_out(fee_ppm)).through_base
    return ThroughBase(
        swaps=through.swaps,
        notional_pico=through.notional_pico,
        fee_pico=through.fee_pico,
        rounds=through.rounds,
    )


def _probes(seen: Situation, laid: SwapPlan) -> list[SwapLeg]:
    """The plan's largest sale into the base asset, and its largest purchase from it."""
    base = seen.index.base_asset_id
    probes = []
    for leg in laid.swaps:
        if leg.sell != base:
            probes.append(replace(leg, buy=base))
            break
    for leg in laid.swaps:
        if leg.buy != base:
            decimals, price = seen.assets[base].decimals, seen.prices[base].usd
            units = units_for_value(leg.input_pico, decimals, price)
            probes.append(replace(leg, sell=base, input_units=units))
            break
    return [probe for probe in probes if probe.input_units]


def _digest(swaps: tuple[PlannedSwap, ...]) -> str:
    lines = [[s.sell, s.buy, str(s.input_units), str(s.minimum_units)] for s in swaps]
    return hashlib.sha256(json.dumps(lines, separators=(",", ":")).encode()).hexdigest()
