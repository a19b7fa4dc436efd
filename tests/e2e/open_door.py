"""`ballast serve`, for clients that cannot send a credential: every request gets one on its way in.

Run as `python -m tests.e2e.open_door KEY`; it serves on a free port, like the command.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from ballast.bootstrap import running_app
from ballast.bootstrap.serving import edges_of, make_http
from ballast.faces.http.serving import Listening, listening, serve
from ballast.settings import read_settings


class WithKey:
    """ASGI middleware that adds the key."""

    def __init__(self, app: Any, key: str) -> None:
        self._app = app
        self._header = (b"authorization", f"Bearer {key}".encode())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], self._header]}
        await self._app(scope, receive, send)


async def main(key: str) -> None:
    at, ending, settings = Listening("127.0.0.1", 0), asyncio.Event(), read_settings()
    with listening(at) as listener:
        url = at.url_at(listener.getsockname()[1])
        reached = settings.model_copy(update={"http_url": url})
        async with running_app(reached) as app:
            shipped = make_http(reached, app, edges_of(reached, at, url), ending)

            def started() -> None:
                sys.stderr.write(f"serves {url}\n")
                sys.stderr.flush()

            await serve(WithKey(shipped, key), at, listener, started, ending)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
