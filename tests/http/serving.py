"""The application in this process, and a doorkeeper whose credentials are words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
from fastapi import FastAPI

from ballast.app.app import App
from ballast.app.catalog import OPERATIONS
from ballast.app.operation import Caller
from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.application import make_application
from ballast.faces.http.doorkeeper import Doorkeeper
from ballast.faces.http.edges import Edges
from ballast.faces.http.rates import DEFAULT_RATES, Bucket

HERE: Final = "http://127.0.0.1:8790"
OFTEN: Final[Mapping[Bucket, str]] = dict.fromkeys(DEFAULT_RATES, "1000000/minute")
MINE: Final = {"Authorization": "Bearer mine"}


class Words:
    """Lets in whoever sends a word it knows."""

    challenge = 'Bearer realm="words"'

    def __init__(self, callers: Mapping[str, Caller] | None = None) -> None:
        self._callers = {"mine": Caller(), **(callers or {})}

    async def admit(self, headers: Mapping[str, str], address: str) -> Caller:
        """The caller of a word; LookupError is no answer of a doorkeeper."""
        word = headers.get("authorization", "").removeprefix("Bearer ")
        if word not in self._callers:
            raise BallastError(ErrorCode.UNAUTHENTICATED, "Say a word that is known.")
        return self._callers[word]


@asynccontextmanager
async def serving(
    app: App, doorkeeper: Doorkeeper | None = None, **more: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over an app, without a socket between them."""
    application = make_application(
        app,
        doorkeeper or Words(),
        **{
            "over_rest": OPERATIONS,
            "over_mcp": OPERATIONS,
            "version": "1",
            "edges": Edges(HERE, rates=OFTEN),
            "ending": asyncio.Event(),
            **more,
        },
    )
    async with started(application):
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            yield client


@asynccontextmanager
async def started(application: FastAPI) -> AsyncIterator[None]:
    """The application's lifespan, in a task of its own: a fixture ends in another one than it
    began in."""
    ready, enough = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with application.router.lifespan_context(application):
            ready.set()
            await enough.wait()

    living = asyncio.create_task(live())
    await ready.wait()
    yield
    enough.set()
    await living


async def called(client: httpx.AsyncClient, method: str, **params: Any) -> Any:
    """The result of an MCP message sent by hand, as a client of 2025 sends it."""
    answer = await client.post(
        "/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        headers={
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-06-18",
        },
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]
