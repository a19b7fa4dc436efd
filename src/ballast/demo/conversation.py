"""Talking to the server as any client does: the official client, over stdio."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from ballast.demo.day_script import Day
from ballast.demo.script import Script
from ballast.demo.stopped import DemoStopped

Answer = dict[str, Any]

# Real seconds. Settling takes well under one; a busy machine may take a few.
CALL_TIMEOUT: Final = 30.0
FOLLOW_TIMEOUT: Final = 60.0
POLL_PAUSE: Final = 0.05


class Conversation:
    """A connected client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def introduction(self) -> str:
        """Who is at the other end, and in which revision of the protocol."""
        info = self._client.server_info
        who = f"{info.title or info.name} {info.version}" if info else "a server without a name"
        return f"{who}, MCP {self._client.protocol_version}"

    async def tool_count(self) -> int:
        """How many tools the server offers.

        Raises:
            DemoStopped: it does not answer.
        """
        try:
            return len((await self._client.list_tools()).tools)
        except MCPError as error:
            raise DemoStopped(f"The server did not list its tools: {error}") from error

    async def call(self, tool: str, /, **arguments: Any) -> Answer:
        """Call a tool.

        Raises:
            DemoStopped: the tool refuses, or the server does not answer.
        """
        try:
            result = await self._client.call_tool(tool, arguments)
        except MCPError as error:
            raise DemoStopped(f"{tool} got no answer: {error}") from error
        answer: Answer = result.structured_content or {}
        if result.is_error:
            raise DemoStopped(f"{tool} was refused: {answer.get('message', 'no reason given')}")
        return answer

    async def follow(self, handle: str) -> Answer:
        """Ask get_progress until a deposit or rebalance is done; its last answer.

        Raises:
            DemoStopped: it is not done within FOLLOW_TIMEOUT.
        """
        try:
            async with asyncio.timeout(FOLLOW_TIMEOUT):
                while True:
                    progress = await self.call("get_progress", id=handle)
                    if progress["done"]:
                        return progress
                    await asyncio.sleep(POLL_PAUSE)
        except TimeoutError:
            raise DemoStopped(f"{handle} was not done after {FOLLOW_TIMEOUT:.0f} s.") from None


@asynccontextmanager
async def conversation(
    data_dir: Path, script: Script | Day, seed: int
) -> AsyncIterator[Conversation]:
    """Start the server as a subprocess of this interpreter, and connect to it.

    The server sees no setting of the person's own shell: the client passes on none.

    Raises:
        DemoStopped: it does not start; what it says itself is on stderr.
    """
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "ballast", "mcp"],
        env={
            "BALLAST_DATA_DIR": str(data_dir),
            "BALLAST_MARKET_SEED": str(seed),
            "BALLAST_LOG_LEVEL": "error",
            **script.world_settings(data_dir),
            **script.server_settings(),
        },
    )
    transport = stdio_client(server, errlog=sys.__stderr__ or sys.stderr)
    client = Client(transport, read_timeout_seconds=CALL_TIMEOUT)
    # Closed by hand: the client's own tasks would wrap what the story raises in a group.
    stack = AsyncExitStack()
    failed = False
    try:
        await stack.enter_async_context(client)
    except* (MCPError, OSError):
        failed = True
    if failed:
        raise DemoStopped("The server did not start; its own words are above.")
    try:
        yield Conversation(client)
    finally:
        await stack.aclose()
