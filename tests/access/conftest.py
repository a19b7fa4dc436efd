from __future__ import annotations

from dataclasses import replace

import pytest

from ballast.adapters.passwords import Argon2Cost, Argon2Passwords
from ballast.app.access.accounts import create_account
from ballast.app.operation import Caller
from tests.access.clock import WallClock
from tests.access.serving import reached
from tests.app.world import open_world

PASSWORD = "correct horse battery staple"
CHEAP = Argon2Cost(passes=1, memory_kib=8, lanes=1)


@pytest.fixture
async def world(tmp_path):
    """A world whose machine has a clock that tests move, and where passwords cost little."""
    async with open_world(tmp_path) as opened:
        opened.app.wall = WallClock()
        opened.app.sign_in = replace(opened.app.sign_in, passwords=Argon2Passwords(CHEAP))
        yield opened


@pytest.fixture
async def granting(world):
    """A world that lets applications in, and somebody who can sign in."""
    world.app.sign_in = replace(world.app.sign_in, grants=True)
    await create_account(world.app, Caller(face="cli"), "ann", PASSWORD, mine=True)
    return world


@pytest.fixture
async def client(granting):
    async with reached(granting) as at, at() as opened:
        yield opened
