"""Numbers as people read them, and words that depend on a number. Machines are told the same
numbers without separators, as `core/money.py` writes them."""

from __future__ import annotations

import re
from typing import Final

from ballast.core.money import dollars, format_amount

# Of an amount that people read.
SHOWN_DECIMALS: Final = 8
_NUMBER: Final = re.compile(r"(-?)([0-9]+)(\.[0-9]+)?", re.ASCII)


def how_to_install(extra: str) -> str:
    """The command that adds an extra to where Ballast is installed: `make` puts it into a clone's
    own environment, of which no other Python knows."""
    return (
        f".venv/bin/python -m pip install '.[{extra}]' in your clone; in an environment of your "
        f"own, its python -m pip install '.[{extra}]'"
    )


def grouped(number: str) -> str:
    """A decimal number with its thousands set apart: 1234567.89 -> "1,234,567.89". Any other text
    is given back as it is."""
    found = _NUMBER.fullmatch(number)
    return f"{found[1]}{int(found[2]):,}{found[3] or ''}" if found else number


def usd_shown(value_pico: int) -> str:
    """A value as dollars and cents: "$1,234.56", "-$0.50"."""
    return with_dollar_sign(dollars(value_pico))


def with_dollar_sign(usd: str) -> str:
    """Dollars as machines are told them, for people: -1234.5 -> "-$1,234.5"."""
    sign, digits = ("-", usd[1:]) if usd.startswith("-") else ("", usd)
    return f"{sign}${grouped(digits)}"


def amount_shown(units: int, decimals: int) -> str:
    """Base units as whole units, exactly: "1,234.000001"."""
    return grouped(format_amount(units, decimals))


def shortened(amount: str) -> str:
    """Whole units at a glance: a long fraction is cut, and shows that it is."""
    whole, _, fraction = grouped(amount).partition(".")
    if len(fraction) > SHOWN_DECIMALS:
        return f"{whole}.{fraction[:SHOWN_DECIMALS]}…"
    return grouped(amount)


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 swap", "3 swaps", "2 indexes".

    Args:
        many: where it is not `one` with an s.
    """
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def being_sold(count: int) -> str:
    """How many indexes are sold into their base asset just now, with its verb."""
    return f"{counted(count, 'index', 'indexes')} {'is' if count == 1 else 'are'} being sold"
