"""Refusals as problem details (RFC 9457): our code and next step beside the standard members."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from ballast.errors import BallastError
from ballast.faces.answers import Answer, json_text, refusal_of
from ballast.faces.rest.openapi import PROBLEM_TYPE


def problem_of(refusal: BallastError) -> Answer:
    """The members of a refusal: `type`, `title`, `status`, `detail`, and of ours `code`,
    `next_step`, `retryable` and `details`.

    The type is `about:blank`, so the title is the status's phrase (RFC 9457, 4.2.1); what went
    wrong is told by the code.
    """
    plain = refusal_of(refusal)
    return {
        "type": "about:blank",
        "title": HTTPStatus(refusal.spec.http_status).phrase,
        "status": refusal.spec.http_status,
        "detail": plain.pop("message"),
        **plain,
    }


def problem_response(refusal: BallastError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that is refused; with `Retry-After` where there is a time to wait."""
    told = {"Cache-Control": "no-store", **(headers or {})}
    if "retry_after_seconds" in refusal.details:
        told["Retry-After"] = str(refusal.details["retry_after_seconds"])
    return Response(
        json_text(problem_of(refusal)),
        status_code=refusal.spec.http_status,
        headers=told,
        media_type=PROBLEM_TYPE,
    )
