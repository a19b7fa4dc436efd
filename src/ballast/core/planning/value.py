"""Values that the planner starts from: what is left after fees, and shares filled to a level.

Values are integers in pico-dollars. Fractions are exact until the one division at the end, which
rounds down.
"""

from __future__ import annotations

from collections.abc import Sequence

from ballast.core.money import PPM

# Position of the fixed point in value-to-weight ratios that are only compared. 2^64 of it is finer
# than any difference that a pico-dollar makes.
_RATIO_BITS = 64


def value_after_sales(
    total: int, values: Sequence[int], weights: Sequence[int], scale: int, fee_ppm: int
) -> int:
    """Value left when everything above its share of that value is sold, the fee on the sales.

    Solves after + fee x sum(max(value - weight/scale x after, 0)) = total. The left side is
    increasing, convex and made of straight pieces, so that Newton's steps fall from `total` onto
    the root after a few of them and then no further.

    Args:
        total: value before, in pico-dollars.
        values: of the assets that may be sold, in pico-dollars.
        weights: share of the value after fees that each keeps, over `scale`.
        scale: what weights are shares of.
        fee_ppm: parts per million of a swap's input, below 1,000,000.

    Returns:
        Pico-dollars, rounded down: less than 2 below the root.
    """
    after, lower = total + 1, total
    while lower < after:
        after = lower
        over = [
            (value, weight)
            for value, weight in zip(values, weights, strict=True)
            if value * scale > weight * after
        ]
        sold = sum(value for value, _ in over)
        kept = sum(weight for _, weight in over)
        lower = (PPM * total - fee_ppm * sold) * scale // (PPM * scale - fee_ppm * kept)
    return after


def value_after_purchases(
    total: int, values: Sequence[int], weights: Sequence[int], scale: int, fee_ppm: int
) -> int:
    """Value left when everything below its share of that value is bought, fees on what is spent.

    Solves after + fee/(1 - fee) x sum(max(weight/scale x after - value, 0)) = total, in the same
    way and with the same arguments as `value_after_sales`.
    """
    rest = PPM - fee_ppm
    after, lower = total + 1, total
    while lower < after:
        after = lower
        under = [
            (value, weight)
            for value, weight in zip(values, weights, strict=True)
            if value * scale < weight * after
        ]
        held = sum(value for value, _ in under)
        wanted = sum(weight for _, weight in under)
        lower = (rest * total + fee_ppm * held) * scale // (rest * scale + fee_ppm * wanted)
    return after


def spent_for(net: int, fee_ppm: int) -> int:
    """Input that yields a value after the fee, rounded up."""
    return -(-net * PPM // (PPM - fee_ppm))


def yield_of(spent: int, fee_ppm: int) -> int:
    """Value that an input yields after the fee, rounded down."""
    return spent * (PPM - fee_ppm) // PPM


def fill_up(
    values: Sequence[int], weights: Sequence[int], amount: int, minimums: Sequence[int]
) -> list[int]:
    """Share out an amount so that the lowest value-to-weight ratios rise to a common level.

    Args:
        values: what each has now.
        weights: positive, of any scale.
        amount: to share out, zero or more.
        minimums: smallest share worth giving to each; where a share would be smaller, the smallest
            of them is left out and the others are filled again.

    Returns:
        The share of each, adding up to `amount`, or all 0 when nobody can take its minimum.
    """
    order = sorted(range(len(values)), key=lambda i: ((values[i] << _RATIO_BITS) // weights[i], i))
    while order:
        shares = _raise_to_level([values[i] for i in order], [weights[i] for i in order], amount)
        short = [(share, i) for share, i in zip(shares, order, strict=False) if share < minimums[i]]
        if not short:
            given = dict(zip(order, shares, strict=False))
            return [given.get(i, 0) for i in range(len(values))]
        order.remove(min(short)[1])
    return [0] * len(values)


def _raise_to_level(values: list[int], weights: list[int], amount: int) -> list[int]:
    """Shares of the first so many values, sorted by ratio, that the level reaches."""
    held, weight, count = 0, 0, 0
    for value, own in zip(values, weights, strict=True):
        # Filled so far, the level is (held + amount) / weight: does it reach the next one?
        if count and (held + amount) * own <= value * weight:
            break
        held, weight, count = held + value, weight + own, count + 1
    pool = held + amount
    shares = [max(pool * weights[i] // weight - values[i], 0) for i in range(count)]
    shares[0] += amount - sum(shares)
    return shares


def drain_down(
    values: Sequence[int], weights: Sequence[int], amount: int, minimums: Sequence[int]
) -> list[int]:
    """Take an amount so that the highest value-to-weight ratios fall to a common level.

    A weight of 0 is the highest of all. Otherwise the mirror image of `fill_up`: at most each
    value is taken, and all values when the amount is above their sum.
    """
    order = sorted(range(len(values)), key=lambda i: _height(values[i], weights[i], i))
    while order:
        taken = _lower_to_level([values[i] for i in order], [weights[i] for i in order], amount)
        short = [(part, i) for part, i in zip(taken, order, strict=False) if part < minimums[i]]
        if not short:
            given = dict(zip(order, taken, strict=False))
            return [given.get(i, 0) for i in range(len(values))]
        order.remove(min(short)[1])
    return [0] * len(values)


def _height(value: int, weight: int, position: int) -> tuple[int, int, int]:
    if weight == 0:
        return (0, -value, position)
    return (1, -((value << _RATIO_BITS) // weight), position)


def _lower_to_level(values: list[int], weights: list[int], amount: int) -> list[int]:
    """What the first so many values, sorted by falling ratio, give."""
    held, weight, count = 0, 0, 0
    for value, own in zip(values, weights, strict=True):
        # Drained so far, the level is (held - amount) / weight: is the next one above it?
        if held >= amount and (held - amount) * own >= value * weight:
            break
        held, weight, count = held + value, weight + own, count + 1
    pool = held - amount
    if pool <= 0:
        return values[:count]
    if weight == 0:
        return _give_back(values[:count], pool)
    taken = [max(values[i] - pool * weights[i] // weight, 0) for i in range(count)]
    return _give_back(taken, sum(taken) - amount)


def _give_back(taken: list[int], excess: int) -> list[int]:
    """Undo what was taken too much, from the last that can give."""
    for i in reversed(range(len(taken))):
        back = min(taken[i], excess)
        taken[i], excess = taken[i] - back, excess - back
    return taken
