"""The short way to an operation leads where the long one leads."""

from __future__ import annotations

import asyncio

import pytest
from starlette.routing import Match

from ballast.app.catalog import OPERATIONS
from ballast.faces.http.application import make_application
from ballast.faces.http.edges import Edges
from ballast.faces.rest.routes import PlainRoute
from ballast.faces.rest.straight import Straight
from tests.http.serving import HERE, Words

VALUE = "it is %2e é"


@pytest.fixture
def routes(world) -> list[PlainRoute]:
    application = make_application(
        world.app,
        Words(),
        over_rest=OPERATIONS,
        over_mcp=OPERATIONS,
        version="1",
        edges=Edges(HERE),
        ending=asyncio.Event(),
    )
    return [one for one in application.routes if isinstance(one, PlainRoute)]


async def _nowhere(scope, receive, send):
    raise AssertionError("nothing is sent anywhere")


async def test_every_operation_is_found_as_starlette_finds_it(routes):
    straight = Straight(_nowhere, routes)

    assert len(routes) == len(OPERATIONS)
    for route in routes:
        (method,) = route.methods
        path = "/".join(VALUE if "{" in part else part for part in route.path.split("/"))
        scope = {"type": "http", "method": method, "path": path, "root_path": ""}
        long_way = next(one for one in routes if one.matches(scope)[0] is Match.FULL)
        found, values = straight.find(method, path)

        assert found is long_way is route
        assert (
            dict(zip(route.param_convertors, values, strict=True))
            == (route.matches(scope)[1]["path_params"])
        )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/indexes/"),
        ("GET", "/api/indexes//drift"),
        ("GET", "/api/indexes/idx/drift/"),
        ("GET", "/api/indexes/idx/nothing"),
        ("GET", "api/indexes"),
        ("GET", "/API/indexes"),
        ("GET", ""),
        ("PUT", "/api/indexes"),
        ("HEAD", "/api/indexes"),
    ],
)
async def test_what_no_operation_is_at_is_left_to_the_long_way(routes, method, path):
    assert Straight(_nowhere, routes).find(method, path) is None
