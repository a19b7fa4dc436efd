"""Answers as text for people. Numbers are shown from their text; nothing is computed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ballast.core.wording import grouped, shortened, with_dollar_sign
from ballast.faces.answers import Answer
from ballast.faces.cli.layout import Layout, Listing, Shown

PLAIN_WIDTH: Final = 100
_FIELD: Final = re.compile(r"\{(?P<path>[a-z_.]+)(?::(?P<form>[a-z]+))?\}")


def make_console(*, errors: bool = False) -> Console:
    """A console as wide as the terminal; without one, 100 columns and no colours."""
    console = Console(stderr=errors, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(
            stderr=errors, highlight=False, markup=False, emoji=False, width=PLAIN_WIDTH
        )
    return console


def rendered(answer: Answer, layout: Layout | None) -> RenderableType:
    """An answer by its layout; without one, its fields as they are."""
    if layout is None:
        return _as_it_is(answer)
    return Group(*_parts(answer, layout))


def filled(template: str, answer: Mapping[str, Any]) -> str | None:
    """A template with its fields put in; None when one of them is missing, null or empty."""
    values = {match[0]: _field(answer, match) for match in _FIELD.finditer(template)}
    if any(value is None for value in values.values()):
        return None
    return _FIELD.sub(lambda match: values[match[0]] or "", template)


def _parts(answer: Answer, layout: Layout) -> Iterator[RenderableType]:
    headline = filled(layout.headline, answer) or filled(_first_part(layout.headline), answer)
    yield Text(f"{headline or ''}  ({answer['mode']})", style="bold")
    text = filled(layout.text, answer)
    if text:
        yield Text(text)
    if layout.facts:
        yield _facts(answer, layout.facts)
    for listing in layout.listings:
        yield from _listing(answer.get(listing.field) or [], listing, told=text or "")
    for name in ("next_cursor", "cut"):
        if answer.get(name):
            words = "More with --cursor" if name == "next_cursor" else "Cut:"
            yield Text(f"{words} {answer[name]}")


def _first_part(headline: str) -> str:
    """The headline without what may not be known yet."""
    return headline.partition(",")[0]


def _facts(answer: Answer, facts: tuple[Shown, ...]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for fact in facts:
        value = filled(fact.template, answer)
        if value:
            table.add_row(fact.words, Text(value))
    return table


def _listing(rows: list[Answer], listing: Listing, *, told: str) -> Iterator[RenderableType]:
    if not rows:
        if listing.nothing:
            yield Text(listing.nothing)
        return
    cells = [[_cell(one, row, told) for one in listing.columns] for row in rows]
    # A column that says nothing in any row is left out.
    used = [n for n in range(len(listing.columns)) if any(row[n] for row in cells)]
    table = Table(title=listing.heading or None, title_justify="left", box=SIMPLE_HEAD)
    for column in (listing.columns[number] for number in used):
        justify = "right" if column.right else "left"
        # An id is copied: it is never broken over lines.
        whole = column.template.endswith("_id}")
        table.add_column(column.words, justify=justify, overflow="fold", no_wrap=whole)  # type: ignore[arg-type]
    for row in cells:
        table.add_row(*(Text(row[number]) for number in used))
    yield table


def _cell(column: Shown, row: Answer, told: str) -> str:
    words = filled(column.template, row) or ""
    return "" if column.once and words in told else words


def _as_it_is(answer: Answer) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in answer.items():
        table.add_row(name, Text(str(value)))
    return table


def _field(answer: Mapping[str, Any], match: re.Match[str]) -> str | None:
    value: Any = answer
    for step in match["path"].split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if value is None or value == "":
        return None
    return _FORMS[match["form"] or "text"](value)


def _time(value: str) -> str:
    """`2026-11-21T03:13:03.576519Z` as `2026-11-21 03:13:03 UTC`."""
    return f"{value[:10]} {value[11:19]} UTC"


_FORMS: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "text": str,
        "usd": with_dollar_sign,
        "amount": shortened,
        "exact": grouped,
        "time": _time,
        "words": lambda value: str(value).replace("_", " "),
        "lines": "\n".join,
        "listed": lambda value: ", ".join(value) or "everything",
        "yes": lambda value: "yes" if value else "no",
    }
)
