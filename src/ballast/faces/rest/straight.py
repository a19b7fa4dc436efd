"""The short way to an operation: its route is found by the parts of its path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ballast.errors import BallastError
from ballast.faces.http.problems import problem_response
from ballast.faces.rest.routes import PlainRoute


@dataclass(slots=True)
class Node:
    """Where the first parts of a path lead to.

    Attributes:
        named: by the next part, as it is written in a route.
        filled: by any next part, which is a parameter's value.
        routes: by method, those whose path ends here.
    """

    named: dict[str, Node] = field(default_factory=dict)
    filled: Node | None = None
    routes: dict[str, PlainRoute] = field(default_factory=dict)


class Straight:
    """ASGI application that answers for operations, and leaves everything else to another.

    What Starlette and FastAPI put around a route is for what an operation's route does not have:
    they try one route's expression after the other, and open a stack for dependencies. What is not
    found here, a wrong method for instance, is theirs.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[PlainRoute]) -> None:
        self._otherwise = app
        self._root = Node()
        for route in routes:
            self._add(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        found = self.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._otherwise(scope, receive, send)
            return
        route, values = found
        scope["route"] = route
        scope["path_params"] = dict(zip(route.param_convertors, values, strict=True))
        try:
            answer = await route.endpoint(Request(scope, receive))
        except BallastError as refusal:
            answer = problem_response(refusal)
        await answer(scope, receive, send)

    def find(self, method: str, path: str) -> tuple[PlainRoute, list[str]] | None:
        """The route of a request, and the values of its parameters in their order."""
        node, values = self._root, list[str]()
        for part in path.split("/"):
            below = node.named.get(part)
            if below is None:
                if node.filled is None or not part:
                    return None
                values.append(part)
                below = node.filled
            node = below
        route = node.routes.get(method)
        return None if route is None else (route, values)

    def _add(self, route: PlainRoute) -> None:
        node = self._root
        for part in route.path.split("/"):
            if part.startswith("{"):
                node.filled = node.filled or Node()
                node = node.filled
            else:
                node = node.named.setdefault(part, Node())
        for method in route.methods or ():
            node.routes[method] = route
