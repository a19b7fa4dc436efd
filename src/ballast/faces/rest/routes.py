"""One route per operation, made from the same records as the tools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ballast.app.operation import Caller, Effect, Operation, Output
from ballast.faces.http.edges import headers_of
from ballast.faces.rest.openapi import described
from ballast.faces.rest.reading import arguments_of
from ballast.faces.rest.writing import Read, change_response

CarryOutFor = Callable[[Operation, dict[str, Any], Caller], Awaitable[Output]]
"""Carries out an operation with the arguments as they came, for a caller."""


def add_routes(
    application: FastAPI, operations: Iterable[Operation], carry_out: CarryOutFor
) -> None:
    """Add the routes of operations. The caller is expected in the request's state; a refusal
    leaves as the BallastError it is."""
    for operation in operations:
        application.router.add_api_route(
            operation.path,
            _endpoint(operation, carry_out),
            methods=[operation.method],
            route_class_override=PlainRoute,
            **described(operation),
        )


class PlainRoute(APIRoute):
    """A route that FastAPI describes, and whose endpoint is called as it is: it takes a request
    and gives an answer, and has none of the dependencies that FastAPI would look for each time."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose path is this route's."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405)
        response = await self.endpoint(Request(scope, receive))
        await response(scope, receive, send)


def _endpoint(
    operation: Operation, carry_out: CarryOutFor
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        arguments = await arguments_of(operation, request)
        output = await carry_out(operation, arguments, request.scope["state"]["caller"])
        if operation.effect is not Effect.READ:
            return change_response(output)
        return Read.of(output).for_whom_has(headers_of(request.scope, b"if-none-match"))

    return endpoint
