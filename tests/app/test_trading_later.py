"""What trades by itself from then on is spending: it takes the scope that spending takes."""

from __future__ import annotations

import pytest

from ballast.app.operation import Caller
from ballast.core.access import Scope
from ballast.errors import ErrorCode
from tests.app.world import World

WRITER = Caller(scopes=frozenset({Scope.READ, Scope.WRITE}))
MAJORS = (("BTC", "50"), ("ETH", "50"))
TRADE, TELL = {"auto": "trade"}, {"auto": "alert"}
DAILY = {"purchase_usd": "10", "purchase_schedule": "daily"}


@pytest.fixture
async def automatic(world: World):
    """An index that trades by itself, seen by somebody who may only write."""
    index = await world.new_index(basket=MAJORS, policy=TRADE)
    world.caller = WRITER
    return index


@pytest.mark.parametrize("policy", [TRADE, DAILY, TRADE | DAILY])
async def test_an_index_that_trades_by_itself_is_made_by_who_may_spend(world: World, policy):
    world.caller = WRITER
    asked = {"targets": [{"asset": "BTC", "percent": "100"}], "policy": policy}

    refusal = await world.refused("create_index", name="Mine", **asked)

    assert (refusal.code, refusal.details["scope"]) == (ErrorCode.SCOPE_MISSING, "spend")
    assert (await world.call("list_indexes")).indexes == []
    asked["policy"] = TELL
    assert (await world.call("create_index", name="Mine", **asked)).state == "pending"


@pytest.mark.parametrize(
    "change",
    [
        {"targets": [{"asset": "DOGE", "percent": "100"}]},
        {"buffer_percent": "20"},
        {"policy": {"cooldown_minutes": 0}},
        {"policy": TELL | DAILY},
    ],
    ids=str,
)
async def test_what_an_automatic_index_trades_by_is_changed_by_who_may_spend(
    world: World, automatic, change
):
    refusal = await world.refused("update_index", index_id=automatic.index_id, **change)

    assert refusal.code is ErrorCode.SCOPE_MISSING
    after = await world.call("get_index", index_id=automatic.index_id)
    assert after.policy == automatic.policy
    assert [one.target_percent for one in after.holdings] == [
        one.target_percent for one in automatic.holdings
    ]


async def test_who_may_not_spend_may_switch_it_off_and_then_change_it(world: World, automatic):
    index_id = automatic.index_id
    await world.call("update_index", index_id=index_id, name="Renamed")
    await world.call("update_index", index_id=index_id, policy=TELL)

    changed = await world.call(
        "update_index", index_id=index_id, targets=[{"asset": "DOGE", "percent": "100"}]
    )

    assert (changed.name, changed.policy.auto) == ("Renamed", "alert")
    again = await world.refused("update_index", index_id=index_id, policy=TRADE)
    assert again.code is ErrorCode.SCOPE_MISSING


async def test_an_automatic_index_goes_on_for_who_may_spend(world: World):
    index = await world.funded_index(basket=MAJORS, policy=TRADE)
    world.caller = WRITER
    await world.call("pause_index", index_id=index.index_id)

    refusal = await world.refused("resume_index", index_id=index.index_id)

    assert refusal.code is ErrorCode.SCOPE_MISSING
    assert (await world.call("get_index", index_id=index.index_id)).state == "paused"
    world.caller = Caller()
    assert (await world.call("resume_index", index_id=index.index_id)).state == "active"


async def test_an_index_that_only_tells_is_resumed_by_who_may_write(world: World):
    index = await world.funded_index(basket=MAJORS, policy=TELL)
    world.caller = WRITER
    await world.call("pause_index", index_id=index.index_id)

    assert (await world.call("resume_index", index_id=index.index_id)).state == "active"
