"""At least once, in order, for a day; then dead letters, and a receiver that is given up."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from ballast.adapters.http import ReceiverLimits, ReceiverPoster
from ballast.adapters.webhooks import HttpReceivers
from ballast.app.webhooks import courier as couriers
from ballast.app.webhooks.attempts import LEASE, claim
from ballast.app.webhooks.courier import Courier
from ballast.app.webhooks.fan_out import fan_out
from ballast.core.events import EventKind
from ballast.core.webhooks import FAILING_FOR, RETRY_WAITS
from tests.app.receiving import CHANGED, carry, new_webhook, receiving, tell, wall_of
from tests.app.world import open_world

DAY = timedelta(days=1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def world(tmp_path):
    async with open_world(tmp_path, webhook_loopback=True) as opened:
        yield opened


async def deliveries(world, webhook, **more):
    page = await world.call("list_webhook_deliveries", webhook_id=webhook.webhook_id, **more)
    return list(reversed(page.deliveries))


def sequences(receiver, index):
    """The numbers of what a receiver took about an index, in the order in which it came."""
    told = [json.loads(body)["data"] for _, _, body in receiver.got]
    return [one["sequence"] for one in told if one["index_id"] == index.index_id]


async def through_the_schedule(world, waits=RETRY_WAITS):
    """Let so many waits pass, each with its longest jitter."""
    for wait in waits:
        wall_of(world).ahead += wait * 2
        await carry(world)


async def test_a_delivery_that_fails_is_tried_again_and_the_next_one_waits_for_it(world):
    async with receiving() as receiver:
        made = await new_webhook(world, receiver, verifies=False)
        one, other = await world.new_index("One"), await world.new_index("Other")
        await carry(world)
        receiver.planned = [500]
        await tell(world, one.index_id, times=3)
        await carry(world)
        await tell(world, other.index_id)
        await carry(world)
        waiting = await deliveries(world, made, state="pending")
        before = sequences(receiver, one), sequences(receiver, other)
        wall_of(world).ahead += RETRY_WAITS[0] * 2
        await carry(world)

    assert before == ([1], [1, 2])
    assert [one.attempts for one in waiting] == [1, 0, 0]
    assert waiting[0].problem == "it answered 500"
    assert [one.next_attempt_at is None for one in waiting] == [False, True, True]
    assert sequences(receiver, one) == [1, 2, 3, 4]


async def test_what_fails_for_a_day_is_a_dead_letter_and_the_next_one_is_tried(world):
    async with receiving() as receiver:
        made = await new_webhook(world, receiver, verifies=False)
        index = await world.new_index()
        await tell(world, index.index_id)
        receiver.usual = 503
        began = wall_of(world).now()
        await carry(world)
        await through_the_schedule(world, RETRY_WAITS[:-1])
        before_the_last = await deliveries(world, made, state="dead")
        wall_of(world).ahead += RETRY_WAITS[-1] * 2
        await carry(world)
        dead, tried = await deliveries(world, made)
        receiver.usual = 200
        wall_of(world).ahead += RETRY_WAITS[0] * 2
        await carry(world)
        taken = sequences(receiver, index)
        await world.call("replay_webhook", webhook_id=made.webhook_id)
        await carry(world)

    assert sum(RETRY_WAITS, timedelta()) > DAY * 0.95
    assert wall_of(world).now() - began > DAY
    assert before_the_last == []
    assert (dead.state, dead.attempts, dead.status) == ("dead", len(RETRY_WAITS) + 1, 503)
    assert (tried.state, tried.attempts) == ("pending", 1)
    assert taken == [2]
    assert sequences(receiver, index) == [2, 1]


async def test_a_receiver_that_is_gone_is_told_nothing_more_at_once(world):
    async with receiving() as receiver:
        made = await new_webhook(world, receiver, verifies=False)
        index = await world.new_index()
        await tell(world, index.index_id)
        receiver.usual = 410
        await carry(world)
        shown = await world.call("get_webhook", webhook_id=made.webhook_id)
        receiver.usual = 200
        await tell(world, index.index_id)
        wall_of(world).ahead += DAY
        await carry(world)
        missed = await deliveries(world, made)
        await world.call("update_webhook", webhook_id=made.webhook_id, state="active")
        receiver.got.clear()
        await world.call("replay_webhook", webhook_id=made.webhook_id)
        await carry(world)

    assert shown.state == "disabled"
    assert "410" in shown.problem
    assert "update_webhook" in shown.next_step
    assert [one.state for one in missed] == ["dead"] * 3
    assert sequences(receiver, index) == [1, 2, 3]


async def test_a_receiver_that_takes_nothing_for_five_days_is_given_up(world):
    async with receiving() as receiver:
        made = await new_webhook(world, receiver, verifies=False)
        index = await world.new_index()
        receiver.usual = 500
        await carry(world)
        await through_the_schedule(world)
        failing = await world.call("get_webhook", webhook_id=made.webhook_id)
        wall_of(world).ahead += FAILING_FOR
        await tell(world, index.index_id)
        await carry(world)
        given_up = await world.call("get_webhook", webhook_id=made.webhook_id)

    assert (failing.state, failing.dead_letters) == ("active", 1)
    assert failing.failing_since is not None
    assert (given_up.state, given_up.dead_letters) == ("disabled", 2)
    assert "5 days" in given_up.problem


async def told_of_a_disabled_webhook(world):
    async with world.app.store.read() as reader:
        events = await reader.events_of(world.caller.owner_id, LONG_AGO, 1_000)
    return [one.data for one in events if one.kind is EventKind.WEBHOOK_DISABLED]


@pytest.mark.parametrize(("status", "days", "why"), [(410, 0, "gone"), (500, 5, "failing")])
async def test_that_a_webhook_is_given_up_is_told_once_and_to_others(world, status, days, why):
    async with receiving() as broken, receiving() as well:
        other = await new_webhook(world, well, verifies=False)
        made = await new_webhook(world, broken, verifies=False, label="Ledger")
        broken.usual = status
        index = await world.new_index()
        await carry(world)
        if days:
            await through_the_schedule(world)
            wall_of(world).ahead += days * DAY
            await tell(world, index.index_id, times=2)
        await carry(world)
        heard = [json.loads(body)["data"] for kind, _, body in well.got if "disabled" in kind]

    [told] = await told_of_a_disabled_webhook(world)
    assert told == {"webhook_id": made.webhook_id, "label": "Ledger", "why": why}
    assert [(one["webhook_id"], one["why"]) for one in heard] == [(made.webhook_id, why)]
    missed = await deliveries(world, made)
    assert "webhook.disabled" not in {one.event for one in missed}
    assert {one.state for one in await deliveries(world, other)} == {"delivered"}


async def test_one_success_ends_the_count_of_days(world):
    async with receiving() as receiver:
        made = await new_webhook(world, receiver, verifies=False)
        index = await world.new_index()
        receiver.planned = [500]
        await carry(world)
        wall_of(world).ahead += FAILING_FOR - DAY
        await carry(world)
        well = await world.call("get_webhook", webhook_id=made.webhook_id)
        receiver.planned = [500]
        wall_of(world).ahead += FAILING_FOR - DAY
        await tell(world, index.index_id)
        await carry(world)
        failing = await world.call("get_webhook", webhook_id=made.webhook_id)

    assert well.failing_since is None
    assert failing.state == "active"


async def test_what_was_committed_is_delivered_after_a_crash_at_any_point(tmp_path):
    async with receiving() as receiver:
        async with open_world(tmp_path, webhook_loopback=True) as world:
            await new_webhook(world, receiver, verifies=False)
            index = await world.new_index()
            # Dies between the commit of an event and its handing on.
        async with open_world(tmp_path, webhook_loopback=True) as world:
            await fan_out(world.app)
            # Dies between the handing on and the claim.
        async with open_world(tmp_path, webhook_loopback=True) as world:
            async with world.app.store.read() as reader:
                due = await reader.due_deliveries(world.app.wall.now(), 4, 16)
            assert len(await claim(world.app, due)) == 1
            # Dies between the claim and the sending.
        async with open_world(tmp_path, webhook_loopback=True) as world:
            await carry(world)
            assert receiver.got == []
            wall_of(world).ahead += LEASE
            await carry(world)

    assert sequences(receiver, index) == [1]


async def test_what_a_receiver_took_unnoticed_comes_again_under_the_same_id(world):
    async with receiving() as receiver:
        await new_webhook(world, receiver, verifies=False)
        await world.new_index()
        courier = Courier(world.app)
        receiver.hang = True
        await courier.start_due()
        (task,) = courier.running
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        receiver.hang = False
        await carry(world)
        too_early = list(receiver.got)
        wall_of(world).ahead += LEASE
        await carry(world)

    assert too_early == []
    assert receiver.kinds == ["index.created"]


async def test_two_couriers_do_not_deliver_the_same_twice(world):
    async with receiving() as receiver:
        await new_webhook(world, receiver, verifies=False)
        index = await world.new_index()
        await tell(world, index.index_id, times=5)
        await asyncio.gather(carry(world), carry(world), carry(world))
        while len(receiver.got) < 6:
            await carry(world)

    assert sequences(receiver, index) == [1, 2, 3, 4, 5, 6]


async def test_receivers_that_hang_leave_places_for_the_others(world):
    patient = ReceiverPoster(loopback=True, limits=ReceiverLimits(total_seconds=300))
    world.app.receivers = HttpReceivers(patient)
    async with receiving() as hanging, receiving() as well:
        for _ in range(3):
            await new_webhook(world, hanging)
        hanging.hang = True
        await new_webhook(world, well)
        indexes = [await world.new_index(f"Index {number}") for number in range(8)]
        courier = Courier(world.app, grace=0)
        async with asyncio.timeout(60):
            while len(well.got) < len(indexes):
                await courier.start_due()
                await asyncio.sleep(0.01)
        busy = Counter(one.webhook_id for one in courier.running.values())
        await courier.stop()
        await patient.close()

    assert sorted(busy.values())[-3:] == [couriers.EACH] * 3
    assert set(well.kinds) == {"index.created"}


async def test_an_index_that_is_quiet_for_everybody_costs_no_delivery(world):
    async with receiving() as receiver:
        made = await new_webhook(world, receiver, events=[CHANGED])
        await world.new_index()
        await carry(world)

    assert await deliveries(world, made) == []
