"""What an operation is given: read from arguments, with everything that is wrong with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ballast.app.problems import WHOLE_INPUT, Problem, Wrong, problems_of, well_formed


class Input(BaseModel):
    """Input of an operation. Unknown fields are refused, so that a typing mistake is seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def together(self, named: frozenset[str]) -> Iterable[str]:
        """What is wrong with the fields together, each as a sentence. Asked also where some do not
        read: those are None, and yet named.

        Args:
            named: the fields that were given anything.
        """
        return ()


In = TypeVar("In", bound=Input)


class RepeatableInput(Input):
    """Input of an operation that changes something."""

    request_id: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[A-Za-z0-9._:-]+$",
            description=(
                "Optional id of this request, chosen by the caller. Repeating the same call with "
                "the same id gives the first answer again and does nothing twice."
            ),
        ),
    ] = None


def parsed(name: str, model: type[In], arguments: dict[str, Any]) -> In:
    """Arguments as an input model, of whatever has this name.

    Raises:
        BallastError: `invalid_input` with every problem at once, in our own words.
    """
    given, problems = read_input(model, arguments)
    Wrong(name, problems).refuse()
    return given


def read_input(model: type[In], arguments: dict[str, Any]) -> tuple[In, list[Problem]]:
    """An input, and everything that is wrong with how it is written; its fields that do not read
    are None."""
    try:
        given, problems = model.model_validate(arguments), []
    except ValidationError as error:
        given, problems = well_formed(model, arguments), problems_of(error)
    named = frozenset(name for name, value in arguments.items() if value is not None)
    together = [Problem(field=WHOLE_INPUT, problem=one) for one in given.together(named)]
    return given, problems + together


def digest_of(given: Input) -> str:
    """SHA-256 of an input without its request_id, over canonical JSON."""
    body = given.model_dump(mode="json", exclude={"request_id"})
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
