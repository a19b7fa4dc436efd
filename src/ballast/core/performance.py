"""Figures of how an index has done, from its unit values.

Floating point: these are reports, nothing is traded on them. A year has 365 days, or 8,766 hours:
these markets never close, and the 252 days of the common libraries would overstate a year's growth.
No risk-free rate is taken off.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

from ballast.core.ledger import EPOCH
from ballast.core.unit_value import UnitValue

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
BARS_PER_YEAR: Final = {DAY: 365, HOUR: 8_766}
# With a shorter past, days are too few to say anything.
DAYS_FROM: Final = timedelta(days=14)
# Fewer returns than this have no spread worth telling.
LEAST_RETURNS: Final = 3
# How far before a window's start its first value may lie, as a share of the window.
OLDEST: Final = 0.25


@dataclass(frozen=True, slots=True)
class Figures:
    """How unit values moved, bar by bar. A figure is None where there is nothing to divide by.

    Attributes:
        bar: a day, or an hour while the past is short.
        returns: how many bars there are to compare.
        volatility: standard deviation of the bars' returns (n - 1), times the root of the bars in a
            year.
        sharpe: mean return over standard deviation, times the root of the bars in a year (Sharpe
            1994, with a risk-free rate of 0).
        sortino: mean return over downside deviation, the root of the mean of squared losses over
            all bars, times the root of the bars in a year (Sortino and Price 1994, target 0).
        max_drawdown: the deepest fall below the highest worth so far, which the start is one of;
            0 or below.
        calmar: growth a year over the size of that fall (Young 1991, over the whole past).
    """

    bar: timedelta
    returns: int
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    max_drawdown: float
    calmar: float | None


def return_since(points: Sequence[UnitValue], window: timedelta | None) -> float | None:
    """Return over a window that ends with the last point: last over last at or before its start,
    minus 1. What was worth something long before the start says nothing about it: the point may be
    older by `OLDEST` of the window at most.

    Args:
        points: oldest first.
        window: None for the whole past.

    Returns:
        None when the past does not reach back so far, or nobody looked around the start.
    """
    if len(points) < 2:
        return None
    first = 0
    if window is not None:
        start = points[-1].at - window
        first = bisect_right(points, start, key=lambda point: point.at) - 1
    if first < 0 or (window is not None and start - points[first].at > window * OLDEST):
        return None
    return points[-1].unit_pico / points[first].unit_pico - 1


def figures(points: Sequence[UnitValue]) -> Figures:
    """The figures of a past.

    Args:
        points: oldest first, at least one.
    """
    bar = DAY if points[-1].at - points[0].at >= DAYS_FROM else HOUR
    worths = closes(points, bar)
    changes = [later / earlier - 1 for earlier, later in pairwise(worths)]
    fall = max_drawdown(worths)
    if len(changes) < LEAST_RETURNS:
        return Figures(bar, len(changes), None, None, None, fall, None)
    year = BARS_PER_YEAR[bar]
    mean = math.fsum(changes) / len(changes)
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in changes) / (len(changes) - 1))
    losses = math.sqrt(math.fsum(min(one, 0.0) ** 2 for one in changes) / len(changes))
    growth = (worths[-1] / worths[0]) ** (year / len(changes)) - 1
    return Figures(
        bar=bar,
        returns=len(changes),
        volatility=spread * math.sqrt(year),
        sharpe=mean / spread * math.sqrt(year) if spread else None,
        sortino=mean / losses * math.sqrt(year) if losses else None,
        max_drawdown=fall,
        calmar=growth / -fall if fall else None,
    )


def closes(points: Sequence[UnitValue], bar: timedelta) -> list[float]:
    """A unit's worth at the first point, at the end of each bar (UTC), and at the last point. What
    was not looked at within a bar is what it was before."""
    worths = [points[0].unit_pico / 1e12]
    end = EPOCH + ((points[0].at - EPOCH) // bar + 1) * bar
    place = 0
    while end < points[-1].at:
        place = bisect_right(points, end, lo=place, key=lambda point: point.at) - 1
        worths.append(points[place].unit_pico / 1e12)
        end += bar
    if len(points) > 1:
        worths.append(points[-1].unit_pico / 1e12)
    return worths


def max_drawdown(worths: Sequence[float]) -> float:
    """The deepest fall below the highest worth so far, as a share of it; 0 when it never fell."""
    highest, deepest = worths[0], 0.0
    for worth in worths:
        highest = max(highest, worth)
        deepest = min(deepest, worth / highest - 1)
    return deepest
