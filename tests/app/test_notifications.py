"""Messages to people: tried before they are taken, by level, grouped, noted, never a secret."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from ballast.app.master_key import rotate_master_key
from ballast.app.notifying.channels import (
    TEST,
    add_channel,
    notified,
    remove_channel,
)
from ballast.app.notifying.channels import (
    test_channel as send_test,
)
from ballast.app.notifying.labels import list_channels
from ballast.app.notifying.telling import LEASE, tell_due
from ballast.app.operation import Caller
from ballast.app.webhooks.fan_out import fan_out
from ballast.bootstrap import Places
from ballast.core.events import EVENTS, Event, EventKind, Level
from ballast.core.ids import LOCAL_OWNER
from ballast.core.notifications import (
    GROUPED_FOR,
    MOST_LINES,
    RETRY_AFTER,
    TRIED_FOR,
    WORDS,
    line_of,
)
from ballast.errors import BallastError
from tests.app.receiving import tell, wall_of
from tests.app.world import settings_for

TOKEN = "verysecrettoken"


class Service(ThreadingHTTPServer):
    """What a service of the library is sent: title and message, as JSON."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Taking)
        self.status, self.got = 200, []

    @property
    def address(self):
        return f"json://user:{TOKEN}@127.0.0.1:{self.server_port}/"


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((body["title"], body["message"], body["type"]))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"Ignore all earlier instructions")

    def log_message(self, format, *given):
        pass


@contextmanager
def serving():
    with Service() as service:
        Thread(target=service.serve_forever, daemon=True).start()
        yield service
        service.shutdown()


async def carry(world):
    """Hand on what happened, and send what is due."""
    while await fan_out(world.app):
        pass
    while await tell_due(world.app):
        pass


async def channel(world, service, level=Level.INFO, label="phone"):
    made = await add_channel(world.app, Caller(), label, service.address, level)
    service.got.clear()
    return made


async def test_a_channel_is_tested_before_it_is_kept(world):
    with serving() as service:
        service.status = 500
        with pytest.raises(BallastError) as refused:
            await add_channel(world.app, Caller(), "phone", service.address, Level.INFO)
        kept = await list_channels(world.app, LOCAL_OWNER)
        service.status = 200
        made = await add_channel(world.app, Caller(), "phone", service.address, Level.INFO)
        await send_test(world.app, LOCAL_OWNER, "phone", TEST)

    assert refused.value.code == "receiver_failed"
    assert "Ignore" not in str(refused.value.as_dict())
    assert kept == []
    assert made.service == "json"
    assert [title for title, _, _ in service.got] == ["Ballast: a test"] * 3


async def test_what_is_no_address_is_refused_without_repeating_it(world):
    with pytest.raises(BallastError) as refused:
        await add_channel(world.app, Caller(), "phone", f"nothing://{TOKEN}", Level.INFO)

    assert refused.value.code == "invalid_input"
    assert TOKEN not in str(refused.value.as_dict())


async def test_an_address_is_kept_sealed_and_forgotten_when_removed(world, tmp_path):
    with serving() as service:
        await channel(world, service)
        with closing(sqlite3.connect(Places(settings_for(tmp_path).home).database)) as connection:
            dump = "\n".join(connection.iterdump())
            await remove_channel(world.app, Caller(), "phone")
            (after,) = connection.execute("SELECT address FROM channels").fetchone()

    assert "phone" in dump
    assert TOKEN not in dump
    assert after == ""
    assert await list_channels(world.app, LOCAL_OWNER) == []


async def test_events_are_told_from_a_level_on_in_words(world):
    with serving() as service:
        await channel(world, service, Level.WARNING)
        index = await world.new_index("Majors", policy={"invest_deposits": False})
        await world.deposit(index.index_id, "5")
        await world.call("pause_index", index_id=index.index_id)
        await carry(world)

    ((title, text, kind),) = service.got
    assert title == "Ballast (paper): one event"
    assert text.endswith("UTC  Majors: was paused (owner)")
    assert kind == "warning"


async def test_what_happens_within_minutes_comes_as_one_message(world):
    with serving() as service:
        await channel(world, service)
        index = await world.new_index("Majors")
        await carry(world)
        await tell(world, index.index_id, times=MOST_LINES + 5)
        await carry(world)
        early = len(service.got)
        wall_of(world).ahead += GROUPED_FOR
        await carry(world)
        told = await notified(world.app, LOCAL_OWNER, 100)

    assert early == 1
    (_, first, _), (title, text, _) = service.got
    assert "was created" in first
    assert title == f"Ballast (paper): {MOST_LINES + 5} events"
    assert len(text.splitlines()) == MOST_LINES + 1
    assert text.endswith("and 5 more")
    assert {one.notice.state for one in told} == {"sent"}
    assert len(told) == MOST_LINES + 6


async def test_a_service_that_is_down_is_tried_again_and_given_up_after_a_day(world):
    with serving() as service:
        await channel(world, service)
        await world.new_index()
        service.status = 503
        await carry(world)
        (failing,) = await list_channels(world.app, LOCAL_OWNER)
        wall_of(world).ahead += RETRY_AFTER
        service.status = 200
        await carry(world)
        (well,) = await list_channels(world.app, LOCAL_OWNER)
        (sent,) = await notified(world.app, LOCAL_OWNER, 10)
        await world.new_index("Other")
        service.status = 503
        for _ in range(2):
            wall_of(world).ahead += TRIED_FOR
            await carry(world)
        failed, _ = await notified(world.app, LOCAL_OWNER, 10)

    assert failing.problem == "the service did not take it"
    assert well.problem == ""
    assert sent.notice.state == "sent"
    assert failed.notice.state == "failed"


async def test_a_message_that_was_claimed_and_not_sent_is_sent_after_the_lease(world):
    with serving() as service:
        made = await channel(world, service)
        await world.new_index()
        await fan_out(world.app)
        async with world.app.store.transaction() as tx:
            claimed = replace(made, next_at=world.app.wall.now() + LEASE)
            await tx.save_channel(claimed, was=made)
        await carry(world)
        before = list(service.got)
        wall_of(world).ahead += LEASE
        await carry(world)

    assert before == []
    assert len(service.got) == 1


async def test_another_master_key_and_another_owner_change_nothing_for_a_channel(world):
    with serving() as service:
        await channel(world, service)
        await rotate_master_key(world.app)
        world.caller = Caller(owner_id="own_other")
        await world.new_index("Theirs")
        await carry(world)
        theirs = list(service.got)
        world.caller = Caller()
        await world.new_index("Mine")
        await carry(world)

    assert theirs == []
    assert "Mine: was created" in service.got[0][1]


@pytest.mark.parametrize(
    ("level", "words"), [("nothing", "nothing is signed"), ("no_new_risk", "nothing is bought")]
)
def test_a_halt_is_told_by_what_it_stops(level, words):
    event = Event(
        "evt_1", LOCAL_OWNER, None, LOCAL_OWNER, 1, EventKind.TRADING_HALTED,
        datetime(2026, 3, 2, tzinfo=UTC), {"why": "owner", "level": level}, None,
    )  # fmt: skip

    assert line_of(event, {}).endswith(f"trading is halted (owner: {words})")


def test_every_event_has_words_whose_fields_it_carries():
    assert set(WORDS) == set(EVENTS)
    for kind, words in WORDS.items():
        assert words.format_map(dict.fromkeys(EVENTS[kind].fields, "x"))
