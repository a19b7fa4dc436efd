"""Loops that run until they are cancelled."""

from __future__ import annotations

import asyncio


def goes_on() -> bool:
    """Whether nobody has cancelled the task that asks; a loop asks at each turn.

    A cancellation is delivered once, and what is awaited just then may lose it: a pool whose
    connection became free in the same moment, a library that ends in an error of its own. A loop
    that went on then would keep whoever waits for its end waiting for ever.
    """
    task = asyncio.current_task()
    return task is None or not task.cancelling()
