"""Amounts: integers in base units, their decimal text, and their value in dollars.

A base unit is the smallest piece of an asset (1 wei, 1 satoshi). A value is an integer in
pico-dollars (10^-12 USD), so that sums and comparisons are exact.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from ballast.errors import BallastError, ErrorCode

BPS: Final = 10_000
PPM: Final = 1_000_000
PICO_DECIMALS: Final = 12
PICO: Final = 10**PICO_DECIMALS

# ASCII only and the whole string: Decimal() alone would take "1_000", full-width digits and "NaN".
_UNITS = re.compile(r"(0|[1-9][0-9]{0,38})", re.ASCII)
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,29})(\.[0-9]{1,24})?", re.ASCII)
_PERCENT = re.compile(r"(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?", re.ASCII)

DECIMAL_PATTERN: Final = r"^(0|[1-9][0-9]{0,29})(\.[0-9]{1,24})?$"
PERCENT_PATTERN: Final = r"^(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?$"


def scale(decimals: int) -> int:
    """Base units in one whole unit: 10 to the number of decimals."""
    return int(10**decimals)


def parse_units(text: str) -> int:
    """Read base units from canonical text: ASCII digits, no sign, no leading zero, at most 39.

    Raises:
        BallastError: `invalid_amount` for anything else.
    """
    if not _UNITS.fullmatch(text):
        raise BallastError(
            ErrorCode.INVALID_AMOUNT, "That is not a whole number of base units.", given=text[:60]
        )
    return int(text)


def parse_amount(text: str, decimals: int) -> int:
    """Read whole units ("0.05") into base units, exactly.

    Args:
        text: ASCII digits with at most one point; no sign, exponent, space or separator.
        decimals: how many decimals the asset has.

    Raises:
        BallastError: `invalid_amount` when the grammar is broken or there are more significant
            decimals than the asset has (an amount is never rounded).
    """
    if not _DECIMAL.fullmatch(text):
        raise BallastError(
            ErrorCode.INVALID_AMOUNT,
            "The amount must be a plain positive decimal number written with the digits 0 to 9: at "
            "most 30 of them before the point and 24 after it.",
            given=text[:60],
        )
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > decimals:
        raise BallastError(
            ErrorCode.INVALID_AMOUNT,
            f"The amount has {len(fraction)} decimals; this asset has {decimals}.",
            given=text[:60],
            decimals=decimals,
        )
    return int(whole) * scale(decimals) + int(fraction.ljust(decimals, "0") or "0")


def format_amount(units: int, decimals: int) -> str:
    """Write base units as whole units, exactly and without trailing zeros: 1500, 3 -> "1.5"."""
    sign = "-" if units < 0 else ""
    whole, rest = divmod(abs(units), scale(decimals))
    fraction = str(rest).rjust(decimals, "0").rstrip("0") if rest else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def value_pico(units: int, decimals: int, price: Decimal) -> int:
    """Value of an amount in pico-dollars, rounded down.

    Args:
        units: base units, zero or more.
        decimals: decimals of the asset.
        price: USD per whole unit, finite and positive.
    """
    numerator, denominator = price.as_integer_ratio()
    return units * numerator * PICO // (denominator * scale(decimals))


def units_for_value(value: int, decimals: int, price: Decimal) -> int:
    """Base units that a value in pico-dollars buys at a price, rounded down."""
    numerator, denominator = price.as_integer_ratio()
    return value * denominator * scale(decimals) // (numerator * PICO)


def dollars(value: int) -> str:
    """A value in pico-dollars as dollars and cents, rounded half away from zero: "1234.56"."""
    cents = (2 * abs(value) + PICO // 100) // (2 * PICO // 100)
    sign = "-" if value < 0 and cents else ""
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def parse_percent_bps(text: str) -> int:
    """Read a percentage with at most two decimals into basis points: "33.33" -> 3333.

    Raises:
        BallastError: `weights_invalid` for anything else.
    """
    if not _PERCENT.fullmatch(text):
        raise BallastError(
            ErrorCode.WEIGHTS_INVALID,
            "A weight is a percentage from 0.01 to 100 with at most two decimals.",
            given=text[:60],
        )
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))


def format_percent_bps(bps: int) -> str:
    """Basis points as percent without trailing zeros: 3333 -> "33.33", 4000 -> "40"."""
    return format_amount(bps, 2)


def format_percent_ppm(ppm: int) -> str:
    """Parts per million as percent with two decimals, rounded half away from zero: "-1.25"."""
    hundredths = (abs(ppm) + 50) // 100
    sign = "-" if ppm < 0 and hundredths else ""
    return f"{sign}{hundredths // 100}.{hundredths % 100:02d}"


def split_by_weight(total_units: int, weights: dict[str, int]) -> dict[str, int]:
    """Share out a total by weight without losing a base unit.

    Args:
        total_units: base units to share out, zero or more.
        weights: integer weight per key on any common scale; their sum is positive.

    Returns:
        Base units per key, adding up to `total_units`. What rounding down leaves over goes to
        the largest remainders; equal ones in the order given.
    """
    scale = sum(weights.values())
    shares = {key: total_units * weight // scale for key, weight in weights.items()}
    left = total_units - sum(shares.values())
    by_remainder = sorted(weights, key=lambda key: -(total_units * weights[key] % scale))
    for key in by_remainder[:left]:
        shares[key] += 1
    return shares
