"""GET /api/events: what happens to an owner's money, as it happens, as server-sent events."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import Request
from starlette.responses import Response

from ballast.app.feed import Cursor, Feed
from ballast.app.operation import Caller
from ballast.core.access import Scope
from ballast.core.events import Event
from ballast.errors import BallastError, ErrorCode
from ballast.faces.answers import json_text

if TYPE_CHECKING:
    from ballast.app.app import App

PATH: Final = "/api/events"
LOOK_EVERY: Final = 1.0
"""Real seconds between two looks at the rows; another process may have written them."""
STILL_THERE_EVERY: Final = 15
"""Looks without an event after which a comment says that the connection lives."""
LONGEST_STREAM: Final = 300
"""Looks after which a stream ends, so that a credential which has ended ends it too. Clients come
back by themselves, with the id of the last event."""
MOST_STREAMS: Final = 10
"""Of one owner in this process."""

_DESCRIPTION: Final = (
    "Follow what happens: rebalances, swaps, deposits, withdrawals, drift alerts, limits. Each "
    "event has an id; a client that comes back with it in Last-Event-ID misses nothing, and may "
    "get those of the last seconds again."
)
_DESCRIBED: Final[dict[str, Any]] = {
    "operation_id": "follow_events",
    "summary": "Follow events",
    "description": _DESCRIPTION,
    "response_model": None,
    "responses": {200: {"description": "A stream.", "content": {"text/event-stream": {}}}},
    "openapi_extra": {
        "parameters": [
            {
                "name": "Last-Event-ID",
                "in": "header",
                "required": False,
                "description": "Id of the last event received.",
                "schema": {"type": "string"},
            }
        ]
    },
}


class Streams:
    """The open streams of this process."""

    def __init__(self, app: App, ending: asyncio.Event) -> None:
        self._app = app
        self._ending = ending
        self._open: Counter[str] = Counter()

    async def endpoint(self, request: Request) -> Response:
        """Open a stream.

        Raises:
            BallastError: `scope_missing`; `invalid_input` for a Last-Event-ID that is none;
                `rate_limited` when the owner has enough of them.
        """
        caller: Caller = request.state.caller
        if Scope.READ not in caller.scopes:
            raise BallastError(
                ErrorCode.SCOPE_MISSING, "Following events needs the scope read.", scope="read"
            )
        last = request.headers.get("last-event-id")
        feed = Feed(self._app, caller.owner_id, Cursor.parse(last) if last else None)
        if self._open[caller.owner_id] >= MOST_STREAMS:
            raise BallastError(
                ErrorCode.RATE_LIMITED,
                f"There are {MOST_STREAMS} streams open already.",
                bucket="streams",
                retry_after_seconds=30,
            )
        return EventSourceResponse(
            self._stream(feed, caller.owner_id),
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _stream(self, feed: Feed, owner_id: str) -> AsyncIterator[bytes]:
        self._open[owner_id] += 1
        quiet, ending = 0, False
        try:
            yield format_sse_event(comment="following", retry=1_000)
            for _ in range(LONGEST_STREAM):
                found = await self._look(feed)
                for event in found:
                    yield encoded(event)
                quiet = 0 if found else quiet + 1
                if quiet % STILL_THERE_EVERY == STILL_THERE_EVERY - 1:
                    yield format_sse_event(comment="still here")
                if ending:
                    return
                # What is written before the end is told: one more look follows.
                ending = await self._is_ending()
        finally:
            self._open[owner_id] -= 1

    async def _look(self, feed: Feed) -> list[Event]:
        """What is new; nothing while the store cannot be read, as the next look tells it all."""
        try:
            return await feed.new()
        except BallastError:
            return []

    async def _is_ending(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await self._ending.wait()
        return self._ending.is_set()


def add_events(application: FastAPI, app: App, ending: asyncio.Event) -> None:
    """Add the route.

    Args:
        ending: set when the process is asked to end; streams then end as well.
    """
    streams = Streams(app, ending)
    application.add_api_route(PATH, streams.endpoint, methods=["GET"], **_DESCRIBED)


def encoded(event: Event) -> bytes:
    """An event as it is sent; its text is one line of JSON."""
    told = {
        "event_id": event.event_id,
        "kind": event.kind.value,
        "at": event.at.isoformat(),
        "index_id": event.index_id,
        "sequence": event.sequence,
        "data": dict(event.data),
    }
    return format_sse_event(
        data_str=json_text(told), event=event.kind.value, id=str(Cursor.of(event))
    )
