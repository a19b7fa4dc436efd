"""An event loop in which nobody waits.

When nothing is left to do but to wait, its time jumps to the next timer. So timeouts, retries and
naps take no time, and in which order things happen depends on nothing outside: there are no
threads, no sockets and no clock.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class NothingLeftError(Exception):
    """Every task waits for another one: nothing will ever happen again."""


class TimelessLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes at once, and only when there is nothing else to do."""

    def __init__(self) -> None:
        self._passed = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Seconds that have been skipped so far."""
        return self._passed

    def skip(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds

    @property
    def someone_waits(self) -> bool:
        """Whether anybody else could go on now."""
        return bool(self._ready)  # type: ignore[attr-defined]  # asyncio has no other name for it

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run it here and now: a thread would finish whenever it likes."""
        del executor
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # it belongs to whoever awaits it
            done.set_exception(error)
        return done


class _Jumping(selectors.DefaultSelector):
    """Where an event loop waits for the world; here the world is only time."""

    def __init__(self, loop: TimelessLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What has happened outside: nothing, but that so much time has passed."""
        if timeout is None:
            raise NothingLeftError("every task waits for another one")
        if timeout > 0:
            self._loop.skip(timeout)
        return []
