"""What 1Click's refusals mean: its words, matched anywhere and in any case, as codes of ours.

Source: the messages of the 1Click API reference and those seen live. The words themselves go into
`details.venue_message`, cleaned, and are never part of a sentence of ours.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from pydantic import ValidationError

from ballast.adapters.http import HttpAnswer
from ballast.adapters.near_intents.wire import ErrorAnswer
from ballast.app.ports import ListedAsset
from ballast.core.money import format_amount
from ballast.core.wording import grouped
from ballast.errors import BallastError, ErrorCode

# Sometimes sent with status 400 although it is the service's own trouble.
_TROUBLE: Final = "internal server error"

_BRIDGE_MINIMUM: Final = re.compile(r"too low for bridge(?:.*?at least ([0-9]{1,39})\b)?", re.ASCII)
_SWAP_MINIMUM: Final = re.compile(
    r"temporary swap limits(?:.*?minimum[^$]*\$([0-9]{1,3}(?:,?[0-9]{3})*(?:\.[0-9]+)?))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class _Meaning:
    code: ErrorCode
    sentence: str
    words: tuple[str, ...]


_MEANINGS: Final = (
    _Meaning(
        ErrorCode.ADDRESS_INVALID,
        "The venue does not take this address or memo.",
        ("recipient is not valid", "refundto is not valid", "refundto should not be empty",
         "recipient should not be empty", "incorrect depositmode"),
    ),
    _Meaning(
        ErrorCode.QUOTE_REFUSED,
        "Nobody offers this swap at the moment.",
        ("no liquidity", "failed to get quote", "no_quote", "quoting for this pair"),
    ),
    _Meaning(
        ErrorCode.VENUE_REFUSED,
        "The venue does not trade this asset.",
        ("tokenin is not valid", "tokenout is not valid", "is not supported as origin asset",
         "is not supported as destination asset"),
    ),
)  # fmt: skip


def refusal_text(answer: HttpAnswer) -> str:
    """What a 4xx says, cleaned; empty if it says nothing."""
    try:
        return ErrorAnswer.model_validate(answer.json).message
    except ValidationError:
        return ""


def is_trouble(answer: HttpAnswer) -> bool:
    """Whether a 4xx is no refusal but the service's own, passing trouble."""
    return _TROUBLE in refusal_text(answer).lower()


def refusal_of(answer: HttpAnswer) -> BallastError:
    """A 4xx as an error of ours.

    Returns:
        `amount_too_low` (details: `minimum_units` of what is sold, or `minimum_usd`, where the
        venue names it), `address_invalid`, `quote_refused` when nobody offers it now, and
        `venue_refused` for the rest; details: `venue_message`, `status`.
    """
    text = refusal_text(answer)
    facts = {"venue_message": text, "status": answer.status}
    if answer.status in (401, 403):
        sentence = "The venue refuses our partner key, or asks for one."
        return BallastError(ErrorCode.VENUE_REFUSED, sentence, **facts)
    words = text.lower()
    if (minimum := _minimum(words)) is not None:
        sentence = "The amount is below the smallest that the venue takes for this."
        return BallastError(ErrorCode.AMOUNT_TOO_LOW, sentence, **{**facts, **minimum})
    for meaning in _MEANINGS:
        if any(known in words for known in meaning.words):
            return BallastError(meaning.code, meaning.sentence, **facts)
    return BallastError(ErrorCode.VENUE_REFUSED, "The venue refused this.", **facts)


def is_wrong_deposit_mode(error: BallastError) -> bool:
    """Whether the venue wants a memo where we asked for none, or the other way round."""
    return "incorrect depositmode" in str(error.details.get("venue_message", "")).lower()


def plain_refusal(error: BallastError) -> BallastError:
    """The same error for a swap inside the venue, where no address and no minimum is the
    caller's to change: `venue_refused` instead of `amount_too_low` and `address_invalid`."""
    if error.code not in (ErrorCode.AMOUNT_TOO_LOW, ErrorCode.ADDRESS_INVALID):
        return error
    return BallastError(ErrorCode.VENUE_REFUSED, error.message, **error.details)


def with_minimum(error: BallastError, sold: ListedAsset) -> BallastError:
    """The same error; the least in whole units of what is sold, in its message too. One that the
    venue names in dollars is reckoned at the listed price."""
    if error.code is not ErrorCode.AMOUNT_TOO_LOW:
        return error
    units, usd = error.details.get("minimum_units"), error.details.get("minimum_usd")
    if units is None and usd is not None and sold.price.usd > 0:
        units = units_for_usd(Decimal(str(usd)), sold.price.usd, sold.asset.decimals)
    if units is None:
        return error
    least = format_amount(int(str(units)), sold.asset.decimals)
    details = {**error.details, "minimum_units": str(units), "minimum_amount": least}
    # The venue's words name it in base units, which nobody is to read as an amount.
    details.pop("venue_message", None)
    sentence = f"{error.message} It takes {grouped(least)} {sold.asset.symbol}."
    return BallastError(error.code, sentence, **details)


def units_for_usd(usd: Decimal, price_usd: Decimal, decimals: int) -> int:
    """Base units worth at least so many dollars, rounded up; the price is above 0."""
    return math.ceil(Fraction(usd) * Fraction(10) ** decimals / Fraction(price_usd))


def _minimum(words: str) -> dict[str, object] | None:
    """The minimum that a refusal names, empty if it names none; None if it is about another thing.

    The bridge's is in units of what is sold, for an exact input.
    """
    if found := _BRIDGE_MINIMUM.search(words):
        return {"minimum_units": found[1]} if found[1] else {}
    if found := _SWAP_MINIMUM.search(words):
        return {"minimum_usd": found[1].replace(",", "")} if found[1] else {}
    return None
