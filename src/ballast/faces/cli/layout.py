"""What a layout is made of: facts and tables, with the words around them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing shown, as a fact or as a column.

    Attributes:
        words: what it is called.
        template: field names in braces with what stands around them; a path into nested objects
            is written with points. A field that is missing or null leaves the whole thing out.
            `{x:usd}` is dollars, `{x:amount}` whole tokens at a glance, `{x:exact}` all of them,
            `{x:time}` a time, `{x:yes}` a mark, `{x:listed}` a list of words.
        once: whether a cell stays empty whose words the answer's text has already.
    """

    words: str
    template: str
    right: bool = False
    once: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list in an answer as a table."""

    field: str
    columns: tuple[Shown, ...]
    heading: str = ""
    nothing: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """An answer: a headline, facts, tables, and a sentence below."""

    headline: str
    facts: tuple[Shown, ...] = ()
    listings: tuple[Listing, ...] = ()
    text: str = ""


def right(words: str, template: str) -> Shown:
    """A column of numbers."""
    return Shown(words, template, right=True)
