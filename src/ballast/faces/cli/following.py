"""Watching what was started until it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from rich.console import Console

from ballast.faces.answers import Answer

# Real seconds between two looks.
INTERVAL: Final = 0.25

# How things end when all went well.
_WELL: Final = frozenset({"completed", "credited", "sent"})

Look = Callable[[str], Awaitable[Answer]]
"""Gives the progress of a rebalance or deposit by its id."""


async def follow(look: Look, handle: str, console: Console) -> Answer:
    """Look until it is done, or until the owner has halted it, and at what follows from it;
    progress goes to the console.

    Args:
        handle: id of a rebalance or deposit.

    Returns:
        The last progress seen.
    """
    with console.status("Starting") as status:
        while True:
            progress = await _until_done(look, handle, console, status)
            following = progress.get("follow_up_id")
            if not following:
                return progress
            handle = following


def ended_well(progress: Answer) -> bool:
    """Whether what was followed came to the end it was meant to come to."""
    return progress["state"] in _WELL


async def _until_done(look: Look, handle: str, console: Console, status: Any) -> Answer:
    said = ""
    while True:
        progress = await look(handle)
        line = _line(progress)
        if line != said:
            said = line
            status.update(line)
            if not console.is_terminal:
                console.print(line)
        if progress["done"] or progress["state"] == "halted":
            return progress
        await asyncio.sleep(INTERVAL)


def _line(progress: Answer) -> str:
    line = f"{progress['kind']} {progress['id']}: {progress['state']}"
    said_already = progress["summary"] == progress["state"]
    return line if said_already else f"{line}, {progress['summary']}"
