"""`ballast demo`: two whole index lives, and a day on which eight indexes are left to themselves;
on paper, told by a client that only speaks MCP."""

from ballast.demo.run import run_demo

__all__ = ["run_demo"]
