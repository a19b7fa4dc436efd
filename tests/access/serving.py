"""The application as people and programs with real credentials reach it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx

from ballast.app.catalog import OPERATIONS
from ballast.faces.http.application import make_application
from ballast.faces.http.doorkeeper import BearerDoor
from ballast.faces.http.edges import Edges
from tests.http.serving import HERE, OFTEN, started


def application_of(world, rates=OFTEN):
    return make_application(
        world.app,
        BearerDoor(world.app),
        over_rest=OPERATIONS,
        over_mcp=OPERATIONS,
        version="1",
        edges=Edges(HERE, rates=rates),
        ending=asyncio.Event(),
    )


@asynccontextmanager
async def reached(world, rates=OFTEN):
    """Makes clients of the application, each at an address of its own."""
    application = application_of(world, rates)

    def client(address="192.0.2.1"):
        transport = httpx.ASGITransport(
            application, raise_app_exceptions=False, client=(address, 50_000)
        )
        return httpx.AsyncClient(transport=transport, base_url=HERE)

    async with started(application):
        yield client
