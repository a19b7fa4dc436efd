"""The door of the application: whoever wants to call something says first who he is."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ballast.app.operation import Caller
from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.doorkeeper import Doorkeeper
from ballast.faces.http.problems import problem_response
from ballast.faces.http.rates import Rates
from ballast.faces.rest.sign_in import OPEN_PATHS

GUARDED: Final = ("/api", "/mcp", "/metrics")
"""Below these paths nothing is open but signing in, not even what is not there."""


class Door:
    """ASGI middleware that lets requests below `GUARDED` in only with a caller.

    The caller is left in the request's state as `caller`. Every request counts against its
    address.
    """

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper, rates: Rates) -> None:
        self._app = app
        self._doorkeeper = doorkeeper
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit the request, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = address_of(scope)
        try:
            await self._rates.take("address", address)
            if is_guarded(scope["path"]):
                caller = await self._admit(Headers(scope=scope), address)
                scope.setdefault("state", {})["caller"] = caller
        except BallastError as refusal:
            await problem_response(refusal, self._challenge(refusal))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _admit(self, headers: Headers, address: str) -> Caller:
        try:
            return await self._doorkeeper.admit(headers, address)
        except BallastError as refusal:
            if refusal.code is ErrorCode.UNAUTHENTICATED:
                # Only what does not count is counted: a wrong key of one program behind a shared
                # address does not lock out the others there.
                await self._rates.take("login", address)
            raise

    def _challenge(self, refusal: BallastError) -> dict[str, str]:
        if refusal.code is not ErrorCode.UNAUTHENTICATED:
            return {}
        return {"WWW-Authenticate": self._doorkeeper.challenge}


def is_guarded(path: str) -> bool:
    """Whether a path needs a credential."""
    return path not in OPEN_PATHS and any(
        path == one or path.startswith(f"{one}/") for one in GUARDED
    )


def address_of(scope: Scope) -> str:
    """The client's address; empty where the server does not tell it."""
    client = scope.get("client")
    return str(client[0]) if client else ""
