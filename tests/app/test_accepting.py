"""A difference that nobody can explain: it is named until its owner has said that they know."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ballast.app.accepting import accept, what_is_unexplained
from ballast.app.engine.reconciliation import INTERVAL, PATIENCE
from ballast.app.operation import Caller
from ballast.app.verify import verify
from ballast.core.ids import LOCAL_OWNER, IdKind
from ballast.devnet.books import Move
from ballast.errors import BallastError
from tests.app.world import USDC

CLI = Caller(face="cli")
FIVE = 5_000_000


def taken(world, index, units=FIVE):
    """Money leaves the account at the venue without Ballast."""
    network = world.devnet.network
    with network.store.write():
        network.books.post(
            "test", "gone", 0, [Move(index.account_id, "system:issuance", USDC, units)]
        )


@pytest.fixture
async def index(world):
    """An index of which five dollars are gone, and were found to be."""
    made = await world.funded_index()
    taken(world, made)
    await world.run(INTERVAL + 3 * PATIENCE)
    return made


async def test_verify_names_it_in_whole_units_too_until_it_is_accepted(world, index):
    for _ in range(2):
        [problem] = (await verify(world.app)).problems
        assert problem.startswith(f"Main: {FIVE} base units of {USDC} (5 USDC on near")
        assert f"ballast reconcile {index.index_id} --accept" in problem
    returned = await world.call("get_performance", index_id=index.index_id)

    seen = await what_is_unexplained(world.app, LOCAL_OWNER, index.index_id)
    await accept(world.app, CLI, seen)

    assert seen.units == {USDC: FIVE}
    assert "5 USDC" in seen.lines()[0]
    assert await world.verified()
    told = (await world.call("explain", index_id=index.index_id)).decisions[0]
    assert (told.reason, told.facts) == ("difference_accepted", {USDC: str(FIVE)})
    after = await world.call("get_performance", index_id=index.index_id)
    assert after.paid_in_usd == returned.paid_in_usd, "it is no money that was paid out"
    assert after.gain_usd == returned.gain_usd


async def test_afterwards_the_index_trades_again(world, index):
    await accept(world.app, CLI, await what_is_unexplained(world.app, LOCAL_OWNER, index.index_id))
    await world.call("resume_index", index_id=index.index_id)
    await world.run(INTERVAL + 3 * PATIENCE)
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    if plan.swaps:
        given = {"index_id": index.index_id, "plan_id": plan.plan_id}
        started = await world.call("rebalance_index", **given)
        assert (await world.follow(started.rebalance_id)).state == "completed"

    assert (await world.call("get_index", index_id=index.index_id)).state == "active"
    assert await world.verified()


async def test_who_accepted_how_much_is_in_the_audit(world, index):
    await accept(world.app, CLI, await what_is_unexplained(world.app, LOCAL_OWNER, index.index_id))

    async with world.app.store.read() as reader:
        last = await reader.last_audit(index.index_id, "accept_difference")
    assert last.record.reference == index.index_id
    assert str(FIVE) in last.record.facts


async def test_what_was_booked_meanwhile_is_not_accepted_unseen(world, index):
    seen = await what_is_unexplained(world.app, LOCAL_OWNER, index.index_id)
    taken(world, index, units=1)
    await world.run(INTERVAL + 3 * PATIENCE)

    with pytest.raises(BallastError, match="booked meanwhile"):
        await accept(world.app, CLI, seen)
    again = await what_is_unexplained(world.app, LOCAL_OWNER, index.index_id)
    assert again.units == {USDC: FIVE + 1}


async def test_what_is_not_booked_yet_is_shown_and_not_accepted(world):
    index = await world.funded_index()
    taken(world, index)

    seen = await what_is_unexplained(world.app, LOCAL_OWNER, index.index_id)

    assert (seen.units, [one.units for one in seen.differences]) == ({}, [-FIVE])
    assert "5 USDC" in seen.not_booked()[0]
    with pytest.raises(BallastError, match="Nothing of this index is unexplained"):
        await accept(world.app, CLI, seen)


async def test_another_owners_index_is_not_there(world, index):
    with pytest.raises(BallastError) as refused:
        await what_is_unexplained(world.app, world.app.ids.new(IdKind.OWNER), index.index_id)
    assert refused.value.code.value == "not_found"
    assert Decimal(index.value_usd)
