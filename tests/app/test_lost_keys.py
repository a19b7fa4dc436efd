"""Without the key of an index nothing of it is started; what had been started ends, unsigned."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

from ballast.adapters.vault import FileVault
from ballast.app.verify import verify


def another_master_key() -> FileVault:
    return FileVault(b"\7" * 32, os.urandom)


async def test_a_rebalance_that_could_not_be_signed_is_not_started(world):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    right = world.app
    world.app = replace(right, vault=another_master_key())

    refused = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    world.app = right
    started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)

    assert refused.code == "keys_unavailable"
    assert (await world.follow(started.rebalance_id)).state == "completed"


async def test_when_the_key_is_lost_meanwhile_it_is_said_and_then_given_up_unsigned(world):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    before = world.executed_by(index.account_id)
    world.engine.app = world.app = replace(world.app, vault=another_master_key())

    await world.run(timedelta(minutes=1))
    waiting = await world.call("get_progress", id=started.rebalance_id)
    await world.run(timedelta(minutes=15))
    ended = await world.call("get_progress", id=started.rebalance_id)

    assert all("another master key" in one.problem for one in waiting.swaps)
    assert (ended.state, {one.state for one in ended.swaps}) == ("failed", {"failed"})
    assert world.executed_by(index.account_id) == before
    of_the_index, *of_the_audit = (await verify(world.app)).problems
    assert "its key does not open" in of_the_index
    assert of_the_audit
    assert all(one.startswith("Audit row ") for one in of_the_audit)
