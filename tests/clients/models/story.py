"""What a model does with the wish of the examples in docs/clients.md: one call after the other.

Each library's scripted model asks here what to do next, and brings what its tools have answered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

TARGETS = [{"asset": "BTC", "percent": 60}, {"asset": "ETH", "percent": 40}]


def next_call(answers: Sequence[object]) -> tuple[str, dict[str, Any]] | None:
    """The tool to call and its arguments, by the answers so far; None when all is done."""
    if not answers:
        return "create_index", {"name": "Majors", "targets": TARGETS}
    if len(answers) == 1:
        return "deposit_address", {"index_id": found("idx", answers), "amount": "1000"}
    return None


def last_word(answers: Sequence[object]) -> str:
    """What the model says at the end."""
    return f"Send it by deposit {found('dep', answers)}."


def found(prefix: str, answers: Sequence[object]) -> str:
    """The first id of a kind that the tools have answered, in whatever form a library gives it."""
    known = re.search(rf"{prefix}_[0-9A-Z]{{26}}", str(answers))
    assert known, f"no {prefix}_ in {answers}"
    return known[0]
