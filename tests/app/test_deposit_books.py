"""Whatever is paid to whichever address and whenever: the ledger is the devnet's books."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ballast.app.deposits import DEPOSIT_LIFETIME
from ballast.app.engine.deposit_rows import LATE_WATCH
from tests.app.paying import address, agrees, pay, payments, progress
from tests.app.world import USDC, open_world

ASSETS = (USDC, "USDC on Base", "USDT on Ethereum", "USDC on Solana")
UNIT = 10**6
ENDS = {"credited", "refunded", "expired"}


@dataclass(frozen=True)
class Paid:
    """A payment: so many minutes after the one before, to one of the addresses."""

    minutes: int
    address: int
    units: int


# From at once to days after the address has closed; all five within the week it is watched on.
_MINUTES = st.one_of(st.integers(0, 2), st.integers(0, 600), st.integers(1_000, 2_200))
# Far below the minimum of 99, around it, and far above.
_UNITS = st.one_of(
    st.integers(1, 40 * UNIT), st.integers(98 * UNIT, 101 * UNIT), st.integers(UNIT, 3_000 * UNIT)
)
_PAYMENTS = st.lists(
    st.builds(Paid, minutes=_MINUTES, address=st.integers(0, 1), units=_UNITS),
    min_size=1,
    max_size=5,
)


# An example is a week and takes a second; shrinking a failure would take minutes.
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(
    assets=st.tuples(st.sampled_from(ASSETS), st.sampled_from(ASSETS)),
    paid=_PAYMENTS,
    invests=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_after_any_payments_the_ledger_equals_the_devnets_books(assets, paid, invests, seed):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(_live(Path(directory), assets, paid, invests, seed))


async def _live(directory, assets, paid, invests, seed):
    async with open_world(directory, market_seed=seed) as world:
        index = await world.new_index(policy={"invest_deposits": invests})
        made = [
            await address(world, index, asset, amount)
            for asset, amount in zip(assets, ("100", "101"), strict=True)
        ]
        hashes = [[], []]
        for one in paid:
            if one.minutes > 60:
                world.pass_time(timedelta(minutes=one.minutes))
                await world.run(timedelta(minutes=1))
            else:
                await world.run(timedelta(minutes=one.minutes))
            hashes[one.address].append(pay(world, made[one.address], one.units))
        # Every address closes, and what came is swapped or sent back.
        for _ in range(20):
            world.pass_time((DEPOSIT_LIFETIME + LATE_WATCH) / 20)
            await world.run(timedelta(minutes=2))

        for deposit, sent in zip(made, hashes, strict=True):
            ended = await progress(world, deposit)
            assert ended.done
            assert ended.state in ENDS
            assert (ended.state == "expired") == (not sent)
            seen = await payments(world, deposit)
            assert {tx for tx, _ in seen} == set(sent)
        await agrees(world, index)
