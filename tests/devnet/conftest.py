from __future__ import annotations

import pytest

from tests.devnet.faulty import FUNDS
from tests.devnet.world import ALICE, USDC, World


@pytest.fixture
def world(tmp_path):
    made = World.open(tmp_path / "devnet.db")
    yield made
    made.devnet.close()


@pytest.fixture
async def funded(world):
    """Alice holds dollars, and whatever happens, the books stay whole."""
    await world.use_salt()
    await world.mint(ALICE.account, USDC, FUNDS)
    yield world
    await world.accounts()
