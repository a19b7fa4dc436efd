"""How answers leave: at once, slowly, or not at all.

Over a socket, `serve` hands every request its connection, and a dropped answer is a real reset.
In process there is none: waits are left out, and a dropped answer raises ConnectionResetError out
of the app, which whoever called it passes on, or turns into a bare 500.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ballast.devnet.wire import Delivery, Reply, json_text

CONNECTION: Final = "ballast.connection"
_NO_LINGER: Final = struct.pack("ii", 1, 0)  # closing then sends RST and not FIN


def response(reply: Reply) -> Response:
    """The HTTP answer."""
    text = json_text(reply.body) if reply.text is None else reply.text
    content, headers = text.encode("utf-8", "surrogatepass"), dict(reply.headers)
    if reply.delivery is None:
        return Response(content, reply.status, headers, reply.media_type)
    return _Spoilt(content, reply, headers)


class _Spoilt(Response):
    """An answer that a fault keeps from arriving well."""

    def __init__(self, content: bytes, reply: Reply, headers: dict[str, str]) -> None:
        super().__init__(content, reply.status or 500, headers, reply.media_type)
        assert reply.delivery is not None
        self._delivery = reply.delivery

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = scope.get("extensions", {}).get(CONNECTION)
        if self._delivery.reset:
            await _drop(connection, receive)
        elif connection is None:
            await super().__call__(scope, receive, send)
        else:
            await self._send_slowly(self._delivery, receive, send)

    async def _send_slowly(self, delivery: Delivery, receive: Receive, send: Send) -> None:
        await _pause(delivery.wait_seconds, receive)
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        content, size = bytes(self.body), delivery.chunk_bytes or max(1, len(self.body))
        for start in range(0, len(content), size):
            part = {"type": "http.response.body", "body": content[start : start + size]}
            await send(part | {"more_body": True})
            await _pause(delivery.chunk_seconds, receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drop(connection: asyncio.Transport | None, receive: Receive) -> None:
    if connection is None:
        raise ConnectionResetError("The devnet dropped the connection")
    raw = connection.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    connection.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    """Until the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pause(seconds: float, receive: Receive) -> None:
    """So many real seconds, or until the client has hung up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _gone(receive)
