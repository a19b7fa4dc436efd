"""/metrics, and each request seen from its beginning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ballast.app.observing import Activity, Doing, told
from ballast.app.operation import Caller
from ballast.app.redaction import redacted
from ballast.core.access import Scope as AccessScope
from ballast.core.ids import LOCAL_OWNER, IdKind
from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.meters import Meters

if TYPE_CHECKING:
    from ballast.app.app import App

PATH: Final = "/metrics"
CALL_HEADER: Final = "Ballast-Call-Id"
# W3C Trace Context: version, trace, parent, flags; all zeros are no ids.
_TRACE: Final = re.compile(r"00-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Seen:
    """ASGI middleware that names every request, and tells whoever watches how it went."""

    def __init__(self, app: ASGIApp, ours: App) -> None:
        self._app = app
        self._ours = ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under an id, which its answer carries as well."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call_id, parent = self._ours.call_ids.new(IdKind.CALL), _parent_of(scope)
        scope.setdefault("state", {})["call_id"] = call_id
        labels = {"method": scope["method"], "route": "", "status": "500"}
        request = Activity(
            Doing.SERVING,
            "request",
            labels,
            {"call": call_id, "url": redacted(scope["path"])[:200]},
            parent=parent,
        )

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                labels["status"] = str(message["status"])
                named = (CALL_HEADER.lower().encode(), call_id.encode())
                message["headers"] = [*message.get("headers", ()), named]
            await send(message)

        trace_id = parent.split("-")[1] if parent else ""
        with (
            told({"call_id": call_id, "trace_id": trace_id}),
            self._ours.observer.observe(request),
        ):
            try:
                await self._app(scope, receive, noting)
            finally:
                labels["route"] = _route_of(scope)


def add_metrics(application: FastAPI, app: App, meters: Meters) -> None:
    """Add the route. It tells of everybody's money, so only the owner of the machine may look."""

    async def show(request: Request) -> Response:
        caller: Caller = request.state.caller
        if caller.owner_id != LOCAL_OWNER or AccessScope.READ not in caller.scopes:
            raise BallastError(
                ErrorCode.SCOPE_MISSING,
                "Only a key of this machine's owner, with the scope read, shows the metrics.",
                scope=AccessScope.READ.value,
            )
        return Response(await meters.exposition(app), media_type=CONTENT_TYPE_LATEST)

    application.add_route(PATH, show, include_in_schema=False)


def _parent_of(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name == b"traceparent"]
    text = given[0].decode("latin-1") if len(given) == 1 else ""
    return text if _TRACE.fullmatch(text) else ""


def _route_of(scope: Scope) -> str:
    """The route's path with its parameters unfilled; empty where nothing was found."""
    if "route" in scope:
        route: Any = scope["route"]
        return str(route.path)
    # The plain routes of the application have no parameters.
    return str(scope["path"]) if "endpoint" in scope else ""
