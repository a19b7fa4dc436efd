"""What a benchmark found: a number of ours beside its base line, and what it is to reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the summary.

    Attributes:
        base, ours: both with their unit, as text; an empty base is a number that stands alone.
        ratio: ours by the base line, as its bench takes it (a median of pairs is not the ratio of
            the medians); None for a number that stands alone.
        target: what the ratio is to reach; None for a figure that informs only.
        limit: whether the target is the most or the least it may be.
    """

    name: str
    base: str
    ours: str
    ratio: float | None = None
    target: float | None = None
    limit: Literal["most", "least"] = "most"

    @property
    def missed(self) -> bool:
        """Whether there is a target, and the ratio is on the wrong side of it."""
        if self.target is None or self.ratio is None:
            return False
        return self.ratio > self.target if self.limit == "most" else self.ratio < self.target


Bench = Callable[[Console], list[Figure]]
"""Measures, prints its details, and gives back the lines of the summary."""


def summary(figures: Iterable[Figure]) -> Table:
    """The closing table: figure, base line, ballast, ratio, target."""
    table = Table(title="Summary", title_justify="left")
    table.add_column("figure", overflow="fold")
    for column in ("base line", "ballast", "ratio", "target"):
        table.add_column(column, justify="right")
    for figure in figures:
        table.add_row(figure.name, figure.base, figure.ours, _ratio(figure), _target(figure))
    return table


def _ratio(figure: Figure) -> str:
    return "" if figure.ratio is None else f"{figure.ratio:.3g}"


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    bound = "<=" if figure.limit == "most" else ">="
    verdict = "MISSED" if figure.missed else "reached"
    return f"{bound} {figure.target:g} {verdict}"
