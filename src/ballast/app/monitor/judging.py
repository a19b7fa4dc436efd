"""Whether it is time for an index to trade by its policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ballast.app.planning import Situation, index_drift, only_cash
from ballast.app.pricing import price_inputs
from ballast.core.checks import Check
from ballast.core.drift import AssetPrice, value_holdings
from ballast.core.index import Basket, Index, planning_targets
from ballast.core.money import units_for_value
from ballast.core.policy import Past, ReasonCode, Verdict, decide


def past_of(index: Index, check: Check | None, ended_at: datetime | None = None) -> Past:
    """What the rows say of an index's past.

    Args:
        ended_at: end of its last rebalance, if that moved nothing.
    """
    ends = [moment for moment in (index.last_rebalanced_at, ended_at) if moment is not None]
    return Past(
        agreed_at=index.updated_at,
        rebalanced_at=index.last_rebalanced_at,
        ended_at=max(ends, default=None),
        ran_at=check.ran_at if check else None,
    )


def judge(seen: Situation, past: Past, now: datetime) -> Verdict:
    """What the policy says. An index of cash alone is not built up by itself: a deposit or a
    person does that, and what has just been liquidated must stay so.

    Args:
        seen: without its spare cash (`without_spare_cash`).
    """
    verdict = decide(seen.index.policy, seen.drift, now=now, past=past)
    if verdict.trade and only_cash(seen):
        return Verdict(False, ReasonCode.ONLY_CASH)
    return verdict


def without_spare_cash(seen: Situation) -> Situation:
    """The same index without the cash that its policy keeps for later (`keeps_cash`)."""
    if not keeps_cash(seen.index):
        return seen
    base, prices = seen.index.base_asset_id, price_inputs(seen.prices, seen.assets)
    units = min(spare_cash(seen.index, seen.held, prices), seen.available.get(base, 0))
    held = {**seen.held, base: seen.held.get(base, 0) - units}
    available = {**seen.available, base: seen.available.get(base, 0) - units}
    return replace(
        seen, held=held, available=available, drift=index_drift(seen.index, held, prices)
    )


def keeps_cash(basket: Basket) -> bool:
    """Whether cash above the base asset's target waits there on purpose: deposits stay cash, or a
    recurring purchase spends it. Neither it nor what the others lack by it is drift."""
    return not basket.policy.invest_deposits or basket.policy.purchase is not None


def spare_cash(basket: Basket, held: Mapping[str, int], prices: Mapping[str, AssetPrice]) -> int:
    """Base asset above its target beside what the rest is worth, in base units, rounded down.

    With target t, and the rest worth r, the base asset should be worth r x t / (1 - t).

    Args:
        held: base units by asset id.
        prices: of everything held or targeted.
    """
    base, targets = basket.base_asset_id, planning_targets(basket)
    values = value_holdings(held, prices, targets)
    weight, scale = targets.get(base, 0), sum(targets.values())
    if weight == scale:
        return 0
    cash = values.get(base, 0)
    above = cash - (sum(values.values()) - cash) * weight // (scale - weight)
    quoted = prices[base]
    return min(units_for_value(max(above, 0), quoted.decimals, quoted.price), held.get(base, 0))
