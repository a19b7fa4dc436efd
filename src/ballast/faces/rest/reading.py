"""What a request asks of an operation: path, query and body as the arguments of `invoke`."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any, Final, NoReturn

from starlette.requests import Request

from ballast.app.inputs import RepeatableInput
from ballast.app.operation import Operation
from ballast.errors import BallastError, ErrorCode

DEEPEST: Final = 16
"""How deep lists and objects of a body may lie in each other; ours need four."""
IDEMPOTENCY_KEY: Final = "idempotency-key"
_WITH_BODY: Final = frozenset({"POST", "PATCH", "PUT"})


def has_body(operation: Operation) -> bool:
    """Whether what is not in the path stands in the body; otherwise it is in the query."""
    return operation.method in _WITH_BODY


async def arguments_of(operation: Operation, request: Request) -> dict[str, Any]:
    """The arguments as they came; what they mean is for the operation's input to say.

    Raises:
        BallastError: `invalid_input` for what is no JSON object, given twice, or too deep;
            `media_type_refused` for a body of another kind.
    """
    given = await body_of(request) if has_body(operation) else _query(request)
    in_path = request.path_params
    if not given.keys().isdisjoint(in_path):
        twice = min(given.keys() & in_path.keys())
        raise _invalid(twice, "stands in the path; leave it out here")
    arguments = {**given, **in_path}
    if issubclass(operation.input, RepeatableInput):
        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is not None and arguments.get("request_id") not in (None, key):
            raise _invalid("request_id", "differs from the header Idempotency-Key; give one")
        if key is not None:
            arguments["request_id"] = key
    return arguments


def _query(request: Request) -> dict[str, Any]:
    if not request.scope["query_string"]:
        return {}
    return _once(request.query_params.multi_items())


async def body_of(request: Request) -> dict[str, Any]:
    """The body's JSON object; an empty one for no body.

    Raises:
        BallastError: as `arguments_of`.
    """
    content = await request.body()
    if not content:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BallastError(ErrorCode.MEDIA_TYPE_REFUSED, "The body has to be application/json.")
    try:
        body = json.loads(
            content, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once
        )
    except (ValueError, RecursionError):
        # Also bytes that are no text, and integers of thousands of digits.
        raise _invalid("body", "is no JSON text") from None
    if not isinstance(body, dict):
        raise _invalid("body", "must be a JSON object")
    if _is_deeper(body, DEEPEST):
        raise _invalid("body", f"is nested more than {DEEPEST} deep")
    return body


def _no_number(word: str) -> NoReturn:
    raise _invalid("body", f"holds {word}, which is no number in JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Names and values; a name given twice would leave it open which value counts."""
    name, times = next(iter(Counter(name for name, _ in pairs).most_common(1)), ("", 0))
    if times > 1:
        raise _invalid(name[:60], "is given more than once")
    return dict(pairs)


def _is_deeper(value: Any, limit: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return False
    return limit == 0 or any(_is_deeper(one, limit - 1) for one in inside)


def _invalid(field: str, problem: str) -> BallastError:
    return BallastError(
        ErrorCode.INVALID_INPUT,
        f"The request has a problem in: {field}.",
        problems=[{"field": field, "problem": problem}],
    )
