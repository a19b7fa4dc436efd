"""Carrying out an operation for somebody who waits at the other end of a connection."""

from __future__ import annotations

import asyncio
from types import TracebackType
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
        bounds = _Bounds(self._rates, operation, caller)
        return await invoke(self._app, operation, arguments, caller.by(face), around=bounds)


class _Bounds:
    """How often somebody may call, and how long a call may take."""

    def __init__(self, rates: Rates, operation: Operation, caller: Caller) -> None:
        self._rates = rates
        self._operation = operation
        self._caller = caller
        self._patience = asyncio.timeout(LONGEST_CALL)

    async def __aenter__(self) -> None:
        await self._rates.take_call(self._operation, self._caller)
        await self._patience.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._patience.__aexit__(kind, error, traceback)
        except TimeoutError:
            raise BallastError(
                ErrorCode.TOOK_TOO_LONG,
                f"{self._operation.name} was given up after {LONGEST_CALL:.0f} seconds.",
            ) from None
