"""The base line over HTTP: a FastAPI route, and a server of the MCP SDK, that do nothing.

Run as `python -m benchmarks.bare_http PORT`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from mcp.server import MCPServer

server: MCPServer[None] = MCPServer("bare")


@server.tool()
def ping() -> str:
    """Say pong."""
    return "pong"


tools = server.streamable_http_app(json_response=True, stateless_http=True)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """The tool server's own."""
    async with server.session_manager.run():
        yield


application = FastAPI(lifespan=lifespan)


@application.get("/ping")
async def route() -> dict[str, str]:
    """Say pong."""
    return {"ping": "pong"}


application.mount("/", tools)

if __name__ == "__main__":
    import uvicorn

    uvicorn.run(application, port=int(sys.argv[1]), access_log=False, log_level="warning")
