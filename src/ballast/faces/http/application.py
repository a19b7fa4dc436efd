"""The one application: MCP at /mcp, REST under /api, its description, and health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from ballast.app.operation import Operation
from ballast.errors import BallastError, ErrorCode
from ballast.faces.answers import json_text
from ballast.faces.http.authorization import add_authorization
from ballast.faces.http.calls import Calls
from ballast.faces.http.documents import add_documents
from ballast.faces.http.door import Door
from ballast.faces.http.doorkeeper import Doorkeeper
from ballast.faces.http.edges import Edges
from ballast.faces.http.events import add_events
from ballast.faces.http.front import Front
from ballast.faces.http.health import add_health
from ballast.faces.http.meters import Meters
from ballast.faces.http.metrics import add_metrics
from ballast.faces.http.oauth import resource_routes
from ballast.faces.http.problems import problem_response
from ballast.faces.http.rates import Rates
from ballast.faces.mcp.over_http import refusal_of_no_message, tools_over_http
from ballast.faces.rest.routes import PlainRoute, add_routes
from ballast.faces.rest.sign_in import add_sign_in
from ballast.faces.rest.straight import Straight

if TYPE_CHECKING:
    from ballast.app.app import App

log = structlog.get_logger(__name__)


def make_application(
    app: App,
    doorkeeper: Doorkeeper,
    *,
    over_rest: tuple[Operation, ...],
    over_mcp: tuple[Operation, ...],
    version: str,
    edges: Edges,
    ending: asyncio.Event,
) -> FastAPI:
    """An ASGI application over an opened app.

    Args:
        app: stays open for as long as the application is used.
        doorkeeper: tells who is calling; without a caller nothing below /api and /mcp is open.
        over_rest: the operations that have a route.
        over_mcp: the operations listed as tools.
        version: of Ballast.
        edges: where it is reached, and what is let through.
        ending: set when the process is asked to end.
    """
    rates = Rates(app.wall, edges.rates)
    meters = Meters(version, app.mode)
    app.observer.add(meters)
    calls = Calls(app, rates)
    tools = tools_over_http(
        app, over_mcp, partial(calls.carry_out, face="mcp"), version=version, ending=ending
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with tools.run():
            yield

    application = _bare(title="Ballast", version=version, lifespan=lifespan)
    # Routes are tried in this order, so what is called most comes first.
    add_routes(application, over_rest, partial(calls.carry_out, face="rest"))
    add_sign_in(application, app, rates)
    if app.sign_in.grants:
        add_authorization(application, app, rates)
    elif app.sign_in.provider is not None:
        application.router.routes.extend(resource_routes(app, app.sign_in.provider.issuer))
    add_events(application, app, ending)
    # There are no sessions, so there is no stream to GET and nothing to DELETE.
    application.add_route("/mcp", Tools(tools), methods=["POST"], include_in_schema=False)  # type: ignore[arg-type]
    add_documents(application, over_rest, edges.url)
    add_health(application, app)
    add_metrics(application, app, meters)
    _guard(application, app, doorkeeper, rates, edges)
    return application


def make_figures(app: App, doorkeeper: Doorkeeper, *, version: str, edges: Edges) -> FastAPI:
    """What a worker serves: health, and its figures to the owner of the machine."""
    meters = Meters(version, app.mode)
    app.observer.add(meters)
    application = _bare()
    add_health(application, app, of_engine=False)
    add_metrics(application, app, meters)
    _guard(application, app, doorkeeper, Rates(app.wall, edges.rates), edges)
    return application


def _bare(**more: Any) -> FastAPI:
    """An application with nothing that comes by itself. FastAPI would trace requests once more,
    and tell what they ask: queries hold codes and tokens."""
    return FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        **more,
    )


def _guard(
    application: FastAPI, app: App, doorkeeper: Doorkeeper, rates: Rates, edges: Edges
) -> None:
    """What stands between an application and the world."""
    application.add_exception_handler(BallastError, _refused)
    application.add_exception_handler(HTTPException, _unroutable)
    application.add_exception_handler(Exception, _at_fault)
    # The last one added is the first one passed.
    straight = [one for one in application.routes if isinstance(one, PlainRoute)]
    application.add_middleware(Straight, routes=straight)
    application.add_middleware(Front, ours=app, door=Door(doorkeeper, rates), edges=edges)


class Tools:
    """The endpoint of MCP. An object, so that it is taken for an ASGI application as it is."""

    def __init__(self, tools: Any) -> None:
        self._tools = tools

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        body = await request.body()
        refusal = refusal_of_no_message(body) if _is_json(request) else None
        if refusal is not None:
            answer = Response(json_text(refusal), status_code=400, media_type="application/json")
            await answer(scope, receive, send)
            return
        unread = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Any:
            return unread.pop() if unread else await receive()

        await self._tools.handle_request(scope, receive_again, send)


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, BallastError)
    return problem_response(refusal)


async def _unroutable(request: Request, refusal: Exception) -> Response:
    """A path or a method that there is not."""
    assert isinstance(refusal, HTTPException)
    if refusal.status_code != 405:
        nothing = BallastError(ErrorCode.NOT_FOUND, "There is nothing at this path.")
        return problem_response(
            nothing.advising("/docs and /openapi.yaml show the paths; MCP is at /mcp.")
        )
    allowed = ", ".join(sorted(_methods_of(request)))
    problem = BallastError(
        ErrorCode.METHOD_NOT_ALLOWED, f"This path is there for {allowed}.", allowed=allowed
    )
    return problem_response(problem, {"Allow": allowed})


def _methods_of(request: Request) -> set[str]:
    return {
        method
        for route in request.app.routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


async def _at_fault(request: Request, mistake: Exception) -> Response:
    """Our own mistake: the log has it, the answer does not."""
    return problem_response(BallastError(ErrorCode.INTERNAL, "Ballast failed because of a fault."))
