"""What an operation answers, as responses of HTTP."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from ballast.app.operation import Output
from ballast.faces.answers import RESOURCE_BYTES, answer_of, fitted, json_text

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Read:
    """What a read found: all of it, and what a client is told who has it already.

    Attributes:
        tag: another for other bytes (RFC 9110, 8.8.3).
    """

    tag: str
    whole: Response
    not_modified: Response

    @classmethod
    def of(cls, output: Output) -> Read:
        """The response of a read. Responses are only sent, so each is sent as often as wanted.

        What a use case gives again, the view of an index that has not changed for instance, is not
        written again: an answer never changes, and what was made of it goes with it.
        """
        known = _reads.get(id(output))
        if known is not None:
            return known
        body = json_of(output)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        whole = Response(body, media_type=JSON, headers=headers)
        fresh = _reads[id(output)] = cls(tag, whole, Response(status_code=304, headers=headers))
        weakref.finalize(output, _reads.pop, id(output)).atexit = False
        return fresh

    def for_whom_has(self, known: Sequence[bytes]) -> Response:
        """The response to a request with these values of If-None-Match (RFC 9110, 13.1.2)."""
        if not known:
            return self.whole
        tags = [
            one.strip().removeprefix("W/") for one in b",".join(known).decode("latin-1").split(",")
        ]
        return self.not_modified if "*" in tags or self.tag in tags else self.whole


_reads: Final[dict[int, Read]] = {}


def change_response(output: Output) -> Response:
    """The response of an operation that changes something: for this client, this once."""
    return Response(json_of(output), media_type=JSON, headers={"Cache-Control": "no-store"})


def json_of(output: Output) -> bytes:
    """An answer as JSON of at most `RESOURCE_BYTES`, cut as `fitted` cuts where it is too long."""
    body = output.model_dump_json().encode()
    if len(body) <= RESOURCE_BYTES:
        return body
    return json_text(fitted(answer_of(output), RESOURCE_BYTES)).encode()
