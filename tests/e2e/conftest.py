from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.app.world import open_world
from tests.e2e.machine import Machine

BASKET = [
    ("BTC", "20"),
    ("ETH", "15"),
    ("SOL", "15"),
    ("NEAR", "10"),
    ("DOGE", "10"),
    ("LINK", "10"),
    ("AVAX", "5"),
    ("SUI", "5"),
    ("XRP", "5"),
    ("USDC", "5"),
]


@dataclass(frozen=True, slots=True)
class Stocked:
    """A machine with one invested index, whose domain clock stands still."""

    machine: Machine
    index_id: str

    async def preview(self) -> str:
        """A plan that takes every asset back to its target; its id."""
        async with open_world(self.machine.directory) as world:
            plan = await world.call(
                "preview_rebalance", index_id=self.index_id, destination="target"
            )
            assert len(plan.swaps) >= 6, plan
            return plan.plan_id


async def _stock(machine: Machine) -> str:
    async with open_world(machine.directory) as world:
        index = await world.funded_index(basket=BASKET, amount="100000")
        world.pass_time(timedelta(days=200))
        return index.index_id


@pytest.fixture(scope="session")
def _stocked_once(tmp_path_factory):
    machine = Machine(tmp_path_factory.mktemp("stocked") / "data")
    return Stocked(machine, asyncio.run(_stock(machine)))


@pytest.fixture
def stocked(_stocked_once, tmp_path):
    """A copy of a machine with one index of ten assets, far from its targets."""
    return Stocked(_stocked_once.machine.copy_to(tmp_path / "data"), _stocked_once.index_id)


@pytest.fixture
def machine(tmp_path):
    """A machine on which Ballast has never run; its paper world is quick."""
    return Machine(tmp_path / "data", {"BALLAST_MARKET_SPEED": "20"})
