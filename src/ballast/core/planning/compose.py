"""From legs to a plan: pairings by value become swaps in base units, and what is left is stated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ballast.core.money import units_for_value, value_pico
from ballast.core.planning.legs import ROUNDING_PICO, Legs, even_out
from ballast.core.planning.matching import Pairing, pair_up
from ballast.core.planning.plan import (
    Comparison,
    PlanInput,
    SkippedLeg,
    SkipReason,
    SwapLeg,
    SwapPlan,
)
from ballast.core.planning.value import spent_for, yield_of


def compose(
    given: PlanInput,
    values: Mapping[str, int],
    legs: Legs,
    spend_units: Mapping[str, int] | None = None,
) -> SwapPlan:
    """Turn differences into a plan.

    Args:
        given: the facts.
        values: of all holdings, in pico-dollars, by asset id.
        legs: what to sell and buy.
        spend_units: exact base units to spend in total of some assets. An exit spends its whole
            balance; any other sale the floor of its share of the balance.
    """
    pairings = pair_up(even_out(legs, given.minimum_swap_pico))
    totals = {asset: given.holdings[asset] for asset in legs.exits} | dict(spend_units or {})
    swaps = _swaps(given, values, pairings, totals)
    spent = [swap.input_pico for swap in swaps]
    return SwapPlan(
        swaps=tuple(swaps),
        skipped=_skipped(given, legs, swaps),
        value_pico=sum(values.values()),
        fee_pico=sum(value - yield_of(value, given.fee_ppm) for value in spent),
        notional_pico=sum(spent),
        through_base=through_base(swaps, given.base_asset_id, given.fee_ppm),
    )


def through_base(swaps: Sequence[SwapLeg], base: str | None, fee_ppm: int) -> Comparison:
    """What the same purchases take when every sale goes into the base and every purchase from it.

    What the base asset itself gives is not sold first, and what it gets is not bought after.
    """
    sells: dict[str, int] = defaultdict(int)
    buys: dict[str, int] = defaultdict(int)
    for swap in swaps:
        sells[swap.sell] += swap.input_pico
        buys[swap.buy] += swap.input_pico
    own = sells.pop(base, 0) if base else 0
    wanted = yield_of(buys.pop(base, 0), fee_ppm) if base else 0
    purchases = sum(buys.values())
    sales = spent_for(max(purchases + wanted - own, 0), fee_ppm) if sells else 0
    return Comparison(
        swaps=len(sells) + len(buys),
        notional_pico=sales + purchases,
        fee_pico=sum(value - yield_of(value, fee_ppm) for value in (sales, purchases)),
        rounds=bool(sells) + bool(buys),
    )


def _swaps(
    given: PlanInput,
    values: Mapping[str, int],
    pairings: Sequence[Pairing],
    totals: Mapping[str, int],
) -> list[SwapLeg]:
    by_seller: dict[str, list[Pairing]] = defaultdict(list)
    for pairing in pairings:
        by_seller[pairing.sell].append(pairing)
    swaps = []
    for asset, own in by_seller.items():
        own.sort(key=lambda pairing: (-pairing.pico, pairing.buy))
        swaps.extend(_swaps_of(given, values[asset], own, totals.get(asset)))
    return sorted(swaps, key=lambda swap: (-swap.input_pico, swap.sell, swap.buy))


def _swaps_of(
    given: PlanInput, value: int, pairings: list[Pairing], total: int | None
) -> list[SwapLeg]:
    """One seller's swaps, largest first: it takes what the others, rounded down, leave.

    A pairing that is worth less than the minimum joins the largest.
    """
    largest, *smaller = pairings
    rest = [_swap(given, pairing, _units_of(given, pairing, value)) for pairing in smaller]
    kept = [swap for swap in rest if _worthwhile(given, swap)]
    spent = sum(swap.input_units for swap in kept)
    held = given.holdings[largest.sell]
    if total is None:
        share = held * sum(pairing.pico for pairing in pairings) // value
        total = min(max(share, spent + _units_of(given, largest, value)), held)
    first = _swap(given, largest, total - spent)
    while kept and first.input_pico < given.minimum_swap_pico:
        first = _swap(given, largest, first.input_units + kept.pop().input_units)
    return [swap for swap in (first, *kept) if _worthwhile(given, swap)]


def _units_of(given: PlanInput, pairing: Pairing, value: int) -> int:
    """Base units of a pairing: its share of the balance, rounded down.

    One more where only the rounding makes it worth less than the minimum.
    """
    held, quoted = given.holdings[pairing.sell], given.prices[pairing.sell]
    units = held * pairing.pico // value
    minimum = given.minimum_swap_pico
    if pairing.pico >= minimum > value_pico(units, quoted.decimals, quoted.price):
        return min(units + 1, held)
    return units


def _swap(given: PlanInput, pairing: Pairing, units: int) -> SwapLeg:
    sold, bought = given.prices[pairing.sell], given.prices[pairing.buy]
    spent = value_pico(units, sold.decimals, sold.price)
    return SwapLeg(
        sell=pairing.sell,
        buy=pairing.buy,
        input_units=units,
        input_pico=spent,
        expected_output_units=units_for_value(
            yield_of(spent, given.fee_ppm), bought.decimals, bought.price
        ),
    )


def _worthwhile(given: PlanInput, swap: SwapLeg) -> bool:
    return swap.input_pico >= given.minimum_swap_pico and swap.expected_output_units > 0


def _skipped(given: PlanInput, legs: Legs, swaps: Sequence[SwapLeg]) -> tuple[SkippedLeg, ...]:
    traded = {swap.sell for swap in swaps} | {swap.buy for swap in swaps}
    signed = {**legs.sells, **{asset: -value for asset, value in legs.buys.items()}}
    return tuple(
        SkippedLeg(asset, signed[asset], _reason(given, legs, asset, abs(signed[asset])))
        for asset in sorted(signed.keys() - traded)
        if abs(signed[asset]) > ROUNDING_PICO
    )


def _reason(given: PlanInput, legs: Legs, asset: str, value: int) -> SkipReason:
    if value < given.minimum_swap_pico:
        return SkipReason.BELOW_MINIMUM
    if value <= legs.tolerances.get(asset, 0):
        return SkipReason.WITHIN_TOLERANCE
    return SkipReason.NO_COUNTERPART
