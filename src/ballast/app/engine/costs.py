"""What a settled swap really cost, which the budget for fees and slippage counts."""

from __future__ import annotations

from ballast.app.ports import Transaction
from ballast.core.money import value_pico
from ballast.core.trading import Swap


async def what_it_cost(tx: Transaction, swap: Swap) -> int:
    """Value given minus value got, both at the plan's prices, in pico-dollars; never below zero.

    What the venue returned of the input is not given. A price that moved for the better between
    plan and fill makes a swap cheaper here, one that moved for the worse dearer: that is slippage.
    For an asset that the plan knew no price of, what was expected stays.
    """
    rebalance = await tx.get_rebalance(swap.owner_id, swap.rebalance_id)
    assert rebalance is not None, "a swap has a rebalance"
    plan = await tx.get_plan(swap.owner_id, rebalance.plan_id)
    assert plan is not None, "a rebalance has a plan"
    bought = (await tx.get_assets([swap.buy]))[swap.buy]
    given = swap.input_units - (swap.refunded_units or 0)
    paid = swap.value_pico * given // swap.input_units
    price = plan.prices.get(swap.buy)
    if price is None:
        return swap.cost_pico
    got = value_pico(swap.output_units or 0, bought.decimals, price.usd)
    return max(paid - got, 0)
