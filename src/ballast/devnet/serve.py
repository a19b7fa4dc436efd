"""The devnet over HTTP, for tests that need a socket and for other people's clients."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final

from ballast.devnet.delivery import CONNECTION
from ballast.devnet.errors import DevnetError
from ballast.devnet.opening import Devnet

DEFAULT_PORT: Final = 8791


def _quiet(url: str) -> None:
    """Tell nobody."""


def serve(
    devnet: Devnet,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    announce: Callable[[str], None] = _quiet,
) -> None:
    """Serve until interrupted; log lines go to stderr.

    Args:
        devnet: an open devnet; it stays open afterwards.
        host: the address to listen on; nothing is protected, so keep it to the loopback.
        port: 0 takes any free one.
        announce: told the base URL as soon as connections are accepted.

    Raises:
        DevnetError: the port is taken.
    """
    import uvicorn

    # With the protocol named, asyncio switches Nagle's delay off for what it accepts.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise DevnetError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
        listener.listen(128)
        announce(f"http://{host}:{listener.getsockname()[1]}")
        config = uvicorn.Config(
            devnet.app,
            access_log=False,
            lifespan="off",
            log_level="warning",
            date_header=False,  # the devnet tells the time of its own clock
            http=_protocol(),
        )
        uvicorn.Server(config).run(sockets=[listener])


def _protocol() -> type[asyncio.Protocol]:
    """The HTTP of uvicorn with one addition: a request can reach its connection, to drop it."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class DroppableProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            app = self.app

            async def with_connection(scope: Any, receive: Any, send: Any) -> None:
                extensions = scope.get("extensions", {}) | {CONNECTION: transport}
                await app(scope | {"extensions": extensions}, receive, send)

            self.app = with_connection

    return DroppableProtocol
