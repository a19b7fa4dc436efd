"""Which prices may be traded on: the gates that an observation passes, or the reason it is frozen.

Every comparison is exact: prices are compared as fractions of integers, so that no decimal context
rounds a price onto the right side of a limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ballast.core.money import BPS
from ballast.core.trading import Price

# Beyond these a price is a mistake, and exact arithmetic on it could take for ever: the fraction
# of 1E+999999999 has a billion digits. The cheapest coins trade near 10^-10 USD.
_HIGHEST: Final = 12
_LOWEST: Final = -18
_MOST_DIGITS: Final = 60


class PriceFault(StrEnum):
    """Why a price is frozen. Where several apply, the first one in this order."""

    MISSING = "missing"
    NOT_FINITE = "not_finite"
    NOT_POSITIVE = "not_positive"
    IMPLAUSIBLE = "implausible"
    FROM_THE_FUTURE = "from_the_future"
    STALE = "stale"
    DISAGREES = "disagrees"
    JUMPED = "jumped"


@dataclass(frozen=True, slots=True)
class PriceGates:
    """The limits. Exactly at a limit a price still passes.

    Attributes:
        max_age: how old an observation may be when it is asked for.
        future_tolerance: how far in the future it may seem to be: its clock and ours are two.
        agreement_bps: how far two sources may be apart, of the lower price.
        jump_bps: how far a price may move within `jump_window` unconfirmed, of the earlier price.
    """

    max_age: timedelta = timedelta(seconds=120)
    future_tolerance: timedelta = timedelta(seconds=5)
    agreement_bps: int = 500
    jump_bps: int = 2_000
    jump_window: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Reading:
    """When prices were read, by the domain clock.

    Age counts up to `asked_at` and the future begins after `read_at`: a fast domain clock runs on
    for minutes during a slow answer, and that makes no price old or early.
    """

    asked_at: datetime
    read_at: datetime


def price_fault(
    first: Price | None,
    second: Price | None,
    recent: Iterable[Price],
    reading: Reading,
    gates: PriceGates,
) -> PriceFault | None:
    """Why an asset is frozen, or None when its first price may be traded on.

    Args:
        first: the observation of the source that is traded at; None when it has none.
        second: that of a second source. One that is itself missing, senseless, stale or early
            says nothing: it neither confirms nor freezes. It never replaces the first.
        recent: earlier observations of the first source that were usable.

    Returns:
        `disagrees` when a sound second price is further away than `agreement_bps`; `jumped` when
        the price moved more than `jump_bps` from a recent one and there is no sound second price
        (one that is there has agreed by then); before these, what is wrong with `first` itself.
    """
    if first is None:
        return PriceFault.MISSING
    own = own_fault(first, reading, gates)
    if own is not None:
        return own
    if second is not None and own_fault(second, reading, gates) is None:
        return None if agree(first, second, gates) else PriceFault.DISAGREES
    return PriceFault.JUMPED if jumped_from(first, recent, gates) else None


def own_fault(price: Price, reading: Reading, gates: PriceGates) -> PriceFault | None:
    """What is wrong with an observation by itself, or None."""
    value = value_fault(price.usd)
    if value is not None:
        return value
    if price.observed_at - reading.read_at > gates.future_tolerance:
        return PriceFault.FROM_THE_FUTURE
    if reading.asked_at - price.observed_at > gates.max_age:
        return PriceFault.STALE
    return None


def value_fault(usd: Decimal) -> PriceFault | None:
    """What is wrong with a number of USD as the price of anything, at any time, or None."""
    if not usd.is_finite():
        return PriceFault.NOT_FINITE
    if usd <= 0:
        return PriceFault.NOT_POSITIVE
    digits = len(usd.as_tuple().digits)
    if digits > _MOST_DIGITS or not _LOWEST <= usd.adjusted() <= _HIGHEST:
        return PriceFault.IMPLAUSIBLE
    return None


def agree(one: Price, other: Price, gates: PriceGates) -> bool:
    """Whether two positive prices are at most `agreement_bps` of the lower one apart."""
    left, right = _over_one_denominator(one.usd, other.usd)
    return abs(left - right) * BPS <= gates.agreement_bps * min(left, right)


def jumped_from(price: Price, recent: Iterable[Price], gates: PriceGates) -> Price | None:
    """The first recent observation that this positive price is too far from, or None.

    Compared are those observed at most `jump_window` apart from it, in either direction: an answer
    may be older than the one before it.
    """
    for earlier in recent:
        if abs(price.observed_at - earlier.observed_at) > gates.jump_window:
            continue
        now, then = _over_one_denominator(price.usd, earlier.usd)
        if abs(now - then) * BPS > gates.jump_bps * then:
            return earlier
    return None


def _over_one_denominator(one: Decimal, other: Decimal) -> tuple[int, int]:
    """Two prices as integers of the same unit."""
    numerator, denominator = one.as_integer_ratio()
    other_numerator, other_denominator = other.as_integer_ratio()
    return numerator * other_denominator, other_numerator * denominator
