"""One ASGI application for everybody who is not at the machine: MCP, REST, its description."""
