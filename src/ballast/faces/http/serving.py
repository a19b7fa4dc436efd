"""Serving the application over a socket, until the process is asked to end."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ballast.errors import BallastError, ErrorCode

DEFAULT_PORT: Final = 8790
# Requests that run get so long to end, in real seconds; one takes at most calls.LONGEST_CALL.
LONGEST_GOODBYE: Final = 25
MOST_CONNECTIONS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and what stands between there and the world.

    Attributes:
        port: 0 takes any free one.
        certificate, key: PEM files, both or neither; with them it is https.
        proxies: addresses of reverse proxies whose X-Forwarded headers are true.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    proxies: tuple[str, ...] = ()

    def require_safe(self) -> None:
        """Refuse to show credentials to whoever is on the same network.

        Raises:
            BallastError: `settings_invalid` for an address that others reach without TLS and
                without a proxy that brings it.
        """
        if self.certificate is None and not self.proxies and not is_loopback(self.host):
            raise BallastError(
                ErrorCode.SETTINGS_INVALID,
                f"Others reach {self.host}, and keys would cross the network in clear text. Stay "
                "on 127.0.0.1, or set BALLAST_HTTP_TLS_CERTIFICATE and BALLAST_HTTP_TLS_KEY, or "
                "name the reverse proxy that brings TLS in BALLAST_HTTP_PROXIES.",
            )

    def url_at(self, port: int) -> str:
        """The address on this machine, with the port that it has become."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.certificate is None else 'https'}://{name}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def listening(at: Listening) -> Iterator[socket.socket]:
    """A socket that accepts connections.

    Raises:
        BallastError: `settings_invalid` when the address cannot, or should not, be listened on.
    """
    at.require_safe()
    family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's delay off for what it accepts.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((at.host, at.port))
        except (OSError, TypeError) as error:  # the latter of a name that no host can have
            why = getattr(error, "strerror", None) or "it is no name of a host"
            raise BallastError(
                ErrorCode.SETTINGS_INVALID,
                f"Cannot listen on {at.host}, port {at.port}: {why}. Choose another.",
            ) from None
        listener.listen(512)
        yield listener


async def serve(
    application: Any,
    at: Listening,
    listener: socket.socket,
    started: Callable[[], None],
    ending: asyncio.Event,
    *,
    heeds_signals: bool = True,
) -> None:
    """Serve until SIGTERM or SIGINT, or until cancelled; then let what runs end.

    Args:
        started: called when requests are answered.
        ending: set at the signal, for answers that would go on.
        heeds_signals: whether a signal ends it; else somebody else in this process takes them.

    Raises:
        BallastError: `settings_invalid` when certificate and key are no pair.
    """
    import uvicorn

    from ballast.faces.http.connections import ImpatientProtocol

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Take the signals as a wish to end. uvicorn would raise them again afterwards, before
            the app has been closed."""
            if not heeds_signals:
                yield
                return
            loop = asyncio.get_running_loop()
            for one in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(one, self._end)
            yield

        def _end(self) -> None:
            self.should_exit = True
            ending.set()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

    config = uvicorn.Config(
        application,
        http=ImpatientProtocol,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(at.proxies),
        forwarded_allow_ips=list(at.proxies),
        ssl_certfile=at.certificate,
        ssl_keyfile=at.key,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=LONGEST_GOODBYE,
    )
    try:
        config.load()
    except OSError:
        # Also what the TLS library says of the files; its words would tell nobody what to do.
        raise BallastError(
            ErrorCode.SETTINGS_INVALID,
            "BALLAST_HTTP_TLS_CERTIFICATE and BALLAST_HTTP_TLS_KEY are no readable pair of PEM "
            "files.",
        ) from None
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="serve")
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
