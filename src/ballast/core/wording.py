"""Words that depend on a number."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 swap", "3 swaps", "2 indexes".

    Args:
        many: where it is not `one` with an s.
    """
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def being_sold(count: int) -> str:
    """How many indexes are sold into their base asset just now, with its verb."""
    return f"{counted(count, 'index', 'indexes')} {'is' if count == 1 else 'are'} being sold"
