"""The outward transfer of a withdrawal: a leg like any other, delivered on a chain."""

from __future__ import annotations

from ballast.app.app import App
from ballast.app.legs import Leg, add_leg
from ballast.app.ports import Transaction
from ballast.core.money import value_pico
from ballast.core.trading import Purpose
from ballast.core.withdrawals import Withdrawal


async def new_payout(
    app: App, tx: Transaction, withdrawal: Withdrawal, units: int, *, position: int
) -> None:
    """Reserve what is to be sent and leave the leg for the engine.

    The least that must be delivered is the preview's, in proportion to what is really sent.
    """
    assert withdrawal.rebalance_id is not None, "a confirmed withdrawal has a rebalance"
    assert withdrawal.payout_asset_id is not None, "a liquidation has no payout"
    rebalance = await tx.get_rebalance(withdrawal.owner_id, withdrawal.rebalance_id)
    plan = await tx.get_plan(withdrawal.owner_id, withdrawal.plan_id)
    assert rebalance is not None, "the rebalance was added before"
    assert plan is not None, "the plan was added before"
    base = withdrawal.base_asset_id
    decimals = (await tx.get_assets([base]))[base].decimals
    leg = Leg(
        purpose=Purpose.PAYOUT,
        sell=base,
        buy=withdrawal.payout_asset_id,
        units=units,
        value_pico=value_pico(units, decimals, plan.prices[base].usd),
        floor_units=withdrawal.minimum_units * units // withdrawal.asked_units,
        recipient=withdrawal.address,
        recipient_memo=withdrawal.memo,
    )
    await add_leg(app, tx, rebalance, position, leg)
