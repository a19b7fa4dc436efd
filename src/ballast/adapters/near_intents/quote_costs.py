"""What an offer costs, by its own figures, and whether that is bearable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import Any, Final

from ballast.adapters.near_intents.wire import OfferWire, QuoteRequest
from ballast.core.money import BPS

DEFAULT_MAX_FEE_BPS: Final = 150
DEFAULT_MAX_LOSS_BPS: Final = 300
DEFAULT_MAX_NETWORK_FEE_BPS: Final = 5000
DEFAULT_MAX_NETWORK_FEE_USD: Final = Decimal(50)

# The text for people may be rounded, but not by a power of ten.
_FORMAT_TOLERANCE: Final = Fraction(1, 10**6)


@dataclass(frozen=True, slots=True)
class CostRules:
    """The most that an offer may cost.

    Attributes:
        max_fee_bps: all platform and partner fees of the echo together.
        max_loss_bps: of the value in dollars, from what is paid to what comes out, the network
            fee of a delivery not counted; by the venue's own figures, where it gives them.
        max_network_fee_bps: a network fee (of a delivery, or of a refund on a chain) as a share of
            what it is taken from...
        max_network_fee_usd: ...and in dollars, where the venue gives dollars.
    """

    max_fee_bps: int = DEFAULT_MAX_FEE_BPS
    max_loss_bps: int = DEFAULT_MAX_LOSS_BPS
    max_network_fee_bps: int = DEFAULT_MAX_NETWORK_FEE_BPS
    max_network_fee_usd: Decimal = DEFAULT_MAX_NETWORK_FEE_USD


def echoed_fee_bps(echo: Mapping[str, Any]) -> int:
    """All fees of the echo together, rounded up to whole basis points, whoever gets them.

    Raises:
        ValueError: the fees cannot be read.
    """
    fees = echo.get("appFees") or []
    if not isinstance(fees, list):
        raise ValueError("appFees is no list")
    total = Decimal(0)
    for fee in fees:
        rate = fee.get("fee") if isinstance(fee, dict) else None
        if isinstance(rate, bool) or not isinstance(rate, int | Decimal) or not 0 <= rate <= BPS:
            raise ValueError("a fee is no number of basis points")
        total += rate
    return int(total.to_integral_value(ROUND_CEILING))


def cost_problems(
    request: QuoteRequest, offer: OfferWire, fee_bps: int, rules: CostRules
) -> Iterator[str]:
    """Everything that is too dear."""
    if fee_bps > rules.max_fee_bps:
        yield f"its fees make {fee_bps} bps, more than the {rules.max_fee_bps} bps allowed"
    yield from _loss_problems(offer, rules)
    inside = {request.deposit_type, request.refund_type, request.recipient_type} == {"INTENTS"}
    gross = offer.amount_out + (offer.withdraw_fee or 0)
    sides = (
        ("delivery", offer.withdraw_fee or 0, gross, offer.amount_out, offer.amount_out_usd),
        ("refund", offer.refund_fee or 0, offer.amount_in, offer.amount_in, offer.amount_in_usd),
    )
    for what, fee, whole, units, worth in sides:
        if fee and inside:
            yield f"it takes a network fee for a {what} though nothing leaves the venue"
        else:
            yield from _network_problems(what, fee, whole, _usd_of(fee, units, worth), rules)


def format_problems(offer: OfferWire, origin: int | None, destination: int | None) -> Iterator[str]:
    """The amounts written for people say the same as those in base units, at our decimals.

    Args:
        origin, destination: decimals of the two assets; None if they are not known.
    """
    sides = (
        ("input", offer.amount_in, offer.amount_in_formatted, origin),
        ("output", offer.amount_out, offer.amount_out_formatted, destination),
    )
    for side, units, written, decimals in sides:
        if written is None or decimals is None or units == 0:
            continue
        gap = abs(Fraction(written) * 10**decimals - units)
        if gap > max(1, units * _FORMAT_TOLERANCE):
            yield f"its {side} of {units} units is not the {written} it writes"


def _loss_problems(offer: OfferWire, rules: CostRules) -> Iterator[str]:
    """Too little value comes out. A venue that does not say dollars, or says 0, is not judged."""
    paid, got = offer.amount_in_usd, offer.amount_out_usd
    if not paid or got is None or not offer.amount_out:
        return
    fee = _usd_of(offer.withdraw_fee or 0, offer.amount_out, got) or 0
    loss = 1 - (Fraction(got) + fee) / Fraction(paid)
    if loss * BPS > rules.max_loss_bps:
        lost = int(loss * BPS)
        yield f"it loses {lost} bps of the value, more than the {rules.max_loss_bps} bps allowed"


def _network_problems(
    what: str, fee: int, whole: int, usd: Fraction | None, rules: CostRules
) -> Iterator[str]:
    if fee * BPS > whole * rules.max_network_fee_bps:
        yield f"its network fee for a {what} is {fee} units of {whole}"
    elif usd is not None and usd > Fraction(rules.max_network_fee_usd):
        yield f"its network fee for a {what} is above {rules.max_network_fee_usd} dollars"


def _usd_of(fee: int, units: int, worth: Decimal | None) -> Fraction | None:
    """Dollars of a fee, at the rate at which the venue values the amount beside it."""
    return Fraction(worth) * fee / units if worth is not None and units else None
