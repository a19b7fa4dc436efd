"""The recurring purchase: a fixed amount of uninvested cash buys what is below its target."""

from __future__ import annotations

from datetime import datetime

from ballast.app.app import App
from ballast.app.monitor.judging import spare_cash
from ballast.app.planning import Situation, plan_investment
from ballast.app.pricing import price_inputs
from ballast.core.index import Index
from ballast.core.money import units_for_value
from ballast.core.policy import Policy, ReasonCode
from ballast.core.schedule import next_date
from ballast.core.trading import Plan


def due_purchase(
    policy: Policy, agreed_at: datetime, purchased_at: datetime | None, now: datetime
) -> bool:
    """Whether a date of the purchase has come that is not dealt with. Dates that were missed
    count as one, and none from before the policy was last changed.

    Args:
        agreed_at: when the policy was last changed.
        purchased_at: when the last date was dealt with.
    """
    if policy.purchase is None:
        return False
    after = max(agreed_at, purchased_at or agreed_at)
    return next_date(policy.purchase.schedule, policy.timezone, after) <= now


def next_purchase(index: Index, after: datetime) -> datetime:
    """The next date of an index's purchase."""
    assert index.policy.purchase is not None, "it has one"
    return next_date(index.policy.purchase.schedule, index.policy.timezone, after)


async def plan_purchase(app: App, seen: Situation) -> Plan | None:
    """A plan that spends the purchase's amount, or what there is; it never sells. None when
    there is no cash above the base asset's target."""
    purchase, base = seen.index.policy.purchase, seen.index.base_asset_id
    assert purchase is not None, "a purchase is due"
    wanted = units_for_value(
        purchase.amount_pico, seen.assets[base].decimals, seen.prices[base].usd
    )
    spare = spare_cash(seen.index, seen.available, price_inputs(seen.prices, seen.assets))
    units = min(wanted, spare)
    if not units:
        return None
    return await plan_investment(app, seen, units, ReasonCode.PURCHASE_DUE.value)
