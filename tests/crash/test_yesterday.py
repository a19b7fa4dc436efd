"""Yesterday's database put back by hand, beside a venue that has gone on: no trade is repeated."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta

import pytest

from tests.app.world import open_world
from tests.crash import flows, referee
from tests.crash.campaign import done
from tests.crash.supervisor import Strike, run


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    directory = tmp_path_factory.mktemp("yesterday") / "start"
    directory.mkdir()
    done(run(flows.prepare, "rebalance", flows.Site(directory)))
    return directory


def put_back(old, directory):
    for file in (directory / "paper").glob("ballast.sqlite*"):
        file.unlink()
    for file in (old / "paper").glob("ballast.sqlite*"):
        shutil.copy(file, directory / "paper")


def run_for_a_day(directory):
    async def passed():
        async with open_world(directory) as world:
            await world.engine.look_first()
            await world.run(timedelta(days=1))
            index_id = await flows.only_index(world)
            return await world.call("get_index", index_id=index_id)

    return asyncio.run(passed())


# 0: before it began. Others: at a call of a rebalance, with some legs signed, and all sent.
@pytest.mark.parametrize("at", [0, 300, 900])
def test_what_was_traded_since_is_not_traded_again(at, start, tmp_path):
    directory = shutil.copytree(start, tmp_path / "data")
    if at:
        assert run(flows.carry_out, "rebalance", flows.Site(directory), strike=Strike(at)).struck
    old = shutil.copytree(directory, tmp_path / "old")
    done(run(flows.carry_out, "rebalance", flows.Site(directory)))
    before = done(run(referee.examine, flows.Site(directory))).movements

    put_back(old, directory)
    index = done(run(run_for_a_day, directory))
    after = done(run(referee.examine, flows.Site(directory)))

    assert after.movements == before
    # What was signed can be found out, and is booked. Of the rest only the balances know: it is
    # missing, and the index stops until its owner has seen it.
    assert (after.problems == []) == (index.state == "active")
    assert index.state == ("paused" if at == 0 else index.state)
