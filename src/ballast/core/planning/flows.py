"""Plans for money that comes or goes: a deposit only buys, a withdrawal only sells."""

from __future__ import annotations

from collections.abc import Mapping

from ballast.core.drift import value_holdings
from ballast.core.money import PICO, PPM, scale, units_for_value
from ballast.core.planning.compose import compose
from ballast.core.planning.legs import Legs
from ballast.core.planning.plan import PlanInput, SwapPlan
from ballast.core.planning.value import drain_down, fill_up, spent_for, yield_of


def plan_deposit(given: PlanInput, cash_asset_id: str, cash_units: int) -> SwapPlan:
    """Invest new money: buy what lies deepest below its target, up to a common level.

    Nothing but the cash asset is sold, and of it at most `cash_units` and never what its own
    target needs. Purchases below the minimum swap are left out, and their part goes to the others.

    Args:
        given: the facts, with the new money among the holdings.
        cash_asset_id: what came in.
        cash_units: base units that came in and may be spent.

    Raises:
        ValueError: a negative amount, more cash than is held, or an asset without a price.
    """
    if not 0 <= cash_units <= given.holdings.get(cash_asset_id, 0):
        raise ValueError("the cash to invest is among the holdings")
    values = value_holdings(given.holdings, given.prices, given.targets)
    came = _value_of(given, values, cash_asset_id, cash_units)
    spent = min(came, _free_cash(given, values, cash_asset_id))
    buys = _purchases(given, values, cash_asset_id, spent)
    if not buys:
        return compose(given, values, Legs({}, {}))
    total = sum(buys.values())
    legs = Legs({cash_asset_id: total}, buys, ceilings={cash_asset_id: max(total, spent)})
    # Where all the new money goes, rounding leaves none of it behind.
    return compose(given, values, legs, {cash_asset_id: cash_units} if spent == came else {})


def plan_withdrawal(given: PlanInput, into_asset_id: str, value_pico: int) -> SwapPlan:
    """Sell what lies highest above its target into one asset until it covers a value after fees.

    What the index already has of that asset counts, down to its share of what remains. Sales
    below the minimum swap are left out. A value that everything together cannot bring means
    everything: all is sold, whole balances of it. Whether the value was covered is seen from
    `holdings_after`: it is not where balances are below the minimum swap, or do not suffice.

    Args:
        given: the facts.
        into_asset_id: what the money leaves as.
        value_pico: to be covered, in pico-dollars, above 0.

    Raises:
        ValueError: a negative amount, a value of 0 or less, or an asset without a price.
    """
    if value_pico <= 0:
        raise ValueError("a withdrawal is worth more than nothing")
    values = value_holdings(given.holdings, given.prices, {into_asset_id: 0} | dict(given.targets))
    sells = _sales(given, values, into_asset_id, value_pico)
    if not sells:
        return compose(given, values, Legs({}, {}))
    legs = Legs(
        sells,
        {into_asset_id: sum(sells.values())},
        exits=frozenset(asset for asset, value in sells.items() if value == values[asset]),
    )
    return compose(given, values, legs, _rounded_up(given, values, sells))


def _purchases(
    given: PlanInput, values: Mapping[str, int], cash: str, spent: int
) -> dict[str, int]:
    """What to spend on each underweight asset, together `spent` but for rounding."""
    others = [asset for asset in values if asset != cash and given.targets.get(asset)]
    parts = fill_up(
        [values[asset] for asset in others],
        [given.targets[asset] for asset in others],
        yield_of(spent, given.fee_ppm),
        [given.minimum_swap_pico] * len(others),
    )
    return {
        a: spent_for(part, given.fee_ppm) for a, part in zip(others, parts, strict=True) if part
    }


def _sales(given: PlanInput, values: Mapping[str, int], into: str, value: int) -> dict[str, int]:
    """What to sell of each overweight asset, all of everything when the value needs it."""
    others = [asset for asset in values if asset != into and values[asset]]
    held = [values[asset] for asset in others]
    if _amount_to_sell(given, values, into, value) == 0:
        return {}
    amount = _amount_to_sell(given, values, into, value + _rounding(given, into, len(others)))
    minimum = given.minimum_swap_pico
    if amount >= sum(held):
        parts = held
    else:
        weights = [given.targets.get(asset, 0) for asset in others]
        parts = drain_down(held, weights, max(amount, minimum), [minimum] * len(others))
    return {asset: part for asset, part in zip(others, parts, strict=True) if part}


def _free_cash(given: PlanInput, values: Mapping[str, int], cash: str) -> int:
    """Cash above its own target's share of the value after the fees of investing it.

    spent = cash - target x (total - fee x spent), so spent = (cash - target x total) /
    (1 - target x fee); rounded down.
    """
    weight, weights = given.targets.get(cash, 0), sum(given.targets.values())
    above = values[cash] * weights - weight * sum(values.values())
    return max(above * PPM // (weights * PPM - weight * given.fee_ppm), 0)


def _amount_to_sell(given: PlanInput, values: Mapping[str, int], into: str, value: int) -> int:
    """Sales that, after fees and with the spare part of `into`, cover a value; rounded up.

    With target t of `into` and fee f, of the held amount h the index keeps
    k = max(t x (total - f x sales - value), 0), and sales x (1 - f) = value - max(h - k, 0).
    So sales is the largest of the solutions with k and with k = 0, but at most value / (1 - f).
    """
    weight, weights = given.targets.get(into, 0), sum(given.targets.values())
    short = value - values[into]
    needed = short * weights + weight * (sum(values.values()) - value)
    joint = (PPM - given.fee_ppm) * weights + weight * given.fee_ppm
    keeping = -(-needed * PPM // joint)
    return max(
        min(max(keeping, spent_for(short, given.fee_ppm)), spent_for(value, given.fee_ppm)), 0
    )


def _rounding(given: PlanInput, into: str, swaps: int) -> int:
    """Value that rounding each swap's proceeds down to a base unit may lose."""
    quoted = given.prices[into]
    numerator, denominator = quoted.price.as_integer_ratio()
    unit = -(-numerator * PICO // (denominator * scale(quoted.decimals)))
    return swaps * (unit + 1)


def _value_of(given: PlanInput, values: Mapping[str, int], asset: str, units: int) -> int:
    held = given.holdings.get(asset, 0)
    return values[asset] * units // held if held else 0


def _rounded_up(
    given: PlanInput, values: Mapping[str, int], sells: Mapping[str, int]
) -> dict[str, int]:
    """Base units whose value is at least each sale's: a withdrawal must not fall short."""
    units = {}
    for asset, part in sells.items():
        held, quoted = given.holdings[asset], given.prices[asset]
        least = units_for_value(part, quoted.decimals, quoted.price) + 1
        units[asset] = held if part == values[asset] else min(least, held)
    return units
