"""Serving one client over two streams, until it has every answer to what it asked.

The SDK takes the end of what a client says for the end of what it wants to hear, and cuts off every
call that runs. A program that pipes its requests in and closes the pipe still reads the answers.
"""

from __future__ import annotations

import contextvars
from types import TracebackType
from typing import Final

import anyio
from mcp.server import MCPServer
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp_types import (
    CONNECTION_CLOSED,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)

LONGEST_GOODBYE: Final = 20.0
"""Real seconds in which calls may end after a client has said its last word."""
# What has no answer as long as somebody listens.
_ENDLESS: Final = "subscriptions/listen"

Message = SessionMessage | Exception


async def serve(
    server: MCPServer[None], heard: ReadStream[Message], said: WriteStream[SessionMessage]
) -> None:
    """Serve a client until it has ended and what it asked is answered, or `LONGEST_GOODBYE`."""
    talk = Talk()
    inner = server._lowlevel_server
    options = inner.create_initialization_options()
    await inner.run(Heard(heard, talk), Said(said, talk), options)


class Talk:
    """Who waits for whose answer."""

    def __init__(self) -> None:
        self._unanswered: set[RequestId] = set()
        self._asked: set[RequestId] = set()
        self._moved = anyio.Event()
        self._deadline: float | None = None

    def heard(self, message: Message) -> None:
        """The client has said this."""
        match message:
            case SessionMessage(message=JSONRPCRequest(id=number, method=method)):
                if method != _ENDLESS:
                    self._unanswered.add(number)
            case SessionMessage(message=JSONRPCResponse(id=number) | JSONRPCError(id=number)):
                self._asked.discard(number)
            case SessionMessage(
                message=JSONRPCNotification(
                    method="notifications/cancelled", params={"requestId": number}
                )
            ):
                self._unanswered.discard(number)

    def said(self, message: SessionMessage) -> None:
        """The client has been told this."""
        match message.message:
            case JSONRPCRequest(id=number):
                self._asked.add(number)
            case JSONRPCResponse(id=number) | JSONRPCError(id=number):
                self._unanswered.discard(number)
        self._moved.set()

    async def last_words(self) -> SessionMessage:
        """What is to be heard after the client's last word: that it answers no more questions.

        Raises:
            EndOfStream: nothing is left to wait for.
        """
        if self._deadline is None:
            self._deadline = anyio.current_time() + LONGEST_GOODBYE
        with anyio.CancelScope(deadline=self._deadline):
            while self._unanswered:
                if self._asked:
                    return _gone(self._asked.pop())
                self._moved = anyio.Event()
                await self._moved.wait()
        raise anyio.EndOfStream


def _gone(number: RequestId) -> SessionMessage:
    error = ErrorData(code=CONNECTION_CLOSED, message="The client has ended.")
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=number, error=error))


class Heard:
    """What a client says. It ends when nothing is left to be answered."""

    def __init__(self, stream: ReadStream[Message], talk: Talk) -> None:
        self._stream = stream
        self._talk = talk

    @property
    def last_context(self) -> contextvars.Context | None:
        """Where the last message came from; the SDK looks for it."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> Message:
        """The next message.

        Raises:
            EndOfStream: there is none.
        """
        try:
            message = await self._stream.receive()
        except anyio.EndOfStream:
            return await self._talk.last_words()
        self._talk.heard(message)
        return message

    async def aclose(self) -> None:
        """Hear no more."""
        await self._stream.aclose()

    def __aiter__(self) -> Heard:
        """Message by message."""
        return self

    async def __anext__(self) -> Message:
        """The next one."""
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Heard:
        """It is closed at the end."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class Said:
    """What a client is told."""

    def __init__(self, stream: WriteStream[SessionMessage], talk: Talk) -> None:
        self._stream = stream
        self._talk = talk

    async def send(self, message: SessionMessage, /) -> None:
        """Tell it this."""
        await self._stream.send(message)
        self._talk.said(message)

    async def aclose(self) -> None:
        """Say no more."""
        await self._stream.aclose()

    async def __aenter__(self) -> Said:
        """It is closed at the end."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
