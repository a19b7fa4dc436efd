"""The tool list as clients get it: a changed word in it is a change that somebody reviews."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio

from ballast.app.catalog import OPERATIONS
from ballast.faces.mcp.server import build_server

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ballast.app.app import App


def tools_snapshot() -> str:
    """The default tools of paper mode as indented JSON, in the order in which they are listed."""
    server = build_server(OPERATIONS, _no_app, version="", mode="paper")
    tools = anyio.run(server.list_tools)
    listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    return json.dumps(listed, indent=2, ensure_ascii=False) + "\n"


def _no_app() -> AbstractAsyncContextManager[App]:
    raise AssertionError("listing tools needs no app")
