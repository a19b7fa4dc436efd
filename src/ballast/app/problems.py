"""Validation problems in our own words: which field, what is wrong, what would be right."""

from __future__ import annotations

from typing import Any, Final, TypedDict

from pydantic import ValidationError


class Problem(TypedDict):
    """One thing wrong with an input."""

    field: str
    problem: str


# Stands where a field would, for what is wrong with the fields together.
WHOLE_INPUT: Final = "input"

# What a cursor looks like is nobody's business but ours: it is given back as it came.
NO_CURSOR: Final = "is not a cursor of this list; leave it out to begin at the start"


def problems_of(error: ValidationError) -> list[Problem]:
    """Every problem of a failed validation; values from outside are never repeated in full."""
    return [
        Problem(
            field=_path(item["loc"]),
            problem=NO_CURSOR
            if item["loc"] == ("cursor",)
            else _sentence(item["type"], item.get("ctx") or {}),
        )
        for item in error.errors(include_url=False, include_input=False)
    ]


def _path(location: tuple[int | str, ...]) -> str:
    """`("targets", 0, "weight")` as `targets[0].weight`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text[:120] or WHOLE_INPUT


def _sentence(kind: str, context: dict[str, Any]) -> str:
    match kind:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a field of this operation"
        case "string_too_short" | "too_short":
            return f"needs at least {context.get('min_length')}"
        case "string_too_long" | "too_long":
            return f"may have at most {context.get('max_length')}"
        case "string_pattern_mismatch":
            return f"must look like {context.get('pattern')}"
        case "greater_than_equal":
            return f"must be {context.get('ge')} or more"
        case "less_than_equal":
            return f"must be {context.get('le')} or less"
        case "enum" | "literal_error":
            return f"must be one of {context.get('expected')}"
        case "value_error":
            # Raised by our own validators, so the text is ours.
            return str(context.get("error"))
        case _:
            return _of_type(kind)


_TYPES = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "datetime_parsing": "must be a date and time such as 2027-01-15T12:00:00Z",
    "datetime_from_date_parsing": "must be a date and time such as 2027-01-15T12:00:00Z",
    "timezone_aware": "must have a time zone, such as 2027-01-15T12:00:00Z",
}


def _of_type(kind: str) -> str:
    return _TYPES.get(kind, "has a value that does not fit")
