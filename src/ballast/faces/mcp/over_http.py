"""The tool server over streamable HTTP: each request says for itself who is asking."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import INVALID_REQUEST, PARSE_ERROR, CallToolResult, jsonrpc_message_adapter
from pydantic import ValidationError
from pydantic_core import from_json

from ballast.app.observing import Activity, Doing, Watchers, told
from ballast.app.operation import Caller, Operation, Output
from ballast.faces.mcp.following import Following
from ballast.faces.mcp.server import make_server

if TYPE_CHECKING:
    from ballast.app.app import App

CarryOutFor = Callable[[Operation, dict[str, Any], Caller], Awaitable[Output]]
"""Carries out an operation with the arguments as they came, for a caller."""

_ASKING: ContextVar[Caller] = ContextVar("asking")


def tools_over_http(
    app: App,
    offered: tuple[Operation, ...],
    carry_out: CarryOutFor,
    *,
    version: str,
    ending: asyncio.Event,
) -> StreamableHTTPSessionManager:
    """What answers requests to /mcp, of every revision of the protocol: one JSON answer to one
    request, and nothing kept between two. The one exception is a request to be told of changes,
    whose answer is a stream. Its `run` must be entered before the first request.

    Hosts, origins, credentials and the size of bodies are the application's matter; the caller is
    expected in the request's state.
    """

    async def carry_out_for_asker(operation: Operation, arguments: dict[str, Any]) -> Output:
        return await carry_out(operation, arguments, _ASKING.get())

    async def opened() -> App:
        return app

    server = make_server(
        offered,
        carry_out_for_asker,
        version=version,
        mode=app.mode,
        following=Following(opened, _ASKING.get, ending),
        middleware=[KnowWhoAsks(), SeenMessages(app.observer, offered)],
    )
    return StreamableHTTPSessionManager(server._lowlevel_server, json_response=True, stateless=True)


def refusal_of_no_message(body: bytes) -> dict[str, Any] | None:
    """The JSON-RPC error for a body that is no message; None if it is one. The SDK would answer
    with what its libraries say."""
    try:
        jsonrpc_message_adapter.validate_python(from_json(body), by_name=False)
    except ValidationError:
        return _refusal(
            INVALID_REQUEST,
            "Invalid Request: the body has to be one JSON-RPC 2.0 message, "
            "with jsonrpc, id and method.",
        )
    except ValueError:
        return _refusal(PARSE_ERROR, "Parse error: the body is not JSON.")
    return None


def _refusal(code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}


class KnowWhoAsks:
    """Remembers the caller of an HTTP request while its message is handled."""

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Handle the message for the caller that the application has admitted."""
        assert ctx.request is not None, "a message over HTTP has a request"
        token = _ASKING.set(ctx.request.state.caller)
        try:
            with told({"call_id": ctx.request.state.call_id}):
                return await call_next(ctx)
        finally:
            _ASKING.reset(token)


# Of the names that clients send these are counted; whatever else they make up is one.
_METHODS: Final = frozenset(
    {
        "initialize",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "server/discover",
        "tools/call",
        "tools/list",
    }
)
_OTHER: Final = "_OTHER"


class SeenMessages:
    """Tells whoever watches how each message went."""

    def __init__(self, observer: Watchers, offered: tuple[Operation, ...]) -> None:
        self._observer = observer
        self._tools = frozenset(one.name for one in offered)

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Handle the message. A refusal is an answer like any other, marked as an error."""
        labels = {"method": ctx.method if ctx.method in _METHODS else _OTHER, "tool": ""}
        if ctx.method == "tools/call":
            name = (ctx.params or {}).get("name")
            labels["tool"] = name if name in self._tools else _OTHER
        with self._observer.observe(Activity(Doing.MESSAGE, ctx.method, labels)) as seen:
            answer = await call_next(ctx)
            match answer:
                case CallToolResult(is_error=True) | {"isError": True}:
                    seen.outcome = "tool_error"
            return answer
