"""Validation problems in our own words: which field, what is wrong, what would be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, TypedDict, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from ballast.core.wording import counted
from ballast.errors import BallastError, ErrorCode

Model = TypeVar("Model", bound=BaseModel)


class Problem(TypedDict):
    """One thing wrong with an input."""

    field: str
    problem: str


# Stands where a field would, for what is wrong with the fields together.
WHOLE_INPUT: Final = "input"

# Exit codes from here on are about what lies outside, or about Ballast: no better input would help.
_NOT_THE_INPUT: Final = 7

# The context of a second reading: a model inside another keeps what is well-formed, too.
WELL_FORMED: Final = "what is well-formed"

# What a cursor looks like is nobody's business but ours: it is given back as it came.
NO_CURSOR: Final = "is not a cursor of this list; leave it out to begin at the start"


class Wrong:
    """Collects all that is wrong with what a call was given, to refuse it once.

    Args:
        name: of what was called.
        problems: what is known to be wrong already.
    """

    def __init__(self, name: str, problems: Sequence[Problem] = ()) -> None:
        self._name = name
        self._problems: list[Mapping[str, object]] = [*problems]
        self._only: BallastError | None = None

    @contextmanager
    def about(self, field: str) -> Iterator[None]:
        """Keep a refusal of what is done inside as a problem of this field. One that no better
        input would have spared goes on its way."""
        try:
            yield
        except BallastError as refusal:
            if refusal.spec.exit_code >= _NOT_THE_INPUT:
                raise
            self.add(field, refusal)

    def add(self, field: str, refusal: BallastError) -> None:
        """Keep a refusal; one that names its fields itself keeps their names."""
        self._only = None if self._problems else refusal
        named = refusal.details.get("problems")
        said = {"field": field, "problem": refusal.message, "code": refusal.code.value}
        self._problems += named if isinstance(named, list) else [said | refusal.details]

    def inside(self, field: str) -> set[str]:
        """The fields of this one with which something is wrong."""
        named = (str(one["field"]).partition(".") for one in self._problems)
        return {inner for outer, _, inner in named if outer == field}

    def refuse(self) -> None:
        """Refuse, if anything is wrong.

        Raises:
            BallastError: a refusal that was kept, as it is, when nothing else is wrong; otherwise
                `invalid_input` with every problem.
        """
        if self._only is not None:
            raise self._only
        if not self._problems:
            return
        fields = ", ".join(sorted({str(one["field"]) for one in self._problems} - {WHOLE_INPUT}))
        where = f" in: {fields}" if fields else ""
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"{self._name} was called with {counted(len(self._problems), 'problem')}{where}.",
            problems=self._problems,
        )


def well_formed(model: type[Model], arguments: Mapping[str, Any]) -> Model:
    """The part of an input that reads, where not all does: a field that does not is None, whatever
    the model says of it."""
    read: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if name not in arguments:
            read[name] = None if field.is_required() else field.get_default()
            continue
        try:
            reader = _reader(model, name)
            read[name] = reader.validate_python(arguments[name], context=WELL_FORMED)
        except ValidationError:
            read[name] = None
    return model.model_construct(**read)


@cache
def _reader(model: type[BaseModel], field: str) -> TypeAdapter[Any]:
    return TypeAdapter(model.model_fields[field].rebuild_annotation())


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
