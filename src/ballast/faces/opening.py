"""Opens the app when it is first needed, once for all calls, and closes it at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING

import structlog

from ballast.errors import BallastError, ErrorCode

if TYPE_CHECKING:
    from ballast.app.app import App

log = structlog.get_logger(__name__)

OpenApp = Callable[[], "AbstractAsyncContextManager[App]"]
"""Opens everything, and starts or joins the engine, on entry; closes it again on exit."""


class Opening:
    """One app for all calls of a face, opened and closed by a task of its own.

    An opening that failed is reported to everybody who waited for it, and tried again by the next
    call. A call that is cancelled meanwhile does not take the opening away from the others.
    """

    def __init__(self, open_app: OpenApp) -> None:
        self._open_app = open_app
        self._holder: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[App | BallastError] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._enough = asyncio.Event()

    async def app(self) -> App:
        """The opened app.

        Raises:
            BallastError: whatever keeps it from opening.
        """
        opened = await asyncio.shield(self._begin())
        if isinstance(opened, BallastError):
            refusal = BallastError(opened.code, opened.message, **opened.details)
            raise refusal.advising(opened.next_step)
        return opened

    def start_in(self, seconds: float) -> None:
        """Begin to open after a while of real time; a later wish replaces an earlier one."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    async def close(self) -> None:
        """Close the app if it is open, and give up opening it if that is under way."""
        if self._timer is not None:
            self._timer.cancel()
        holder, self._holder = self._holder, None
        if holder is None or self._opened is None:
            return
        self._enough.set()
        if not self._opened.done():
            holder.cancel()
        with suppress(asyncio.CancelledError):
            await holder

    def _begin(self) -> asyncio.Future[App | BallastError]:
        """What the opening comes to; a fresh one if there is none, or the last one failed."""
        if self._holder is None or self._opened is None or self._holder.done():
            self._enough.clear()
            self._opened = asyncio.get_running_loop().create_future()
            self._holder = asyncio.create_task(self._hold(self._opened), name="hold the app")
        return self._opened

    async def _hold(self, opened: asyncio.Future[App | BallastError]) -> None:
        # A refusal is a result here: one begun in the background may fail with nobody waiting.
        try:
            async with self._open_app() as app:
                opened.set_result(app)
                await self._enough.wait()
        except BallastError as refusal:
            _tell(opened, refusal)
        except Exception:
            log.exception("app_failed")
            _tell(opened, BallastError(ErrorCode.INTERNAL, "Ballast could not be opened."))
        finally:
            opened.cancel()


def _tell(opened: asyncio.Future[App | BallastError], refusal: BallastError) -> None:
    log.warning("app_not_open", code=refusal.code.value, message=refusal.message)
    if not opened.done():
        opened.set_result(refusal)
