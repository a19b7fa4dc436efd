"""What is asked of a request before who sent it: names, sizes, times; and headers of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.rates import Bucket

LARGEST_BODY: Final = 256 * 1024
"""Bytes; an index of a hundred assets takes ten thousand."""
Header = tuple[bytes, bytes]
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
    """The headers that tell a browser to be careful."""

    def __init__(self, edges: Edges) -> None:
        headers = dict(_HEADERS)
        if edges.url.startswith("https:"):
            headers["Strict-Transport-Security"] = "max-age=31536000"
        self._headers = [(name.lower().encode(), one.encode()) for name, one in headers.items()]
        self._names = {name for name, _ in self._headers}

    def beside(self, said: Iterable[Header]) -> list[Header]:
        """Those that an answer with these headers, names in lower case, does not say itself."""
        themselves = self._names.intersection(name for name, _ in said)
        if not themselves:
            return self._headers
        return [one for one in self._headers if one[0] not in themselves]


class KnownNames:
    """Refuses requests under another name, or from another's page.

    A page elsewhere can make a browser on this machine ask for it, by a name of its own that
    leads here (DNS rebinding); Host and Origin are what it cannot forge.
    """

    def __init__(self, edges: Edges) -> None:
        own = urlsplit(edges.url)
        self._hosts = edges.hosts | {(own.hostname or "").lower()}
        self._origins = edges.origins | {f"{own.scheme}://{own.netloc}".lower()}

    def refusal_of(self, scope: Scope) -> BallastError | None:
        """Why a request is refused; None where it is not."""
        hosts = headers_of(scope, b"host")
        host = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
        if name_of(host) not in self._hosts:
            return BallastError(
                ErrorCode.HOST_REFUSED, "This server is not known under the name in Host."
            )
        origins = headers_of(scope, b"origin")
        origin = origins[0].decode("latin-1").lower() if origins else ""
        if not origin or origin in self._origins or origin == f"{scope['scheme']}://{host}":
            return None
        return BallastError(
            ErrorCode.ORIGIN_REFUSED, "Pages from the origin in Origin may not call this server."
        )


async def with_small_body(scope: Scope, receive: Receive, seconds: float) -> Receive:
    """Take in a request's body before anything else is done for it: no more than `LARGEST_BODY`,
    and only if it comes in time.

    Returns:
        What gives the body at hand, and then whatever else comes.

    Raises:
        BallastError: `request_too_large`, `request_too_slow`.
    """
    if not _announces_body(scope):
        return receive
    try:
        async with asyncio.timeout(seconds):
            messages = await _whole_body(scope, receive)
    except TimeoutError:
        raise BallastError(ErrorCode.REQUEST_TOO_SLOW, "The body did not arrive in time.") from None

    async def receive_again() -> Message:
        return messages.pop(0) if messages else await receive()

    return receive_again


def headers_of(scope: Scope, name: bytes) -> list[bytes]:
    """All values of a header, which a server gives in lower case."""
    return [value for known, value in scope["headers"] if known == name]


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
