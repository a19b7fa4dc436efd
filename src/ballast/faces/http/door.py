"""The door of the application: whoever wants to call something says first who he is."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from ballast.app.operation import Caller
from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.doorkeeper import Doorkeeper
from ballast.faces.http.problems import problem_response
from ballast.faces.http.rates import Rates
from ballast.faces.rest.sign_in import OPEN_PATHS

GUARDED: Final = ("/api", "/mcp", "/metrics")
"""Below these paths nothing is open but signing in, not even what is not there."""


class Door:
    """Lets requests below `GUARDED` in only with a caller. Every request counts against its
    address."""

    def __init__(self, doorkeeper: Doorkeeper, rates: Rates) -> None:
        self._doorkeeper = doorkeeper
        self._rates = rates

    async def let_in(self, scope: Scope) -> None:
        """Leave the caller of a request in its state, as `caller`, where there has to be one.

        Raises:
            BallastError: `rate_limited`, `unauthenticated`.
        """
        address = address_of(scope)
        await self._rates.take("address", address)
        if is_guarded(scope["path"]):
            caller = await self._admit(Headers(scope=scope), address)
            scope.setdefault("state", {})["caller"] = caller

    def refused(self, refusal: BallastError) -> Response:
        """The answer to a request that is not let in."""
        challenge = {}
        if refusal.code is ErrorCode.UNAUTHENTICATED:
            challenge = {"WWW-Authenticate": self._doorkeeper.challenge}
        return problem_response(refusal, challenge)

    async def _admit(self, headers: Headers, address: str) -> Caller:
        try:
            return await self._doorkeeper.admit(headers, address)
        except BallastError as refusal:
            if refusal.code is ErrorCode.UNAUTHENTICATED:
                # Only what does not count is counted: a wrong key of one program behind a shared
                # address does not lock out the others there.
                await self._rates.take("login", address)
            raise


def is_guarded(path: str) -> bool:
    """Whether a path needs a credential."""
    return path not in OPEN_PATHS and any(
        path == one or path.startswith(f"{one}/") for one in GUARDED
    )


def address_of(scope: Scope) -> str:
    """The client's address; empty where the server does not tell it."""
    client = scope.get("client")
    return str(client[0]) if client else ""
