"""Whatever is bought, at whatever price and fee: the ledger is the venue's books, to the unit."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ballast.core.ledger import held
from tests.app.world import World, open_world

# Coins, look-alikes on other chains and stablecoins: their pairs have different fees.
SYMBOLS = ("BTC", "ETH", "SOL", "NEAR", "DOGE", "LINK", "USDC", "USDC on Base", "USDT on Ethereum")


@st.composite
def baskets(draw):
    names = draw(st.lists(st.sampled_from(SYMBOLS), min_size=2, max_size=7, unique=True))
    cuts = draw(
        st.lists(
            st.integers(1, 9_999),
            min_size=len(names) - 1,
            max_size=len(names) - 1,
            unique=True,
        )
    )
    edges = [0, *sorted(cuts), 10_000]
    weights = [high - low for low, high in pairwise(edges)]
    return [
        (name, f"{bps // 100}.{bps % 100:02d}") for name, bps in zip(names, weights, strict=True)
    ]


# An example is a whole life and takes a second; shrinking a failure would take minutes.
@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(
    basket=baskets(),
    seed=st.integers(0, 2**32),
    dollars=st.integers(20, 500_000),
    days=st.lists(st.integers(1, 400), min_size=1, max_size=2),
    destination=st.sampled_from(("policy", "target")),
)
def test_the_ledger_equals_the_devnets_books_to_the_base_unit(
    basket, seed, dollars, days, destination
):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(_live(Path(directory), basket, seed, dollars, days, destination))


async def _live(directory, basket, seed, dollars, days, destination):
    async with open_world(directory, market_seed=seed) as world:
        index = await world.funded_index(basket=basket, amount=str(dollars))
        await _agrees(world, index)
        for span in days:
            world.pass_time(timedelta(days=span))
            plan = await world.call(
                "preview_rebalance", index_id=index.index_id, destination=destination
            )
            if plan.swaps:
                started = await world.call(
                    "rebalance_index", index_id=index.index_id, plan_id=plan.plan_id
                )
                ended = await world.follow(started.rebalance_id)
                assert ended.state == "completed"
            await _agrees(world, index)


async def _agrees(world: World, index) -> None:
    """Compared with the devnet's own tables, not through the adapter."""
    async with world.app.store.read() as reader:
        ours = held(await reader.balances(index.index_id))
    theirs = {
        row["asset_id"]: int(row["amount"])
        for row in world.devnet.network.store.all(
            "SELECT asset_id, amount FROM balances WHERE account = ?", index.account_id
        )
        if int(row["amount"])
    }
    assert ours == theirs
    assert await world.verified()
