"""What is told to others: written with what happened, in order, once, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import ballast.app
from ballast.app.destinations import add_destination
from ballast.app.events import emit
from ballast.core.events import EVENTS, EventKind
from ballast.core.ids import LOCAL_OWNER
from ballast.core.money import PICO
from ballast.core.notifications import line_of
from tests.app.paying import fault
from tests.app.world import open_world

HALT = {"why": "owner", "level": "nothing"}
APP = Path(ballast.app.__file__).parent
SOMEBODY = {"owner_id": LOCAL_OWNER, "index_id": None}
HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


async def told(world):
    """Every event, oldest first."""
    async with world.app.store.read() as reader:
        return sorted(await reader.untold_events(10_000), key=lambda one: one.event_id)


async def kinds(world):
    return [one.kind.value for one in await told(world)]


async def last(world):
    return (await told(world))[-1]


async def test_the_life_of_an_index_is_told_in_the_order_in_which_it_happens(world):
    index = await world.funded_index()
    await world.call("update_index", index_id=index.index_id, name="Other")
    await world.call("pause_index", index_id=index.index_id)
    await world.call("pause_index", index_id=index.index_id)
    await world.call("resume_index", index_id=index.index_id)

    happened = await told(world)

    assert [one.kind.value for one in happened] == [
        "index.created",
        "deposit.credited",
        "rebalance.started",
        "trade.completed",
        "trade.completed",
        "trade.completed",
        "rebalance.completed",
        "index.rebalanced",
        "index.updated",
        "index.paused",
        "index.resumed",
    ]
    assert [one.sequence for one in happened] == list(range(1, len(happened) + 1))
    assert {one.stream for one in happened} == {index.index_id}
    assert happened[-1].data["name"] == "Other"
    assert happened[-2].data["why"] == "owner"


async def test_a_rebalance_that_ends_in_parts_says_how_many_swaps_settled(world):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    fault(world, "refunded", route="submit-intent")
    started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    await world.follow(started.rebalance_id)

    ended = next(one for one in reversed(await told(world)) if one.kind.startswith("rebalance"))
    failed = [one for one in await told(world) if one.kind is EventKind.TRADE_FAILED]

    assert ended.kind is EventKind.REBALANCE_PARTIAL
    assert int(ended.data["settled"]) == int(ended.data["swaps"]) - 1 == len(plan.swaps) - 1
    assert [one.data["state"] for one in failed] == ["refunded"]
    assert int(failed[0].data["refunded_units"]) > 0


async def test_money_that_left_is_told_and_its_payout_is_no_trade(world):
    index = await world.funded_index(policy={"invest_deposits": False})
    await add_destination(world.app, LOCAL_OWNER, "home", "ethereum", HOME, None)
    arguments = {"index_id": index.index_id}
    plan = await world.call("preview_withdrawal", **arguments, amount="50", destination="home")
    started = await world.call("withdraw", **arguments, plan_id=plan.plan_id)
    await world.follow(started.withdrawal_id)

    happened = await told(world)
    sent = [one for one in happened if one.kind is EventKind.WITHDRAWAL_SENT]
    assert [one.data["withdrawal_id"] for one in sent] == [started.withdrawal_id]
    assert sent[0].data["chain"] == "eth"
    assert int(sent[0].data["delivered_units"]) > 0
    assert EventKind.TRADE_COMPLETED not in {one.kind for one in happened}


async def test_an_index_that_ended_is_told(world):
    index = await world.new_index()
    await world.call("delete_index", index_id=index.index_id)
    await world.call("delete_index", index_id=index.index_id)

    assert await kinds(world) == ["index.created", "index.archived"]


async def test_a_deposit_that_needs_a_person_is_told(world):
    index = await world.new_index()
    fault(world, "failed-keeps-money")
    deposit = await world.call("deposit_address", index_id=index.index_id, asset="USDC", amount="9")
    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)
    await world.run(timedelta(hours=1))

    event = await last(world)
    assert event.kind is EventKind.DEPOSIT_ATTENTION
    assert event.data["deposit_id"] == deposit.deposit_id


async def test_a_halt_is_told_to_every_owner_once(world):
    await world.new_index()
    await world.call("halt_trading")
    await world.call("halt_trading")

    halts = [one for one in await told(world) if one.kind is EventKind.TRADING_HALTED]
    assert [(one.stream, one.index_id) for one in halts] == [(LOCAL_OWNER, None)]


async def test_a_limit_that_stops_an_investment_is_told(world):
    world.app.default_limits = replace(world.app.default_limits, max_swap_pico=50 * PICO)
    index = await world.new_index()
    await world.deposit(index.index_id)

    event = await last(world)
    assert (event.kind, event.index_id) == (EventKind.LIMIT_REFUSED, index.index_id)
    assert event.data == {"attempt": "invest_deposit", "limit": "per_swap"}


async def test_a_conversation_that_would_widen_a_limit_is_told_of_by_the_limits_name(world):
    index = await world.new_index()
    await world.refused("update_index", index_id=index.index_id, limits={"day_usd": "999999999"})

    event = await last(world)
    assert event.kind is EventKind.LIMIT_REFUSED
    assert event.data == {"attempt": "update_index", "limit": "day_usd"}


async def test_a_plan_that_waits_for_a_persons_word_is_told_once_with_its_id(world):
    index = await world.funded_index()
    low = {"confirm_above_usd": "1"}
    await world.call("update_index", index_id=index.index_id, limits=low)
    plan = await world.call("preview_withdrawal", index_id=index.index_id, everything=True)
    for _ in range(2):
        await world.refused("withdraw", index_id=index.index_id, plan_id=plan.plan_id)

    (event,) = [one for one in await told(world) if one.kind is EventKind.CONFIRMATION_NEEDED]
    assert event.index_id == index.index_id
    assert event.data["plan_id"] == plan.plan_id
    assert event.data["confirm_above_usd"] == "1.00"
    assert f"ballast confirm {plan.plan_id}" in line_of(event, {})


async def test_a_rebalance_of_which_nothing_settles_is_told_as_failed(world):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    fault(world, "refunded", route="submit-intent", count=None)
    started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    await world.follow(started.rebalance_id)

    ended = next(one for one in reversed(await told(world)) if one.kind.startswith("rebalance"))
    assert ended.kind is EventKind.REBALANCE_FAILED
    assert ended.data["settled"] == "0"


def test_every_event_is_written_by_a_use_case():
    words = "".join(path.read_text(encoding="utf-8") for path in APP.rglob("*.py"))

    assert [one.name for one in EventKind if f"EventKind.{one.name}" not in words] == []


async def test_a_frozen_price_is_told_once_an_hour_to_whoever_tries_on(world):
    index = await world.funded_index()
    fault(world, "price", route="tokens", count=None, form="zero")
    world.pass_time(timedelta(hours=1))
    for _ in range(3):
        await world.refused("preview_rebalance", index_id=index.index_id)
    first = [one for one in await told(world) if one.kind is EventKind.PRICE_FROZEN]
    world.pass_time(timedelta(minutes=61))
    await world.refused("preview_rebalance", index_id=index.index_id)
    later = [one for one in await told(world) if one.kind is EventKind.PRICE_FROZEN]

    assert {one.index_id for one in first} == {index.index_id}
    assert len({one.data["asset_id"] for one in first}) == len(first) > 0
    assert len(later) == 2 * len(first)


async def test_what_was_undone_is_never_told(world):
    with pytest.raises(ZeroDivisionError):
        await _halt_and_fail(world)

    assert await kinds(world) == []


async def _halt_and_fail(world):
    async with world.app.store.transaction() as tx:
        await emit(
            world.app, tx, EventKind.TRADING_HALTED, **SOMEBODY, why="owner", level="nothing"
        )
        assert await tx.last_event_sequence(LOCAL_OWNER) == 1
        raise ZeroDivisionError


async def test_an_event_that_lacks_a_field_of_its_page_is_our_mistake(world):
    async with world.app.store.transaction() as tx:
        with pytest.raises(AssertionError, match=r"trading\.halted"):
            await emit(world.app, tx, EventKind.TRADING_HALTED, **SOMEBODY)


async def test_events_outlive_a_restart(tmp_path):
    async with open_world(tmp_path) as world:
        await world.new_index()
        before = await told(world)
    async with open_world(tmp_path) as world:
        assert await told(world) == before != []


def test_every_event_says_when_it_is_told_and_what_it_carries():
    assert set(EVENTS) == set(EventKind)
    assert all(spec.when.endswith(".") and spec.fields for spec in EVENTS.values())
