"""Connections that are not waited for: whoever sends or reads too slowly is cut off.

uvicorn waits without end for the rest of a request's head, and for a client that does not read.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_SECONDS: Final = 10.0
"""Real seconds in which a connection has to bring the whole head of a request."""
READING_SECONDS: Final = 20.0
"""Real seconds a client has to take in the rest of an answer, before it is thrown away."""


class OnePacket:
    """A transport that keeps the head of an answer back until its body comes.

    uvicorn writes them one after the other, which is two packets, and wakes a client for a head it
    can do nothing with. The head of a stream tells no length and leaves at once.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send what is kept back, and this; or keep this back."""
        if not self._head and data.startswith(b"HTTP/1.1 ") and b"\r\ncontent-length:" in data:
            self._head = data
            return
        together, self._head = self._head + data, b""
        if together:
            self._transport.write(together)

    def is_closing(self) -> bool:
        """Whether it is closed or being closed."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Send what is kept back, then close."""
        self.write(b"")
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's."""
        return getattr(self._transport, name)


class ImpatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with an end to waiting."""

    _head: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect the head of a request."""
        super().connection_made(cast(asyncio.Transport, OnePacket(transport)))
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Stop the clock when the head is there; start it when there is only a part of one."""
        super().data_received(data)
        self._expect_head()

    def on_response_complete(self) -> None:
        """Send all of it. A connection that brings nothing next is closed by uvicorn."""
        self.transport.write(b"")  # an answer without a body ends with its head
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not read: give it a while."""
        super().pause_writing()
        self._reader = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._forget_reader()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that nothing came on, and do not wait for what it has not read."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(READING_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clocks."""
        self._forget_head()
        self._forget_reader()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        # uvicorn's annotation leaves out that there is none before the first request.
        cycle: RequestResponseCycle | None = self.cycle
        waits = cycle is None or cycle.response_complete
        if not waits or self.transport.is_closing():
            self._forget_head()
        elif self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _forget_reader(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None
