"""What happens is told as it happens: to its owner alone, in order, and on from where it broke."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ballast.app.feed import LATE, Cursor, Feed
from ballast.app.operation import Caller
from ballast.core.access import Scope
from ballast.core.events import EventKind
from ballast.core.ids import IdKind
from ballast.faces.http import events
from tests.http.serving import MINE, Words, serving


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(events, "LOOK_EVERY", 0.01)


async def told(world, doing, *, headers=MINE, doorkeeper=None):
    """The messages of a stream that is open while something is done."""
    ending = asyncio.Event()
    async with serving(world.app, doorkeeper, ending=ending) as client:
        listening = asyncio.create_task(client.get("/api/events", headers=headers))
        await doing()
        ending.set()
        answer = await listening
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [message for text in answer.text.split("\n\n") if (message := parsed(text))]


def parsed(text):
    """A message as its fields; None for a comment."""
    lines = [line.partition(": ") for line in text.split("\n") if not line.startswith(":")]
    fields = {name: value for name, _, value in lines}
    return fields | {"data": json.loads(fields["data"])} if "data" in fields else None


async def nothing():
    return


@pytest.fixture
async def lived(world):
    """An index that was funded, with the cursor from before all of it."""
    start = world.app.clock.now()
    index = await world.funded_index()
    return index, f"{int((start.timestamp() + LATE.total_seconds()) * 1_000_000)}.evt_" + "0" * 26


async def test_a_life_is_told_in_its_order_with_ids_to_go_on_from(world, lived):
    index, start = lived

    every = await told(world, nothing, headers={**MINE, "Last-Event-ID": start})
    kinds = [one["event"] for one in every]

    assert kinds[0] == "index.created"
    assert kinds.index("deposit.credited") < kinds.index("rebalance.completed")
    assert {one["data"]["index_id"] for one in every} == {index.index_id}
    assert [one["data"]["sequence"] for one in every] == list(range(1, len(every) + 1))
    assert len({one["id"] for one in every}) == len(every)


async def test_whoever_comes_back_misses_nothing_and_is_not_told_the_old_again(world, lived):
    _, start = lived
    every = await told(world, nothing, headers={**MINE, "Last-Event-ID": start})
    world.pass_time(2 * LATE)

    async def more():
        await world.new_index("Second")

    middle = every[len(every) // 2]
    rest = await told(world, more, headers={**MINE, "Last-Event-ID": middle["id"]})
    ids = [one["id"] for one in every]

    assert set(ids[ids.index(middle["id"]) + 1 :]) < {one["id"] for one in rest}
    assert rest[-1]["data"]["data"]["name"] == "Second"
    assert middle["id"] not in {one["id"] for one in rest}


async def test_one_owner_is_not_told_of_another(world):
    other = Caller(owner_id="own_01ARZ3NDEKTSV4RRFFQ69G5FAV")

    async def mine():
        await world.new_index()

    heard = await told(
        world, mine, headers={"Authorization": "Bearer other"}, doorkeeper=Words({"other": other})
    )

    assert heard == []


async def test_an_event_that_is_committed_late_is_given_after_all_and_once(world):
    feed = Feed(world.app, world.caller.owner_id)
    await world.new_index()
    [first] = await feed.new()
    world.pass_time(timedelta(seconds=2))
    late = replace(
        first,
        event_id=world.app.ids.new(IdKind.EVENT),
        sequence=2,
        kind=EventKind.INDEX_UPDATED,
        at=first.at + timedelta(microseconds=1),
    )
    await world.new_index("Second")
    [second] = await feed.new()
    async with world.app.store.transaction() as tx:
        await tx.add_event(late)

    assert second.at > late.at
    assert [one.event_id for one in await feed.new()] == [late.event_id]
    assert await feed.new() == []


@pytest.mark.parametrize("last", ["", "1", "evt_1", "x.evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "9" * 40])
async def test_an_id_that_is_none_of_ours_is_refused(client, last):
    if last:
        answer = await client.get("/api/events", headers={"Last-Event-ID": last})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


async def test_looking_needs_the_scope_and_streams_are_counted(world, monkeypatch):
    monkeypatch.setattr(events, "MOST_STREAMS", 0)
    words = Words({"spender": Caller(scopes=frozenset({Scope.SPEND}))})
    async with serving(world.app, words) as client:
        blind = await client.get("/api/events", headers={"Authorization": "Bearer spender"})
        crowded = await client.get("/api/events", headers=MINE)

    assert (blind.status_code, blind.json()["code"]) == (403, "scope_missing")
    assert (crowded.status_code, crowded.json()["code"]) == (429, "rate_limited")
    assert int(crowded.headers["retry-after"]) > 0


def test_a_cursor_is_read_as_it_was_written(world):
    cursor = Cursor(world.app.clock.now(), world.app.ids.new(IdKind.EVENT))

    assert Cursor.parse(str(cursor)) == cursor
