"""Requests to an application in this same process: no socket, no connection, and half the time of
a client that prepares for them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import unquote, urlencode, urlsplit

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Any, Receive, Send], Awaitable[None]]

_CLIENT: Final = ("127.0.0.1", 123)


class Inside:
    """The way to one ASGI application.

    Args:
        url: under which the application believes to be called.
        headers: sent with each request.
    """

    def __init__(self, app: Asgi, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._app = app
        self._path = parts.path
        self._scope: Final[dict[str, Any]] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": parts.scheme,
            "server": (parts.hostname, parts.port),
            "client": _CLIENT,
            "root_path": "",
        }
        self._headers = [
            (name.lower().encode(), value.encode())
            for name, value in {"Host": parts.netloc, **headers}.items()
        ]

    async def exchange(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """One request: status, headers and body of its answer. An application that breaks off has
        answered with 500, as a server answers for it."""
        headers = self._headers
        if body is not None:
            length = (b"content-length", str(len(body)).encode())
            headers = [*headers, (b"content-type", b"application/json"), length]
        full, _, asked = (self._path + path).partition("?")
        scope = {
            **self._scope,
            "method": method,
            "path": unquote(full),
            "raw_path": full.encode(),
            "query_string": (urlencode(query) or asked).encode(),
            "headers": headers,
        }
        answer = _Answer(body or b"")
        try:
            await self._app(scope, answer.receive, answer.send)
        except Exception:  # whatever it is, to the caller it is a server's failure
            log.debug("the application in this process broke off", exc_info=True)
            return answer.status or 500, answer.headers, bytes(answer.body)
        assert answer.status is not None, "an application answers, or breaks off"
        return answer.status, answer.headers, bytes(answer.body)


class _Answer:
    """What an application says to one request."""

    def __init__(self, body: bytes) -> None:
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self._request: Message | None = {
            "type": "http.request",
            "body": body,
            "more_body": False,
        }

    async def receive(self) -> Message:
        """The request, once; then nobody listens any more."""
        request, self._request = self._request, None
        return request or {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """The answer, part by part."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
        else:
            self.body += message.get("body", b"")
