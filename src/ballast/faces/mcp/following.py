"""Clients that follow resources: they are told that one has changed, and may read it again.

Fed by the rows that tell everything of an owner (`app/feed.py`), so it does not matter which
process wrote them. From 2026-07-28 on a request is a stream of such notes, over any transport;
before that they come between the answers of a connection, which stdio has and HTTP has not.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from ballast.app.feed import Feed
from ballast.app.operation import Caller
from ballast.core.access import Scope
from ballast.core.events import Event
from ballast.errors import BallastError

if TYPE_CHECKING:
    from ballast.app.app import App

INDEXES: Final = "ballast://indexes"
LOOK_EVERY: Final = 1.0
"""Real seconds between two looks at the rows; another process may have written them."""
LONGEST_STREAM: Final = 300
"""Looks after which a stream ends, so that a credential which has ended ends it too."""
MOST_STREAMS: Final = 10
"""Of one owner in this process."""
MOST_FOLLOWED: Final = 1_000
"""Resources of one connection."""

_OF_THE_LIST: Final = ("index.",)
_OF_THE_HISTORY: Final = ("index.rebalanced", "rebalance.", "trade.", "withdrawal.")


class Following:
    """Tells clients what changes.

    Args:
        open_app: gives the app, opening it first where that has not been done.
        asking: whose resources they are; asked while a message is handled.
        ending: set when the process is asked to end; streams then end as well.
    """

    def __init__(
        self,
        open_app: Callable[[], Awaitable[App]],
        asking: Callable[[], Caller],
        ending: asyncio.Event | None = None,
    ) -> None:
        self._open_app = open_app
        self._asking = asking
        self._ending = ending or asyncio.Event()
        self._open: Counter[str] = Counter()
        self._followed: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    def serve_streams(self, server: MCPServer[None]) -> None:
        """Answer `subscriptions/listen`, from 2026-07-28 on."""
        server._lowlevel_server.add_request_handler(
            "subscriptions/listen", SubscriptionsListenRequestParams, self._listen
        )

    def serve_connection(self, server: MCPServer[None]) -> None:
        """Answer `resources/subscribe`, before 2026-07-28, to the one client there is."""
        add = server._lowlevel_server.add_request_handler
        add("resources/subscribe", SubscribeRequestParams, self._subscribe)
        add("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)

    async def close(self) -> None:
        """Tell the one client nothing more."""
        if self._telling is not None:
            self._telling.cancel()
            with suppress(asyncio.CancelledError):
                await self._telling

    async def _listen(
        self, ctx: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """One stream: its end says that it was meant, and the client comes back."""
        owner_id = self._owner()
        if self._open[owner_id] >= MOST_STREAMS:
            raise MCPError(INVALID_REQUEST, f"There are {MOST_STREAMS} streams open already.")
        feed = Feed(await self._open_app(), owner_id)
        self._open[owner_id] += 1
        bus = InMemorySubscriptionBus()
        stream = ListenHandler(bus)

        async def publish() -> None:
            async with aclosing(self._changes(feed)) as changes:
                async for uri in changes:
                    await bus.publish(ResourceUpdated(uri))
            stream.close()

        publishing = asyncio.create_task(publish(), name="follow resources")
        try:
            return await stream(ctx, params)
        finally:
            self._open[owner_id] -= 1
            publishing.cancel()
            with suppress(asyncio.CancelledError):
                await publishing

    async def _subscribe(
        self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams
    ) -> EmptyResult:
        owner_id = self._owner()
        if not is_resource(params.uri):
            raise MCPError(INVALID_PARAMS, f"Resources begin with {INDEXES}.")
        if len(self._followed) >= MOST_FOLLOWED:
            raise MCPError(INVALID_REQUEST, f"{MOST_FOLLOWED} resources are followed already.")
        self._followed.add(params.uri)
        if self._telling is None or self._telling.done():
            # From before the answer on: what happens after it is told.
            telling = self._tell(Feed(await self._open_app(), owner_id), ctx.session)
            self._telling = asyncio.create_task(telling, name="follow resources")
        return EmptyResult()

    async def _unsubscribe(
        self, ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams
    ) -> EmptyResult:
        self._followed.discard(params.uri)
        return EmptyResult()

    async def _tell(self, feed: Feed, session: Any) -> None:
        """Until nothing is followed any more."""
        while self._followed:
            async with aclosing(self._changes(feed)) as changes:
                async for uri in changes:
                    if uri in self._followed:
                        await session.send_resource_updated(uri)

    async def _changes(self, feed: Feed) -> AsyncGenerator[str]:
        """The resources that change, as they do; each once for all that one look has found."""
        for _ in range(LONGEST_STREAM):
            for uri in dict.fromkeys(uri for one in await _new(feed) for uri in changed_by(one)):
                yield uri
            if self._ending.is_set():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._ending.wait()

    def _owner(self) -> str:
        caller = self._asking()
        if Scope.READ not in caller.scopes:
            raise MCPError(INVALID_REQUEST, "Following resources needs the scope read.")
        return caller.owner_id


def changed_by(event: Event) -> list[str]:
    """The resources that are another after an event. What an index holds, and what it is told to
    do, is in all of them but the list."""
    found = [INDEXES] if event.kind.value.startswith(_OF_THE_LIST) else []
    if event.index_id is not None:
        found.append(f"{INDEXES}/{event.index_id}")
        if event.kind.value.startswith(_OF_THE_HISTORY):
            found.append(f"{INDEXES}/{event.index_id}/history")
    return found


def is_resource(uri: str) -> bool:
    """Whether this could be one of ours."""
    return uri == INDEXES or uri.startswith(f"{INDEXES}/")


async def _new(feed: Feed) -> list[Event]:
    """What is new; nothing while the store cannot be read, as the next look tells it all."""
    try:
        return await feed.new()
    except BallastError:
        return []
