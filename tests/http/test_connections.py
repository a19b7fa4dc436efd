"""Connections that bring nothing, or take nothing in: they are not kept."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest

from ballast.faces.http import connections
from ballast.faces.http.serving import Listening, listening, serve

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)


@asynccontextmanager
async def served(length=None):
    """Streams to a server that answers everything with "yes", and may say how long that is."""
    headers = [] if length is None else [(b"content-length", length)]

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"yes"})

    at, ready = Listening("127.0.0.1", 0), asyncio.Event()
    with listening(at) as listener:
        task = asyncio.create_task(serve(application, at, listener, ready.set, asyncio.Event()))
        await ready.wait()
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            signal_end()
            await task


def signal_end():
    """What a service manager does to end a process; only the server listens for it here."""
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("sent", [b"", b"GET", HEAD, HEAD + b"X-Long: " + b"x" * 1000])
async def test_a_head_that_does_not_come_whole_ends_the_connection(sent):
    async with served() as (reader, writer):
        writer.write(sent)

        assert await reader.read() == b""


async def test_a_head_in_small_pieces_gets_no_more_time_for_each():
    async with served() as (reader, writer):
        writer.write(HEAD)
        dripping = asyncio.create_task(drip(writer))

        ended = await asyncio.gather(reader.read(), dripping, return_exceptions=True)

    assert isinstance(ended[1], ConnectionError), "what drips on is not taken any more"


async def test_what_drips_after_an_answer_is_the_next_head_and_gets_no_more_time():
    async with served() as (reader, writer):
        writer.write(HEAD + b"\r\n")
        await reader.readuntil(b"yes")
        dripping = asyncio.create_task(drip(writer))

        ended = await asyncio.gather(reader.read(), dripping, return_exceptions=True)

    assert isinstance(ended[1], ConnectionError), "what drips on is not taken any more"


async def drip(writer):
    while True:
        writer.write(b"X: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def test_a_whole_request_is_answered_and_so_is_the_next_one():
    async with served() as (reader, writer):
        for _ in range(2):
            writer.write(HEAD + b"\r\n")
            assert await reader.readuntil(b"yes")


# --- packets --------------------------------------------------------------------------------------


class Wire:
    """A transport that remembers what it was given."""

    def __init__(self):
        self.sent = []

    def write(self, data):
        self.sent.append(data)

    def close(self):
        self.sent.append("closed")


def test_an_answer_leaves_in_one_piece_and_a_stream_as_it_comes():
    wire = Wire()
    transport = connections.OnePacket(wire)
    known, stream = (
        b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % one
        for one in (b"content-length: 3", b"transfer-encoding: chunked")
    )

    for data in (known, b"yes", b"", stream, b"1\r\na\r\n", known):
        transport.write(data)
    transport.close()

    assert wire.sent == [known + b"yes", stream, b"1\r\na\r\n", known, "closed"]


async def test_an_answer_to_head_needs_no_body():
    async with served(length=b"3") as (reader, writer):
        writer.write(HEAD.replace(b"GET", b"HEAD") + b"\r\n")

        assert b"content-length: 3" in await reader.readuntil(b"\r\n\r\n")
