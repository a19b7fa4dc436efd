"""Logs: one form for all, the call's id in each of its lines, and no secret in any."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from datetime import timedelta

import pytest
import structlog
from pydantic import SecretStr

from ballast.app import audit_trail
from ballast.app.audit_trail import keep_heads, note_heads, verify_audit
from ballast.app.catalog import operation_named
from ballast.app.operation import Caller, invoke
from ballast.app.redaction import redacted
from ballast.bootstrap import configure_logging
from ballast.core.audit import Head
from ballast.errors import BallastError
from ballast.faces.answers import refusal_of
from ballast.settings import Settings
from tests.app.world import open_world
from tests.http.serving import MINE, called, serving

NOWHERE = "idx_01ARZ3NDEKTSV4RRFFQ69G5FAV"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MARKER = "PLANTED"
SECRETS = (
    f"Bearer {MARKER}abcdef",
    f"authorization: Basic {MARKER}0123",
    f"eyJ{MARKER}.eyJzdWIi.c2ln",
    f"whsec_{MARKER}MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    f"bal_a1b2c3d4_{MARKER}0123456789abcdefghijk",
    "ed25519:" + MARKER.replace("L", "M").replace("I", "J") + "x" * 70,
    "0x" + "ab" * 32,
    "q" * 43 + "=",
    f"tgram://123456:{MARKER}/chat",
    f"mailtos://me:{MARKER}@example.com",
    f"postgresql://ballast:{MARKER}@db.example/ballast",
    f"https://node.example/?apiKey={MARKER}",
    f"https://hooks.slack.example/services/{MARKER}T0000000000000000000000",
)


@pytest.fixture
def lines(capsys):
    """Configures logging, and reads what was written to stderr."""
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]

    def configured(**more):
        logging.getLogger().handlers[:] = []
        configure_logging(Settings(**{"log_level": "debug", **more}))
        return lambda: capsys.readouterr().err

    yield configured
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_secret_in_any_place_of_a_line_is_not_written(lines, form, secret):
    written = lines(log_format=form)
    log = structlog.get_logger("ours")

    log.info(f"said {secret} aloud", why=f"because {secret}", deep={"list": [{"of": secret}]})
    log.info("key", **{secret: "as a name"})
    try:
        raise ValueError(f"no such thing: {secret}")
    except ValueError:
        log.exception("failed")
    logging.getLogger("a.library").warning("it said %s", secret)
    text = written()

    assert len(text.splitlines()) >= 4
    assert "[redacted]" in text
    assert [piece for piece in (MARKER, "ab" * 32, "q" * 43, "x" * 70) if piece in text] == []


def test_a_secret_is_known_by_its_type_its_name_and_as_what_was_set(lines):
    horse = "0f" * 32  # what a master key looks like
    written = lines(master_key=SecretStr(horse), oneclick_api_key=SecretStr("staple"))
    log = structlog.get_logger("ours")

    log.info("types", one=SecretStr(MARKER), two=MARKER.encode(), three=[bytearray(b"PLANTED")])
    log.info(
        "names", password=MARKER, api_key=MARKER, nested={"X-API-Key": MARKER, "Cookie": MARKER}
    )
    log.info("known", text=f"the correct {horse} ate a staple")
    text = written()

    assert MARKER not in text
    assert horse not in text
    assert "staple" not in text


def test_what_is_no_secret_is_left_as_it_is():
    line = {
        "event": "swap_settled",
        "swap_id": "swp_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "asset": "nep141:eth-0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48.omft.near",
        "account": "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "key": "ed25519:reYaWhvwu8Jzo3WUM3zhn6VrhuMEF4eADL17qtRVifc",
        "url": "https://1click.chaindefuser.com/v0/quote",
        "uri": "ballast://indexes/idx_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "units": 10**30,
        "ok": True,
        "nothing": None,
    }

    assert redacted(line) == line


async def test_every_line_of_a_call_carries_the_id_its_caller_is_told(tmp_path, lines):
    written = lines()
    async with open_world(tmp_path, log_level="debug") as world, serving(world.app) as client:
        client.headers.update(MINE)
        written()
        trace = f"00-{TRACE}-00f067aa0ba902b7-01"
        answer = await client.get(f"/api/indexes/{NOWHERE}", headers={"traceparent": trace})
        refused = objects(written())
        told = await called(client, "tools/call", name="list_assets", arguments={})
        listed = objects(written())

    assert answer.json()["details"]["call_id"] == answer.headers["Ballast-Call-Id"]
    assert {one["call_id"] for one in refused} == {answer.headers["Ballast-Call-Id"]}
    assert {one["trace_id"] for one in refused} == {TRACE}
    assert [one["event"] for one in refused] == ["call", "serving"]
    assert refused[0]["outcome"] == "not_found"
    assert not told["isError"]
    [call] = {one["call_id"] for one in listed}
    assert {"request", "call", "message", "serving"} <= {one["event"] for one in listed}
    assert call != answer.headers["Ballast-Call-Id"]


@pytest.mark.parametrize("given", ["", "nonsense", f"00-{'0' * 32}-00f067aa0ba902b7-01"])
async def test_a_parent_that_is_none_is_left_out(tmp_path, lines, given):
    written = lines()
    async with open_world(tmp_path, log_level="debug") as world, serving(world.app) as client:
        written()
        await client.get("/livez", headers={"traceparent": given})

    assert all("trace_id" not in one for one in objects(written()))


async def test_the_steps_of_what_a_call_started_carry_its_id(tmp_path, lines):
    written = lines()
    async with open_world(tmp_path, log_level="debug") as world:
        index = await world.funded_index()
        world.pass_time(timedelta(days=40))
        plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
        written()
        started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
        [call] = [one["call_id"] for one in objects(written()) if one["event"] == "call"]
        await world.engine.run_until_idle()
        later = objects(written())

    steps = [one for one in later if one["event"] == "step" and one.get("rebalance")]
    assert {one["rebalance"] for one in steps} == {started.rebalance_id}
    assert {one["call_id"] for one in steps} == {call}
    asked = [
        one for one in later if one["event"] == "request" and one.get("of_path") == "/v0/quote"
    ]
    assert {one["call_id"] for one in asked} == {call}
    assert any(one["event"] == "signature" and one["call_id"] == call for one in later)


async def test_a_call_at_the_machine_has_an_id_too(tmp_path):
    async with open_world(tmp_path) as world:
        wanted = operation_named("get_index")
        with pytest.raises(BallastError) as caught:
            await invoke(world.app, wanted, {"index_id": NOWHERE}, Caller())

    assert refusal_of(caught.value)["details"]["call_id"].startswith("cal_")


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_line_that_cannot_be_written_is_lost_and_stops_nothing(lines, monkeypatch, form):
    """Who started us may have closed its end; what the line is about must go on."""
    gone = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 it is closed below
    monkeypatch.setattr(sys, "stderr", gone)
    lines(log_format=form)
    gone.close()

    structlog.get_logger("ours").warning("step_will_be_tried_again", row="swp_1")
    try:
        raise ValueError("anything")
    except ValueError:
        structlog.get_logger("ours").exception("step_failed")
    logging.getLogger("a.library").warning("it said %s", "this")


async def heads_told(world, written, many):
    """So many lines about heads, as a leading process writes them."""
    keeping, told = asyncio.create_task(keep_heads(world.app)), []
    async with asyncio.timeout(60):
        while len(told) < many:
            await asyncio.sleep(0)
            told += objects(written())
    keeping.cancel()
    return told


async def test_the_audits_head_is_in_a_log_as_it_comes_and_can_be_verified(tmp_path, lines):
    async with open_world(tmp_path) as world:
        await world.new_index()
        [line] = await heads_told(world, lines(log_level=Settings().log_level), 1)
        report = await verify_audit(world.app, Head.of_text(line["head"]))

    assert (line["event"], line["level"]) == ("audit_head", "info")
    assert (report.problems, str(report.head)) == ([], line["head"])


async def test_a_head_that_stays_is_printed_again_after_a_while(tmp_path, lines, monkeypatch):
    monkeypatch.setattr(audit_trail, "INTERVAL", 0)
    async with open_world(tmp_path) as world:
        told = await heads_told(world, lines(log_level="warning"), 3)

    assert told[1]["head"] == told[2]["head"]


async def test_whoever_wants_errors_alone_is_not_told_the_head(tmp_path, lines):
    written = lines(log_level="error")
    async with open_world(tmp_path) as world:
        audit_trail._print(await note_heads(world.app))

    assert written() == ""
