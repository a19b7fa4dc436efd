"""What every request passes on its way in, and every answer on its way out, in one place."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ballast.app.observing import Activity, Doing, told
from ballast.app.redaction import redacted
from ballast.core.ids import IdKind
from ballast.errors import BallastError
from ballast.faces.http.door import Door
from ballast.faces.http.edges import Edges, KnownNames, SafeHeaders, headers_of, with_small_body
from ballast.faces.http.problems import problem_response

if TYPE_CHECKING:
    from ballast.app.app import App

CALL_HEADER: Final = "Ballast-Call-Id"
# W3C Trace Context: version, trace, parent, flags; all zeros are no ids.
_TRACE: Final = re.compile(r"00-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_CALL_HEADER: Final = CALL_HEADER.lower().encode()


class Front:
    """ASGI middleware between an application and the world; the only one, as each costs every
    request a send of its own.

    A request is named, and whoever watches is told how it went. It has to come under a known name
    (`KnownNames`), with a body that is small (`with_small_body`), from somebody who may call
    (`Door`). Its answer says which call it was, and tells browsers to be careful (`SafeHeaders`).
    Pages elsewhere that may call are told so before their bodies are read.
    """

    def __init__(self, app: ASGIApp, ours: App, door: Door, edges: Edges) -> None:
        self._inside = app
        self._ours = ours
        self._door = door
        self._seconds = edges.body_seconds
        self._names = KnownNames(edges)
        self._safe = SafeHeaders(edges)
        self._through_door: ASGIApp = self._pass_door
        if edges.origins:
            self._through_door = _letting_pages_in(self._pass_door, edges)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, under an id that its answer carries as well."""
        if scope["type"] != "http":
            await self._inside(scope, receive, send)
            return
        call_id, parent = self._ours.call_ids.new(IdKind.CALL), _parent_of(scope)
        scope.setdefault("state", {})["call_id"] = call_id
        labels = {"method": scope["method"], "route": "", "status": "500"}
        ids = {"call": call_id, "url": _shown(scope["path"])}
        request = Activity(Doing.SERVING, "request", labels, ids, parent=parent)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                labels["status"] = str(message["status"])
                said = message.get("headers", ())
                named = (_CALL_HEADER, call_id.encode())
                message["headers"] = [*said, *self._safe.beside(said), named]
            await send(message)

        trace_id = parent.split("-")[1] if parent else ""
        with (
            told({"call_id": call_id, "trace_id": trace_id}),
            self._ours.observer.observe(request),
        ):
            try:
                refusal = self._names.refusal_of(scope)
                answer = self._through_door if refusal is None else problem_response(refusal)
                await answer(scope, receive, send_with_headers)
            finally:
                labels["route"] = _route_of(scope)

    async def _pass_door(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            receive_again = await with_small_body(scope, receive, self._seconds)
        except BallastError as refusal:
            await problem_response(refusal, {"Connection": "close"})(scope, receive, send)
            return
        try:
            await self._door.let_in(scope)
        except BallastError as refusal:
            await self._door.refused(refusal)(scope, receive, send)
            return
        await self._inside(scope, receive_again, send)


def _letting_pages_in(inside: ASGIApp, edges: Edges) -> ASGIApp:
    """Answers browsers that ask what a page elsewhere may do."""
    return CORSMiddleware(
        inside,
        allow_origins=sorted(edges.origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["*"],
        expose_headers=["ETag", "Retry-After", "WWW-Authenticate", CALL_HEADER],
    )


@lru_cache(maxsize=256)
def _shown(path: str) -> str:
    """A path as logs and traces may show it. Looking for secrets takes longer than a query."""
    return str(redacted(path))[:200]


def _parent_of(scope: Scope) -> str:
    given = headers_of(scope, b"traceparent")
    text = given[0].decode("latin-1") if len(given) == 1 else ""
    return text if _TRACE.fullmatch(text) else ""


def _route_of(scope: Scope) -> str:
    """The route's path with its parameters unfilled; empty where nothing was found."""
    if "route" in scope:
        route: Any = scope["route"]
        return str(route.path)
    # The plain routes of the application have no parameters.
    return str(scope["path"]) if "endpoint" in scope else ""
