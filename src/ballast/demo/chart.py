"""A chart of drift against the band, in characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from rich.console import Console
from rich.text import Text

_EIGHTHS: Final = 8
# Each row of the chart stands for this much drift, in percent of the band.
_ROW: Final = 25
_ROWS_BELOW: Final = 4
_ROWS_ABOVE: Final = 1
_MARGIN: Final = "       "
_WIDEST: Final = 84
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Strokes:
    """The characters a chart is drawn with; `blocks` from empty to full in eighths."""

    blocks: str
    side: str
    corner: str
    line: str
    mark: str


UNICODE: Final = Strokes(" ▁▂▃▄▅▆▇█", "┤", "┼", "╌", "▲")
ASCII: Final = Strokes(" ..::##@@", "|", "+", "-", "^")


def strokes_of(console: Console) -> Strokes:
    """The characters that a console can show."""
    return ASCII if console.options.ascii_only else UNICODE


@dataclass(frozen=True, slots=True)
class Sample:
    """The asset furthest from its target at one moment.

    Attributes:
        of_band: its drift in percent of its band, whole percent; above 100 it is outside.
        rebalanced: a rebalance was run right after.
    """

    at: datetime
    of_band: int
    breached: bool
    rebalanced: bool = False


def sample_of(drift: dict[str, Any], at: datetime) -> Sample:
    """The sample in an answer of get_drift."""
    shares = [_share(one) for one in drift["assets"]]
    return Sample(at=at, of_band=max(shares, default=0), breached=bool(drift["breached"]))


def _share(asset: dict[str, Any]) -> int:
    band = Decimal(asset["band_percent"])
    if band == _ZERO:
        return 0
    share = abs(Decimal(asset["drift_percent"])) * 100 / band
    return int(share.quantize(Decimal(1), ROUND_HALF_UP))


def drift_chart(samples: Sequence[Sample], width: int, strokes: Strokes = UNICODE) -> Text:
    """Draw samples from left to right, in at most `width` columns of characters.

    A column that holds several samples shows the highest, so that no breach is lost.
    """
    columns = _columns(samples, max(10, min(width, _WIDEST) - len(_MARGIN) - 2))
    chart = Text(no_wrap=True, overflow="crop")
    for row in reversed(range(_ROWS_BELOW, _ROWS_BELOW + _ROWS_ABOVE)):
        _add_row(chart, "", row, columns, strokes)
    _add_band(chart, columns, strokes)
    for row in reversed(range(_ROWS_BELOW)):
        _add_row(chart, "0 %" if row == 0 else "", row, columns, strokes)
    _add_axis(chart, samples, columns, strokes)
    return chart


def _columns(samples: Sequence[Sample], width: int) -> list[Sample]:
    """At most `width` samples: the highest of each bucket; few ones are drawn wider."""
    count = len(samples)
    if count <= width:
        wide = max(1, min(3, width // max(count, 1)))
        return [_copy(sample, at == wide // 2) for sample in samples for at in range(wide)]
    buckets = [samples[at * count // width : (at + 1) * count // width] for at in range(width)]
    return [_highest(bucket) for bucket in buckets]


def _copy(sample: Sample, is_middle: bool) -> Sample:
    """One column of a sample that is drawn several wide; the mark stands under the middle."""
    return replace(sample, rebalanced=sample.rebalanced and is_middle)


def _highest(bucket: Sequence[Sample]) -> Sample:
    top = max(bucket, key=lambda sample: sample.of_band)
    rebalanced = any(sample.rebalanced for sample in bucket)
    breached = any(sample.breached for sample in bucket)
    return Sample(top.at, top.of_band, breached, rebalanced)


def _add_row(
    chart: Text, label: str, row: int, columns: Sequence[Sample], strokes: Strokes
) -> None:
    chart.append(f"{label:>6} {strokes.side}", style="dim")
    for sample in columns:
        filled = (sample.of_band - row * _ROW) * _EIGHTHS // _ROW
        chart.append(strokes.blocks[min(max(filled, 0), _EIGHTHS)], style=_style(sample))
    chart.append("\n")


def _add_band(chart: Text, columns: Sequence[Sample], strokes: Strokes) -> None:
    chart.append(f"  band {strokes.corner}", style="dim")
    for sample in columns:
        if sample.of_band > 100:
            chart.append(strokes.blocks[-1], style=_style(sample))
        else:
            chart.append(strokes.line, style="dim")
    chart.append("\n")


def _add_axis(
    chart: Text, samples: Sequence[Sample], columns: Sequence[Sample], strokes: Strokes
) -> None:
    marks = "".join(strokes.mark if sample.rebalanced else " " for sample in columns).rstrip()
    if marks:
        chart.append(f"{_MARGIN} {marks} rebalanced\n", style="green")
    first, last = date_words(samples[0].at), date_words(samples[-1].at)
    gap = max(2, len(columns) - len(first) - len(last))
    chart.append(f"{_MARGIN} {first}{' ' * gap}{last}", style="dim")


def _style(sample: Sample) -> str:
    return "red" if sample.breached else "cyan"


def date_words(at: datetime) -> str:
    """A date as people write it, such as 21 Jan 2023."""
    return f"{at.day} {at:%b %Y}"
