"""What a request passes before anybody asks who sent it: names, sizes, times, and headers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.problems import problem_response
from ballast.faces.http.rates import Bucket

LARGEST_BODY: Final = 256 * 1024
"""Bytes; an index of a hundred assets takes ten thousand."""
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    # What is no page runs and shows nothing; /docs brings a policy of its own.
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Edges:
    """What is let through.

    Attributes:
        url: the address at which the application is reached.
        hosts: names it answers to besides that of the address; lower case, without port.
        origins: pages elsewhere that may call it, as browsers write them.
        rates: how often, where it is not the default.
        body_seconds: real seconds that a body may take to arrive.
    """

    url: str
    hosts: frozenset[str] = LOOPBACK
    origins: frozenset[str] = frozenset()
    rates: Mapping[Bucket, str] = field(default_factory=dict)
    body_seconds: float = 10.0


class SafeHeaders:
    """ASGI middleware that adds the headers which tell a browser to be careful."""

    def __init__(self, app: ASGIApp, edges: Edges) -> None:
        self._app = app
        headers = dict(_HEADERS)
        if edges.url.startswith("https:"):
            headers["Strict-Transport-Security"] = "max-age=31536000"
        self._headers = [(name.lower().encode(), one.encode()) for name, one in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add to its answer what it does not say itself."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = message.get("headers", ())
                names = {name.lower() for name, _ in said}
                more = [one for one in self._headers if one[0] not in names]
                message["headers"] = [*said, *more]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class KnownNames:
    """ASGI middleware that refuses requests under another name, or from another's page.

    A page elsewhere can make a browser on this machine ask for it, by a name of its own that
    leads here (DNS rebinding); Host and Origin are what it cannot forge.
    """

    def __init__(self, app: ASGIApp, edges: Edges) -> None:
        self._app = app
        own = urlsplit(edges.url)
        self._hosts = edges.hosts | {(own.hostname or "").lower()}
        self._origins = edges.origins | {f"{own.scheme}://{own.netloc}".lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await problem_response(refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> BallastError | None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        host = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
        if name_of(host) not in self._hosts:
            return BallastError(
                ErrorCode.HOST_REFUSED, "This server is not known under the name in Host."
            )
        origin = Headers(scope=scope).get("origin", "").lower()
        if not origin or origin in self._origins or origin == f"{scope['scheme']}://{host}":
            return None
        return BallastError(
            ErrorCode.ORIGIN_REFUSED, "Pages from the origin in Origin may not call this server."
        )


class SmallBodies:
    """ASGI middleware that takes in a request's body before anything else is done for it: no more
    than `LARGEST_BODY`, and only if it comes in time."""

    def __init__(self, app: ASGIApp, edges: Edges) -> None:
        self._app = app
        self._seconds = edges.body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body at hand, or answer it."""
        if scope["type"] != "http" or not _announces_body(scope):
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                messages = await _whole_body(scope, receive)
        except BallastError as refusal:
            await problem_response(refusal, {"Connection": "close"})(scope, receive, send)
            return
        except TimeoutError:
            late = BallastError(ErrorCode.REQUEST_TOO_SLOW, "The body did not arrive in time.")
            await problem_response(late, {"Connection": "close"})(scope, receive, send)
            return

        async def receive_again() -> Message:
            return messages.pop(0) if messages else await receive()

        await self._app(scope, receive_again, send)


@lru_cache(maxsize=16)
def name_of(host: str) -> str:
    """The name in a Host header, without its port; lower case."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _announces_body(scope: Scope) -> bool:
    """Whether a request says that a body follows; without that there is none (RFC 9112, 6.3)."""
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


async def _whole_body(scope: Scope, receive: Receive) -> list[Message]:
    """The messages of a body.

    Raises:
        BallastError: `request_too_large`, as soon as that is known.
    """
    declared = Headers(scope=scope).get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > LARGEST_BODY:
        raise _too_large()
    messages, size = list[Message](), 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise _too_large()
        if not message.get("more_body", False):
            return messages


def _too_large() -> BallastError:
    return BallastError(
        ErrorCode.REQUEST_TOO_LARGE,
        f"The body has more than {LARGEST_BODY} bytes.",
        most_bytes=LARGEST_BODY,
    )
