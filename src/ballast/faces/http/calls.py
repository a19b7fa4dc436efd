"""Carrying out an operation for somebody who waits at the other end of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ballast.app.operation import Caller, Operation, Output, invoke
from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.rates import Rates

if TYPE_CHECKING:
    from ballast.app.app import App

LONGEST_CALL: Final = 20.0
"""Real seconds after which a call is given up; clients of custom GPTs wait 45."""


class Calls:
    """What every call over HTTP passes through, whatever it came by."""

    def __init__(self, app: App, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def carry_out(
        self, operation: Operation, arguments: dict[str, Any], caller: Caller, face: str
    ) -> Output:
        """Carry out an operation.

        Args:
            face: what the call came by, for the audit: `rest` or `mcp`.

        Raises:
            BallastError: every refusal, `rate_limited` among them; `took_too_long` when it is
                given up. What it had committed by then stays, as after a crash.
        """
        bounds = self._bounds(operation, caller)
        came_by = replace(caller, face=face)
        return await invoke(self._app, operation, arguments, came_by, around=bounds)

    @asynccontextmanager
    async def _bounds(self, operation: Operation, caller: Caller) -> AsyncIterator[None]:
        await self._rates.take_call(operation, caller)
        try:
            async with asyncio.timeout(LONGEST_CALL):
                yield
        except TimeoutError:
            raise BallastError(
                ErrorCode.TOOK_TOO_LONG,
                f"{operation.name} was given up after {LONGEST_CALL:.0f} seconds.",
            ) from None
