"""A picture of a day: a price, and what each index did, an hour a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from rich.text import Text

from ballast.demo.chart import UNICODE, Strokes
from ballast.demo.day_script import HOURS, NOTHING, TOLD, TRADED, WHAT_IT_DID

_NAME: Final = 11
_EVERY: Final = 3
_A_LINE: Final = 4
_STYLES: Final[Mapping[str, str]] = {TRADED: "bold green", TOLD: "bold yellow", NOTHING: "dim"}


def day_chart(
    symbol: str,
    prices: Sequence[Decimal],
    rows: Sequence[tuple[str, str]],
    strokes: Strokes = UNICODE,
) -> Text:
    """Draw a day.

    Args:
        prices: of `symbol`, one for each hour.
        rows: name of an index, and what it did at each hour so far.
    """
    chart = Text(no_wrap=True, overflow="crop")
    chart.append(f"{symbol:{_NAME}}", style="dim")
    chart.append(_price_line(prices, strokes), style="cyan")
    chart.append(f"  ${max(prices):,.0f} to ${min(prices):,.0f}\n", style="dim")
    for name, did in rows:
        chart.append(f"{name:{_NAME}}")
        for character in did:
            shown = strokes.mark if character == TRADED else character
            chart.append(f"{shown} ", style=_STYLES.get(character, "red"))
        chart.append("\n")
    hours = "".join(f"{hour:02d}:00".ljust(2 * _EVERY) for hour in range(0, HOURS, _EVERY))
    chart.append(f"{'':{_NAME}}{hours}\n", style="dim")
    chart.append(_legend(rows, strokes), style="dim")
    return chart


def _price_line(prices: Sequence[Decimal], strokes: Strokes) -> str:
    """Two columns an hour, from an eighth at the lowest price to full at the highest."""
    lowest, highest = min(prices), max(prices)
    top = len(strokes.blocks) - 1
    heights = [
        1 + int((top - 1) * (price - lowest) / (highest - lowest)) if highest > lowest else top
        for price in prices
    ]
    return "".join(strokes.blocks[height] * 2 for height in heights)


def _legend(rows: Sequence[tuple[str, str]], strokes: Strokes) -> str:
    """What the characters mean that are there, some a line."""
    there = {character for _, did in rows for character in did}
    words = [
        f"{strokes.mark if character == TRADED else character} {meaning}"
        for character, meaning in WHAT_IT_DID.items()
        if character in there
    ]
    lines = [words[first : first + _A_LINE] for first in range(0, len(words), _A_LINE)]
    return "\n".join(f"{'':{_NAME}}{'   '.join(line)}" for line in lines)
