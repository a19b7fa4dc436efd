"""How much is stopped: what goes on at each level, and orders that come past the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ballast.app.destinations import add_destination
from ballast.app.resuming import resume_trading
from ballast.app.switch import heed_orders
from ballast.bootstrap import Places
from ballast.core.halting import HaltLevel
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError
from ballast.simulation.records import Records
from ballast.simulation.witness import Witness
from tests.app.world import settings_for

HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def signed_into(world, *, base: bool) -> int:
    """How many messages are on record that buy the base asset or leave, or that buy another."""
    records = Records(Places(settings_for(world.directory).home).database)
    sql = (
        "SELECT count(*) FROM intents JOIN swaps USING (swap_id)"
        " JOIN indexes ON indexes.index_id = swaps.index_id"
        " WHERE (swaps.purpose = 'payout' OR swaps.buy = indexes.base_asset_id) = ?"
    )
    (count,) = records.column(sql, base)
    records.close()
    return int(count)


async def far_from_its_targets(world):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    return index


async def started(world, index):
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    return await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)


async def test_with_no_new_risk_nothing_is_bought_and_what_is_sold_ends(world):
    index = await far_from_its_targets(world)
    before = signed_into(world, base=False)
    rebalance = await started(world, index)
    await world.call("halt_trading", level="no_new_risk")

    ended = await world.follow(rebalance.rebalance_id)

    given_up = [one for one in ended.swaps if one.state == "failed"]
    assert given_up
    assert all("No new risk" in one.problem for one in given_up)
    assert signed_into(world, base=False) == before
    assert await world.verified()


async def test_with_no_new_risk_only_what_sells_into_the_base_asset_is_started(world):
    index = await far_from_its_targets(world)
    await add_destination(world.app, LOCAL_OWNER, "home", "ethereum", HOME, None)
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    await world.call("halt_trading", level="no_new_risk")

    refusal = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    out = await world.call(
        "preview_withdrawal", index_id=index.index_id, everything=True, destination="home"
    )
    sent = await world.call("withdraw", index_id=index.index_id, plan_id=out.plan_id)

    assert (refusal.code, refusal.details["level"]) == ("trading_halted", "no_new_risk")
    assert (await world.follow(sent.withdrawal_id)).state == "sent"
    assert await world.verified()


async def test_with_no_new_risk_a_deposit_is_credited_and_stays_cash(world):
    index = await world.new_index()
    await world.call("halt_trading", level="no_new_risk")

    credited = await world.deposit(index.index_id)

    assert (credited.state, credited.follow_up_id) == ("credited", None)
    assert signed_into(world, base=False) == 0


async def test_a_level_is_only_ever_made_stricter_and_a_terminal_lifts_all(world):
    await world.new_index()
    levels = ("no_new_risk", "nothing", "no_new_risk")
    said = [(await world.call("halt_trading", level=one)).trading for one in levels]
    assert said == ["no_new_risk", "halted", "halted"]
    async with world.app.store.read() as reader:
        told = [
            one.data["level"]
            for one in await reader.untold_events(100)
            if one.kind == "trading.halted"
        ]
    assert told == ["no_new_risk", "nothing"]

    assert await resume_trading(world.app, LOCAL_OWNER)
    assert (await world.call("get_status")).trading == "on"


@pytest.mark.parametrize(
    ("written", "level"),
    [("", "halted"), ("stop!", "halted"), ("no_new_risk\n", "no_new_risk")],
)
async def test_a_file_halts_at_once_and_its_removal_resumes_nothing(world, written, level):
    file = world.directory / "halt"
    file.write_text(written)
    assert (await world.call("get_status")).trading == level

    await heed_orders(world.app)
    with pytest.raises(BallastError, match="remove it first"):
        await resume_trading(world.app, LOCAL_OWNER)
    file.unlink()

    assert (await world.call("get_status")).trading == level
    assert await resume_trading(world.app, LOCAL_OWNER)
    assert (await world.call("get_status")).trading == "on"


async def test_a_file_that_cannot_be_read_halts(world):
    (world.directory / "halt").mkdir()
    assert (await world.call("get_status")).trading == "halted"


async def test_a_file_beside_the_ledger_halts_as_one_in_the_data_directory_does(world):
    outer, inner = world.directory / "halt", world.directory / "paper" / "halt"
    inner.write_text("no_new_risk")
    assert (await world.call("get_status")).trading == "no_new_risk"
    outer.touch()
    assert (await world.call("get_status")).trading == "halted"

    outer.write_text("no_new_risk")
    inner.write_text("")
    assert (await world.call("get_status")).trading == "halted", "of two the stricter"
    await heed_orders(world.app)
    with pytest.raises(BallastError) as refused:
        await resume_trading(world.app, LOCAL_OWNER)
    assert f"{outer} and {inner} still order to halt" in refused.value.message
    outer.unlink()
    with pytest.raises(BallastError) as refused:
        await resume_trading(world.app, LOCAL_OWNER)
    assert f"{inner} still orders to halt" in refused.value.message
    inner.unlink()
    assert await resume_trading(world.app, LOCAL_OWNER)


@pytest.mark.parametrize("place", ["halt", "paper/halt"])
async def test_from_the_moment_of_a_file_on_nothing_is_signed_though_no_row_says_so(world, place):
    index = await far_from_its_targets(world)
    before = signed_into(world, base=True) + signed_into(world, base=False)
    await started(world, index)
    (world.directory / place).touch()

    await world.run(timedelta(minutes=1))

    assert signed_into(world, base=True) + signed_into(world, base=False) == before


async def test_a_signal_halts_until_a_terminal_resumes(world):
    world.app.halt_orders.signal()
    assert (await world.call("get_status")).trading == "halted"
    await heed_orders(world.app)
    assert world.app.halt_orders.standing() is None
    assert (await world.call("get_status")).trading == "halted"
    assert await resume_trading(world.app, LOCAL_OWNER)


async def test_the_witness_sees_what_is_signed_against_a_level(world):
    records = Records(Places(settings_for(world.directory).home).database)
    witness = Witness(records)
    await world.call("halt_trading", level="no_new_risk")
    witness.committed()
    await resume_trading(world.app, LOCAL_OWNER)
    await world.funded_index()
    witness.committed()
    records.close()

    assert witness.wrong == ["A purchase was signed while no new risk was to be taken."]


def test_each_level_stops_all_that_the_one_before_does():
    stopped = [
        {risk for risk in (True, False) if level.stops(opens_risk=risk)} for level in HaltLevel
    ]
    assert stopped == [set(), {True}, {True, False}]


async def test_what_is_previewed_while_trading_is_halted_says_so_and_what_to_do(world):
    index = await far_from_its_targets(world)

    async def warned():
        asked = {"index_id": index.index_id}
        plan = await world.call("preview_rebalance", **asked, destination="target")
        out = await world.call("preview_withdrawal", **asked, everything=True)
        deposit = await world.call("deposit_address", **asked, asset="USDC", amount="50")
        paid = await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)
        return [one.warning for one in (plan, out, deposit, paid)]

    assert await warned() == ["", "", "", ""]
    await world.call("halt_trading", level="no_new_risk")
    plan, out, deposit, _ = await warned()
    assert "nothing is bought" in plan
    assert "rebalance_index will refuse" in plan
    assert out == "", "selling and withdrawing go on"
    assert "kept as cash" in deposit
    await world.call("halt_trading")
    everything = await warned()
    shown = await world.call("preview_withdrawal", index_id=index.index_id, everything=True)
    assert "would be refused now" in shown.next_step
    assert "call withdraw" not in shown.next_step
    assert all("Trading is halted by the kill switch." in one for one in everything)
    assert all("ballast resume" in one for one in everything)
