"""Accounts, sessions and their tokens: what opens, what ends, and what a thief gets."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from ballast.adapters.passwords import Argon2Cost, Argon2Passwords
from ballast.app.access.accounts import create_account, disable_account, register, set_password
from ballast.app.access.admission import admit
from ballast.app.access.sessions import log_in, log_out, refresh
from ballast.app.operation import Caller
from ballast.bootstrap import Places
from ballast.core.access import Scope
from ballast.core.ids import LOCAL_OWNER, IdKind, kind_of
from ballast.errors import BallastError, ErrorCode
from tests.app.world import settings_for

OWNER = Caller(face="cli")
PASSWORD = "correct horse battery staple"


async def account(world, name="ann@example.org", password=PASSWORD, **more):
    return await create_account(world.app, OWNER, name, password, **more)


async def signed_in(world, name="ann@example.org", **more):
    return await log_in(world.app, name, PASSWORD, "rest", **more)


async def refusal_of(awaitable, code=ErrorCode.UNAUTHENTICATED):
    with pytest.raises(BallastError) as caught:
        await awaitable
    assert caught.value.code is code
    return caught.value


# --- accounts -------------------------------------------------------------------------------------


async def test_an_account_is_for_a_new_owner_or_for_the_one_of_this_machine(world):
    ann, bob = await account(world), await account(world, "bob")
    mine = await account(world, "me", mine=True)

    assert kind_of(ann.owner_id) is kind_of(bob.owner_id) is IdKind.OWNER
    assert len({ann.owner_id, bob.owner_id, LOCAL_OWNER}) == 3
    assert mine.owner_id == LOCAL_OWNER
    tokens = await signed_in(world, "me")
    assert (await admit(world.app, tokens.access_token, "rest")).owner_id == LOCAL_OWNER


async def test_a_password_is_judged_by_its_length_alone(world):
    for password in ("", "short", "fourteen chars", "x" * 201):
        refusal = await refusal_of(account(world, password=password), ErrorCode.INVALID_INPUT)
        assert "15 to 200" in refusal.message
        assert not password or password not in str(refusal.as_dict())

    await account(world, password="aaaaaaaaaaaaaaa")


async def test_a_password_is_the_same_on_every_keyboard(world):
    await account(world, password="Ångström is 1e-10 m")

    await log_in(world.app, "ann@example.org", "A\u030angstro\u0308m is 1e-10 m", "rest")


async def test_a_name_is_used_once_in_whatever_case(world):
    await account(world)

    await refusal_of(account(world, "ANN@example.org"), ErrorCode.NAME_TAKEN)
    await signed_in(world, "Ann@Example.org")


async def test_strangers_make_accounts_only_where_that_was_opened(world):
    refusal = await refusal_of(
        register(world.app, "eve", PASSWORD, "rest"), ErrorCode.REGISTRATION_CLOSED
    )
    assert "ballast account create" in refusal.spec.next_step

    world.app.sign_in = replace(world.app.sign_in, open_to_all=True)

    assert (await register(world.app, "eve", PASSWORD, "rest")).owner_id != LOCAL_OWNER


async def test_passwords_are_kept_as_argon2id_at_the_recommended_cost():
    kept = await Argon2Passwords().hash(PASSWORD)

    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PasswordHasher().verify(kept, PASSWORD)


async def test_a_hash_of_an_older_cost_is_renewed_when_its_password_is_known(world):
    ann = await account(world)
    dearer = Argon2Passwords(Argon2Cost(passes=2, memory_kib=16, lanes=1))
    world.app.sign_in = replace(world.app.sign_in, passwords=dearer)

    await refusal_of(log_in(world.app, ann.name, "wrong " + PASSWORD, "rest"))
    async with world.app.store.read() as reader:
        assert (await reader.get_account(ann.account_id)).password_hash == ann.password_hash
    await signed_in(world)
    async with world.app.store.read() as reader:
        renewed = (await reader.get_account(ann.account_id)).password_hash

    assert "m=16,t=2" in renewed
    await signed_in(world)


# --- signing in -----------------------------------------------------------------------------------


async def test_whoever_has_signed_in_is_the_owner_with_the_scopes_asked_for(world):
    ann = await account(world)
    tokens = await signed_in(world, scopes=(Scope.READ,))

    caller = await admit(world.app, tokens.access_token, "rest")

    assert caller == Caller(
        ann.owner_id, "rest", frozenset({Scope.READ}), tokens.session.session_id
    )


class Counting(Argon2Passwords):
    """Counts what was hashed, which is what takes the time."""

    def __init__(self, cost):
        super().__init__(cost)
        self.compared = []

    def _fits(self, kept, password):
        self.compared.append((kept is None, len(password)))
        return super()._fits(kept, password)


async def test_a_name_that_is_not_there_is_answered_like_a_wrong_password_and_as_slowly(world):
    await account(world)
    await account(world, "gone")
    await disable_account(world.app, OWNER, "gone")
    slow = Counting(Argon2Cost(passes=1, memory_kib=8, lanes=1))
    world.app.sign_in = replace(world.app.sign_in, passwords=slow)

    answers = [
        (await refusal_of(log_in(world.app, name, PASSWORD + extra, "rest"))).as_dict()
        for name, extra in (("ann@example.org", "!"), ("nobody", "!"), ("gone", ""))
    ]

    assert answers[0] == answers[1] == answers[2]
    assert len(slow.compared) == 3


async def test_what_is_kept_of_a_session_does_not_give_its_tokens_back(world, tmp_path):
    await account(world)
    tokens = await signed_in(world)
    world.app.wall.pass_time(timedelta(minutes=1))
    again = await refresh(world.app, tokens.refresh_token)

    secrets = [tokens.access_token, tokens.refresh_token, again.refresh_token, PASSWORD]
    assert not [one for one in secrets if one in repr(tokens) + repr(again)]
    for file in Places(settings_for(tmp_path).home).database.parent.iterdir():
        content = file.read_bytes() if file.is_file() else b""
        assert not [one for one in secrets if one.encode() in content], file


# --- staying signed in ----------------------------------------------------------------------------


async def test_an_access_token_lives_ten_minutes_and_is_refreshed(world):
    await account(world)
    first = await signed_in(world)
    world.app.wall.pass_time(timedelta(minutes=10))
    assert "refresh" in (await refusal_of(admit(world.app, first.access_token, "rest"))).message

    second = await refresh(world.app, first.refresh_token)

    caller = await admit(world.app, second.access_token, "rest")
    assert caller.credential_id == first.session.session_id


async def test_a_refresh_token_used_twice_ends_the_session_for_the_thief_and_the_owner(world):
    await account(world)
    other = await signed_in(world)
    first = await signed_in(world)
    second = await refresh(world.app, first.refresh_token)

    assert "used before" in (await refusal_of(refresh(world.app, first.refresh_token))).message

    await refusal_of(refresh(world.app, second.refresh_token))
    for token in (first.access_token, second.access_token):
        assert "has ended" in (await refusal_of(admit(world.app, token, "rest"))).message
    await admit(world.app, other.access_token, "rest")


async def test_of_many_who_refresh_at_once_one_at_most_gets_tokens_and_they_open_nothing(world):
    await account(world)
    first = await signed_in(world)

    outcomes = await asyncio.gather(
        *(refresh(world.app, first.refresh_token) for _ in range(5)), return_exceptions=True
    )

    given = [one for one in outcomes if not isinstance(one, BallastError)]
    assert len(given) == 1
    await refusal_of(admit(world.app, given[0].access_token, "rest"))


async def test_refreshing_never_allows_more_than_the_sign_in_did(world):
    await account(world)
    first = await signed_in(world, scopes=(Scope.READ, Scope.WRITE))

    await refusal_of(
        refresh(world.app, first.refresh_token, [Scope.READ, Scope.SPEND]),
        ErrorCode.SCOPE_MISSING,
    )
    second = await refresh(world.app, first.refresh_token, [Scope.READ])
    third = await refresh(world.app, second.refresh_token)

    assert (await admit(world.app, second.access_token, "rest")).scopes == {Scope.READ}
    assert (await admit(world.app, third.access_token, "rest")).scopes == {Scope.READ, Scope.WRITE}


async def test_a_refresh_token_ends_after_fourteen_days_and_a_session_after_ninety(world):
    await account(world)
    idle, busy = await signed_in(world), await signed_in(world)
    for _ in range(9):
        world.app.wall.pass_time(timedelta(days=9, hours=23))
        busy = await refresh(world.app, busy.refresh_token)
    await refusal_of(refresh(world.app, idle.refresh_token))

    world.app.wall.pass_time(timedelta(hours=9))

    await refusal_of(refresh(world.app, busy.refresh_token))
    await refusal_of(admit(world.app, busy.access_token, "rest"))


# --- and out --------------------------------------------------------------------------------------


async def by_logging_out(world, tokens):
    await log_out(world.app, tokens.session.session_id)


async def by_a_new_password(world, tokens):
    await set_password(world.app, OWNER, "ann@example.org", "another " + PASSWORD)


async def by_disabling_the_account(world, tokens):
    await disable_account(world.app, OWNER, "ann@example.org")


@pytest.mark.parametrize("end", [by_logging_out, by_a_new_password, by_disabling_the_account])
async def test_a_session_ends_at_once(world, end):
    await account(world)
    tokens = await signed_in(world)

    await end(world, tokens)

    await refusal_of(admit(world.app, tokens.access_token, "rest"))
    await refusal_of(refresh(world.app, tokens.refresh_token))


async def test_a_new_password_is_the_only_one(world):
    await account(world)
    await by_a_new_password(world, None)

    await refusal_of(log_in(world.app, "ann@example.org", PASSWORD, "rest"))
    await log_in(world.app, "ann@example.org", "another " + PASSWORD, "rest")


async def test_old_refresh_tokens_do_not_pile_up(world, tmp_path):
    await account(world)
    for _ in range(3):
        await signed_in(world)
        world.app.wall.pass_time(timedelta(days=15))
    await signed_in(world)

    with closing(sqlite3.connect(Places(settings_for(tmp_path).home).database)) as connection:
        assert connection.execute("SELECT count(*) FROM refresh_tokens").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (4,)
