"""What the audit holds, and what shows when somebody touches it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from ballast.app.access.accounts import create_account
from ballast.app.access.admission import admit
from ballast.app.access.api_keys import create_api_key, revoke_api_key
from ballast.app.access.sessions import log_in, log_out, refresh
from ballast.app.audit_trail import exported, note_heads, verify_audit
from ballast.app.destinations import add_destination, remove_destination
from ballast.app.keys import export_key
from ballast.app.limit_changes import change_limit
from ballast.app.master_key import rotate_master_key
from ballast.app.operation import Caller
from ballast.app.ports import AuditFilter
from ballast.app.resuming import resume_trading
from ballast.app.switch import heed_orders
from ballast.bootstrap import Places
from ballast.core.access import ALL_SCOPES
from ballast.core.audit import Head
from ballast.core.ids import LOCAL_OWNER
from ballast.core.money import PICO
from ballast.errors import BallastError
from tests.app.world import open_world, settings_for

HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TWO = (("BTC", "50"), ("USDC", "50"))
PASSWORD = "a password of some length"


async def rows_of(world, **wanted):
    return [one async for one in exported(world.app, AuditFilter(**wanted))]


async def problems(world, head=None):
    return (await verify_audit(world.app, head)).problems


async def refused(deed):
    with pytest.raises(BallastError):
        await deed


def touch(directory, *statements):
    """Somebody writes to the file, past the triggers."""
    file = Places(settings_for(directory).home).database
    with closing(sqlite3.connect(file)) as connection, connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name LIKE 'audit%'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for sql in statements:
            assert connection.execute(sql).rowcount > 0, sql


async def test_everything_that_matters_leaves_a_row_and_all_chains_hold(world):
    app, cli = world.app, Caller(face="cli")
    index = await world.funded_index(basket=TWO)
    await add_destination(app, LOCAL_OWNER, "home", "ethereum", HOME, None)
    await remove_destination(app, LOCAL_OWNER, "home")
    await change_limit(app, cli, "day_usd", "500", None)
    await export_key(app, LOCAL_OWNER, index.index_id, PASSWORD)
    await world.call("halt_trading", level="no_new_risk", reason="it falls")
    app.halt_orders.signal()
    await heed_orders(app)
    await resume_trading(app, LOCAL_OWNER)
    await create_account(app, cli, "ann", PASSWORD, mine=True)
    await refused(log_in(app, "ann", "wrong", "rest"))
    await refused(log_in(app, "nobody", "wrong", "rest"))
    tokens = await log_in(app, "ann", PASSWORD, "rest")
    await refresh(app, tokens.refresh_token)
    await refused(refresh(app, tokens.refresh_token))
    await log_out(app, tokens.session.session_id)
    key = await create_api_key(app, cli, "bot", ALL_SCOPES)
    await admit(app, key.text, "rest")
    await revoke_api_key(app, cli, "bot")
    for _ in range(2):
        await refused(admit(app, key.text, "rest"))

    rows = await rows_of(world)
    said = [(one["operation"], one["caller"], one["outcome"]) for one in rows]
    for wanted in (
        ("make_audit_key", "ballast", "done"),
        ("create_index", "local", "done"),
        ("sign_intent", "ballast", "done"),
        ("add_destination", "cli", "done"),
        ("remove_destination", "cli", "done"),
        ("change_limit", "cli", "done"),
        ("keys_export", "cli", "done"),
        ("halt_trading", "local", "done"),
        ("halt_trading", "ballast", "done"),
        ("resume_trading", "cli", "done"),
        ("log_in", "rest", "unauthenticated"),
        ("log_in", "rest", "done"),
        ("refresh", "session", "refresh_token_reused"),
        ("log_out", "session", "done"),
        ("use_api_key", "rest", "done"),
        ("use_api_key", "rest", "unauthenticated"),
    ):
        assert wanted in said
    assert said.count(("log_in", "rest", "unauthenticated")) == 2
    assert said.count(("use_api_key", "rest", "unauthenticated")) == 1
    [signed] = [one for one in rows if one["operation"] == "sign_intent"]
    async with app.store.read() as reader:
        [swap] = await reader.swaps_of(
            (await reader.list_rebalances(index.index_id, 1))[0].rebalance_id
        )
        [intent] = await reader.intents_of(swap.swap_id)
    assert signed["stream"] == index.index_id
    assert signed["facts"]["intent_hash"] == intent.intent_hash
    assert signed["facts"]["units"] == str(intent.units)
    assert await problems(world) == []
    assert await world.verified()


async def test_what_a_limit_stops_says_which_one_and_by_how_much(world):
    index = await world.funded_index(basket=TWO)
    await world.call("update_index", index_id=index.index_id, limits={"swap_usd": "1"})
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    if not plan.swaps:
        world.pass_time(timedelta(days=200))
        plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)

    [lowered] = await rows_of(world, operation="update_index")
    [stopped] = await rows_of(world, operation="rebalance_index")

    assert lowered["facts"]["limits"]["swap_usd"][1] == "1.00"
    assert stopped["outcome"] == "limit_exceeded"
    assert stopped["facts"]["limits"][0]["limit"] == "per_swap"
    assert stopped["facts"]["limits"][0]["limit_usd"] == "1.00"


async def test_what_a_limit_keeps_ballast_from_doing_by_itself_is_there_too(world):
    world.app.default_limits = replace(world.app.default_limits, max_swap_pico=50 * PICO)
    index = await world.new_index()
    await world.deposit(index.index_id)

    [row] = await rows_of(world, operation="invest_deposit")

    assert (row["caller"], row["outcome"]) == ("ballast", "limit_exceeded")
    assert row["reference"] == index.index_id


async def test_a_row_that_was_changed_or_taken_out_behind_its_back_shows(world, tmp_path):
    for name in ("One", "Two", "Three"):
        await world.new_index(name, TWO)
    assert await problems(world) == []

    touch(tmp_path, "UPDATE audit SET outcome = 'refused' WHERE sequence = 3")
    assert "was changed" in (await problems(world))[0]
    touch(tmp_path, "DELETE FROM audit WHERE sequence = 3")
    assert "rows are missing" in (await problems(world))[0]


async def test_rows_cut_off_the_end_show_by_a_head_that_was_kept(world, tmp_path):
    await world.new_index("One", TWO)
    kept = Head.of_text((await world.call("get_status")).audit_head)
    await world.new_index("Two", TWO)
    assert await problems(world, kept) == []

    touch(tmp_path, f"DELETE FROM audit WHERE sequence >= {kept.sequence}")

    assert await problems(world) == []
    assert "rows were cut off" in (await problems(world, kept))[0]


async def test_the_head_of_one_chain_stands_for_all_others(world, tmp_path):
    index = await world.funded_index(basket=TWO)
    head = await note_heads(world.app)
    assert await note_heads(world.app) == head, "nothing has been since"
    assert await problems(world, head) == []

    touch(tmp_path, f"DELETE FROM audit WHERE stream = '{index.index_id}'")

    assert f"The audit of {index.index_id} has lost its row" in (await problems(world))[0]


async def test_another_master_key_leaves_every_row_as_it_can_be_checked(tmp_path):
    async with open_world(tmp_path) as world:
        await world.new_index("One", TWO)
        await rotate_master_key(world.app)
        await world.new_index("Two", TWO)
        assert await problems(world) == []
    async with open_world(tmp_path) as world:
        await world.new_index("Three", TWO)
        report = await verify_audit(world.app)
        async with world.app.store.read() as reader:
            assert len(await reader.audit_keys()) == 1
    assert (report.problems, report.rows) == ([], 5)


async def test_rows_under_a_key_that_does_not_open_are_told_and_no_row_is_ever_missing(tmp_path):
    async with open_world(tmp_path, master_key="11" * 32) as world:
        await world.new_index("One", TWO)
        world.pass_time(timedelta(seconds=1))
    async with open_world(tmp_path, master_key="22" * 32) as world:
        await world.call("halt_trading")
        assert [one["operation"] for one in await rows_of(world)][-2:] == [
            "make_audit_key",
            "halt_trading",
        ]
        assert "does not open here" in (await problems(world))[0]


async def test_rows_from_before_there_were_chains_are_held_fast_by_the_first(tmp_path):
    async with open_world(tmp_path) as world:
        await world.new_index("One", TWO)
        world.pass_time(timedelta(seconds=1))
    unchained = "stream = NULL, sequence = NULL, previous_hash = NULL, key_id = NULL, hash = NULL"
    touch(
        tmp_path,
        "DELETE FROM audit WHERE operation = 'make_audit_key'",
        f"UPDATE audit SET {unchained}",
        "DELETE FROM audit_keys",
    )
    async with open_world(tmp_path) as world:
        await world.new_index("Two", TWO)
        report = await verify_audit(world.app)
        assert (report.problems, report.earlier) == ([], 1)
        assert [one["sequence"] for one in await rows_of(world)] == [None, 1, 2]

        touch(tmp_path, "UPDATE audit SET caller = 'rest' WHERE sequence IS NULL")
        assert "not what they were" in (await problems(world))[0]


async def test_facts_of_an_export_read_as_json(world):
    await world.call("halt_trading", reason="because", request_id="r1")

    row = (await rows_of(world, operation="halt_trading"))[0]

    assert json.loads(json.dumps(row))["facts"] == {
        "level": "nothing",
        "reason": "because",
        "request_id": "r1",
    }
