"""What every face sends back: the answer or the error object, as plain JSON values."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic_core import to_jsonable_python

from ballast.app.operation import Output
from ballast.errors import BallastError

Answer = dict[str, Any]

STRUCTURED_BYTES: Final = 56_000
"""How large the structured part of an answer may be, in bytes of JSON."""
RESOURCE_BYTES: Final = 78_000
"""How large a resource may be, which is sent once."""
TEXT_BYTES: Final = 78_000
"""How large the structured part and its text copy may be together."""


def answer_of(output: Output) -> Answer:
    """An answer as JSON values."""
    return output.model_dump(mode="json")


def refusal_of(error: BallastError) -> Answer:
    """The error object as JSON values: code, message, next_step, retryable, details."""
    plain: Answer = to_jsonable_python(error.as_dict(), fallback=str)
    return plain


def json_text(answer: Answer) -> str:
    """One line of JSON without spaces."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def fitted(answer: Answer, limit: int) -> Answer:
    """An answer of at most `limit` bytes of JSON: its longest lists are cut from the end, and
    `cut` says so. An answer that fits is given back as it is."""
    small, dropped = answer, dict[str, int]()
    while _size(small) > limit and (name := _longest_list(small)) is not None:
        kept = len(small[name]) // 2
        dropped[name] = dropped.get(name, 0) + len(small[name]) - kept
        shown = ", ".join(f"{count} more {key}" for key, count in dropped.items())
        small = small | {name: small[name][:kept], "cut": f"Too long for one answer: {shown}."}
    return small


def in_both_forms(answer: Answer) -> tuple[Answer, str]:
    """The structured part of a result and its text copy, both cut where they are too long."""
    full = json_text(answer)
    # Inside the message the text is JSON in JSON: at most twice as long, as every quote is escaped.
    if 3 * len(full.encode()) < TEXT_BYTES:
        return answer, full
    structured = fitted(answer, STRUCTURED_BYTES)
    return structured, text_copy(structured)


def text_copy(answer: Answer) -> str:
    """The answer as text for clients that read no structured content; cut where both together
    would be too long."""
    full = json_text(answer)
    left = TEXT_BYTES - len(full.encode())
    # Inside the message the text is JSON in JSON, with every quote escaped.
    if _size(full) <= left:
        return full
    return json_text(fitted(answer, left * 4 // 5))


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _longest_list(answer: Answer) -> str | None:
    lists = {name: _size(value) for name, value in answer.items() if isinstance(value, list)}
    longest = max(lists, key=lambda name: lists[name], default=None)
    return longest if longest is not None and answer[longest] else None
