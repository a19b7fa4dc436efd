"""The tool server: operations in, an MCP server out."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import anyio
import structlog
from mcp.server import MCPServer
from mcp.server.stdio import stdio_server

from ballast.app.confirming import confirm_plan, question_about
from ballast.app.operation import Caller, Operation, Output, invoke
from ballast.faces.mcp.bridge import (
    BallastServer,
    CarryOut,
    OpenInBackground,
    OperationTool,
    closing,
    resource_text,
)
from ballast.faces.mcp.consent import People
from ballast.faces.mcp.following import INDEXES, Following
from ballast.faces.mcp.goodbye import serve
from ballast.faces.mcp.guides import GUIDES, instructions
from ballast.faces.mcp.schemas import InputSchemas
from ballast.faces.opening import OpenApp, Opening

log = structlog.get_logger(__name__)

DEFAULT_TOOLSETS: Final = frozenset({"default"})
HISTORY_LENGTH: Final = 20


def build_server(
    operations: Iterable[Operation],
    open_app: OpenApp,
    *,
    version: str,
    mode: str,
    toolsets: frozenset[str] = DEFAULT_TOOLSETS,
    caller: Caller | None = None,
) -> MCPServer[None]:
    """An MCP server over operations. It answers `initialize` and `tools/list` without the app,
    which is opened by the first call, or in the background once a client has come.

    Args:
        open_app: opens the app, and starts or joins the engine, on entry; closes it on exit.
        version: of Ballast.
        mode: `paper` or `live`; what exists in paper mode only is not listed in live mode.
        toolsets: which operations are listed.
        caller: whose money the calls are about; by default the local owner.
    """
    opening = Opening(open_app)
    who = caller or Caller(face="mcp")
    following = Following(opening.app, lambda: who)

    async def carry_out(operation: Operation, arguments: dict[str, Any]) -> Output:
        return await invoke(await opening.app(), operation, arguments, who)

    server = make_server(
        offered_operations(operations, mode, toolsets),
        carry_out,
        version=version,
        mode=mode,
        following=following,
        people=_people(opening, who),
        lifespan=closing(following, opening),
        middleware=[OpenInBackground(opening)],
    )
    following.serve_connection(server)
    return server


def make_server(
    offered: tuple[Operation, ...],
    carry_out: CarryOut,
    *,
    version: str,
    mode: str,
    following: Following,
    people: People | None = None,
    **more: Any,
) -> BallastServer:
    """The server of any transport: tools, prompts and resources over operations.

    Args:
        offered: the operations to list, in their order.
        carry_out: what a call does.
        following: tells clients which resources change.
        people: how a person is asked for their word; None: not through this transport.
        more: what the SDK's server takes besides, such as a lifespan and middleware.
    """
    schemas = InputSchemas()
    server = BallastServer(
        [OperationTool.of(one, schemas.of(one.input), carry_out, people) for one in offered],
        GUIDES,
        name="ballast",
        title=f"Ballast ({mode})",
        instructions=instructions(mode),
        version=version,
        log_level="WARNING",
        # The SDK's own would tell every client the same; ours goes by owner.
        subscriptions=False,
        **more,
    )
    following.serve_streams(server)
    _add_resources(server, offered, carry_out)
    return server


def offered_operations(
    operations: Iterable[Operation], mode: str, toolsets: frozenset[str] = DEFAULT_TOOLSETS
) -> tuple[Operation, ...]:
    """The operations of some toolsets that exist in a mode, in their order."""
    return tuple(
        one
        for one in operations
        if one.toolset in toolsets and (mode == "paper" or not one.paper_only)
    )


def run_stdio(server: MCPServer[None]) -> None:
    """Serve one client on stdin and stdout until it closes stdin and has its answers. Whatever else
    in this process writes to stdout meanwhile comes out on stderr."""

    async def run() -> None:
        async with stdio_server() as (heard, said):
            await serve(server, heard, said)

    with suppress(KeyboardInterrupt):
        try:
            anyio.run(run)
        except* BrokenPipeError:
            # Nobody reads on any more, so there is nobody to tell either.
            log.info("client_gone")


def _people(opening: Opening, caller: Caller) -> People:
    async def question(plan_id: str) -> str:
        asked = await question_about(await opening.app(), caller.owner_id, plan_id)
        return "\n".join((f"{asked.opening}. Do you agree?", *asked.lines))

    async def keep(plan_id: str) -> None:
        await confirm_plan(await opening.app(), caller, plan_id, "client")

    return People(question, keep)


def _add_resources(
    server: MCPServer[None], offered: tuple[Operation, ...], carry_out: CarryOut
) -> None:
    by_name = {one.name: one for one in offered}

    async def read(name: str, **arguments: Any) -> str:
        return await resource_text(carry_out(by_name[name], arguments))

    async def indexes() -> str:
        return await read("list_indexes")

    async def index(index_id: str) -> str:
        return await read("get_index", index_id=index_id)

    async def index_history(index_id: str) -> str:
        return await read("trade_history", index_id=index_id, limit=HISTORY_LENGTH)

    for uri, operation, source in (
        (INDEXES, "list_indexes", indexes),
        (f"{INDEXES}/{{index_id}}", "get_index", index),
        (f"{INDEXES}/{{index_id}}/history", "trade_history", index_history),
    ):
        if operation in by_name:
            server.resource(
                uri,
                title=by_name[operation].title,
                description=by_name[operation].description,
                mime_type="application/json",
            )(source)
