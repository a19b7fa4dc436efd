from __future__ import annotations

import pytest

from tests.app.world import open_world
from tests.http.serving import MINE, serving


@pytest.fixture
async def world(tmp_path):
    async with open_world(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(world):
    """Somebody with a credential for everything."""
    async with serving(world.app) as opened:
        opened.headers.update(MINE)
        yield opened
