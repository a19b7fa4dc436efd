"""The base line: an MCP server of the same SDK with one tool that does nothing.

Run as `python -m benchmarks.bare_server`.
"""

from __future__ import annotations

from mcp.server import MCPServer

server: MCPServer[None] = MCPServer("bare")


@server.tool()
def ping() -> str:
    """Say pong."""
    return "pong"


if __name__ == "__main__":
    server.run("stdio")
