"""Keys for programs: what they open, how they end, and what is kept of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from ballast.adapters.store.session import Queries
from ballast.app.access.admission import admit
from ballast.app.access.api_keys import (
    create_api_key,
    list_api_keys,
    revoke_api_key,
    rotate_api_key,
)
from ballast.app.catalog import operation_named
from ballast.app.operation import Caller, invoke
from ballast.bootstrap import Places
from ballast.core.access import ALL_SCOPES, Scope
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError, ErrorCode
from tests.app.world import BASKET, settings_for

OWNER = Caller(face="cli")
OTHER = Caller("own_other", "cli")


async def made(world, name="GPT", scopes=ALL_SCOPES, caller=OWNER, **more):
    return await create_api_key(world.app, caller, name, scopes, **more)


async def refusal_of(world, credential):
    with pytest.raises(BallastError) as caught:
        await admit(world.app, credential, "rest")
    assert caught.value.code is ErrorCode.UNAUTHENTICATED
    return caught.value


async def test_a_key_stands_for_its_owner_with_its_scopes(world):
    key = await made(world, scopes=(Scope.READ, Scope.WRITE), caller=OTHER)

    caller = await admit(world.app, key.text, "rest")

    assert caller == Caller(
        "own_other", "rest", frozenset({Scope.READ, Scope.WRITE}), key.key.key_id
    )


async def test_what_is_kept_of_a_key_does_not_give_it_back(world, tmp_path):
    key = await made(world)
    secret = key.text.rpartition("_")[2]

    assert secret not in repr(key)
    for file in Places(settings_for(tmp_path).home).database.parent.iterdir():
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


NO_KEYS = (None, "", "hello", "bal_", "bal_aaaaaaaaaaaa_short", "bal_" + "a" * 65, "é" * 69)


async def test_what_is_no_key_is_refused_with_how_to_get_one(world):
    await made(world)
    for credential in (*NO_KEYS, "x" * 9_999, "a.b.c", "\ud800.\ud800.x"):
        refusal = await refusal_of(world, credential)

        assert "ballast apikey create" in refusal.spec.next_step
        assert refusal.spec.http_status == 401
        assert not credential or credential not in str(refusal.as_dict())


async def test_a_wrong_secret_costs_and_tells_the_same_whether_its_prefix_exists(
    world, monkeypatch
):
    key = await made(world)
    wrong = key.text[:-1] + ("a" if key.text[-1] != "a" else "b")
    elsewhere = "bal_aaaaaaaaaaaa_" + wrong.rpartition("_")[2]
    asked = []
    rows = Queries.rows

    async def noted(session, statement, **given):
        asked[-1].append(str(statement))
        return await rows(session, statement, **given)

    monkeypatch.setattr(Queries, "rows", noted)
    answers = []
    for guess in (wrong, elsewhere):
        asked.append([])
        answers.append((await refusal_of(world, guess)).as_dict())

    assert answers[0] == answers[1]
    assert asked[0] == asked[1] != []


async def test_a_key_ends_when_it_expires_by_the_machines_clock(world):
    key = await made(world, lifetime=timedelta(days=30))
    world.pass_time(timedelta(days=60))  # of the paper world, which anybody can move
    world.app.wall.pass_time(timedelta(days=30, seconds=-1))
    await admit(world.app, key.text, "rest")

    world.app.wall.pass_time(timedelta(seconds=1))

    assert "expired on 2027-02-14" in (await refusal_of(world, key.text)).message


async def test_a_revoked_key_opens_nothing_from_that_moment_on(world):
    key = await made(world)
    await revoke_api_key(world.app, OWNER, "GPT")

    assert "was revoked" in (await refusal_of(world, key.text)).message
    with pytest.raises(BallastError, match="no key") as caught:
        await revoke_api_key(world.app, OWNER, "GPT")
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_a_rotated_key_works_on_until_the_overlap_is_over(world):
    old = await made(world, scopes=(Scope.SPEND,), lifetime=timedelta(days=10))
    new = await rotate_api_key(world.app, OWNER, "GPT", timedelta(hours=1))

    assert (new.key.name, new.key.scopes) == ("GPT", (Scope.SPEND,))
    assert new.key.expires_at - new.key.created_at == timedelta(days=10)
    for text in (old.text, new.text):
        await admit(world.app, text, "rest")
    world.app.wall.pass_time(timedelta(hours=1))
    await refusal_of(world, old.text)
    assert (await admit(world.app, new.text, "rest")).credential_id == new.key.key_id


async def test_an_overlap_never_makes_a_key_live_longer(world):
    old = await made(world, lifetime=timedelta(hours=2))
    await rotate_api_key(world.app, OWNER, "GPT", timedelta(days=7))
    world.app.wall.pass_time(timedelta(hours=2))

    await refusal_of(world, old.text)


async def test_a_key_is_rotated_once_and_by_its_name_all_of_it_is_revoked(world):
    old = await made(world)
    new = await rotate_api_key(world.app, OWNER, old.key.prefix)
    with pytest.raises(BallastError) as caught:
        await rotate_api_key(world.app, OWNER, old.key.key_id)
    assert caught.value.code is ErrorCode.NOT_FOUND

    await revoke_api_key(world.app, OWNER, "GPT")

    for text in (old.text, new.text):
        await refusal_of(world, text)


async def test_a_name_is_used_once_until_its_key_is_revoked(world):
    await made(world)
    await made(world, caller=OTHER)
    with pytest.raises(BallastError) as caught:
        await made(world)
    assert caught.value.code is ErrorCode.NAME_TAKEN

    await revoke_api_key(world.app, OWNER, "GPT")

    await made(world)


async def test_one_owner_neither_sees_nor_ends_the_keys_of_another(world):
    key = await made(world, caller=OTHER)

    assert await list_api_keys(world.app, LOCAL_OWNER) == []
    for word in ("GPT", key.key.prefix, key.key.key_id):
        for change in (rotate_api_key, revoke_api_key):
            with pytest.raises(BallastError) as caught:
                await change(world.app, OWNER, word)
            assert caught.value.code is ErrorCode.NOT_FOUND
    await admit(world.app, key.text, "rest")


async def test_last_use_is_noted_once_a_minute(world):
    key = await made(world)
    first = world.app.wall.now()
    noted = []
    for _ in range(4):
        await admit(world.app, key.text, "rest")
        noted.append((await list_api_keys(world.app, LOCAL_OWNER))[0].last_used_at)
        world.app.wall.pass_time(timedelta(seconds=20))

    assert noted == [first, first, first, first + timedelta(minutes=1)]


async def test_each_change_names_its_credential_in_the_audit_and_a_look_leaves_no_row(
    world, tmp_path
):
    key = await made(world)
    caller = await admit(world.app, key.text, "rest")
    targets = [{"asset": asset, "percent": percent} for asset, percent in BASKET]

    async def call(name, /, **arguments):
        return await invoke(world.app, operation_named(name), arguments, caller)

    index = await call("create_index", name="Main", targets=targets)
    await call("list_indexes")
    with pytest.raises(BallastError):
        await call("rebalance_index", index_id=index.index_id, plan_id="pln_" + "0" * 26)

    database = Places(settings_for(tmp_path).home).database
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT operation, caller, outcome, credential_id FROM audit ORDER BY audit_id"
        ).fetchall()
    assert [one for one in rows if one[0] not in ("make_audit_key", "use_api_key")] == [
        ("create_api_key", "cli", "done", None),
        ("create_index", "rest", "done", key.key.key_id),
        ("rebalance_index", "rest", "not_found", key.key.key_id),
    ]


async def test_a_scope_that_is_missing_is_named(world):
    caller = await admit(world.app, (await made(world, scopes=(Scope.READ,))).text, "rest")

    with pytest.raises(BallastError) as caught:
        await invoke(world.app, operation_named("halt_trading"), {}, caller)

    assert (caught.value.code, caught.value.spec.http_status) == (ErrorCode.SCOPE_MISSING, 403)
    assert caught.value.details["scope"] == "write"
