"""What the store promises of those who may ask."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ballast.app.ports import StateMovedError, Store
from ballast.core.access import Scope
from ballast.errors import ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.store_world import refused


async def test_a_key_comes_back_by_its_hash_and_in_its_owners_list_alone(store: Store):
    keys = [a.api_key(1), a.api_key(2), a.api_key(3, owner_id="own_other")]
    async with store.transaction() as tx:
        for key in keys:
            await tx.add_api_key(key)
        await tx.touch_api_key("key_1", a.after(5))

    async with store.read() as reader:
        used = replace(keys[0], last_used_at=a.after(5))
        assert await reader.find_api_key(keys[0].secret_hash) == used
        assert await reader.find_api_key("0" * 64) is None
        assert await reader.list_api_keys(a.OWNER) == [keys[1], used]


async def test_a_name_is_free_again_once_its_key_is_revoked_or_replaced(store: Store):
    for number, end in ((2, "revoke"), (3, "replace")):
        async with store.transaction() as tx:
            await tx.add_api_key(a.api_key(number, name=end))
        with refused(ErrorCode.NAME_TAKEN):
            async with store.transaction() as tx:
                await tx.add_api_key(a.api_key(number + 10, name=end))
        async with store.transaction() as tx:
            if end == "revoke":
                await tx.revoke_api_key(a.api_key(number), a.NOON)
            else:
                await tx.replace_api_key(a.api_key(number), f"key_{number + 10}", a.after(9))
            await tx.add_api_key(a.api_key(number + 10, name=end))


@pytest.mark.parametrize("owner_id", [a.OWNER, "own_other"])
async def test_a_key_that_has_ended_or_is_anothers_is_not_ended_again(store: Store, owner_id):
    async with store.transaction() as tx:
        await tx.add_api_key(a.api_key())
        if owner_id == a.OWNER:
            await tx.revoke_api_key(a.api_key(), a.NOON)

    given = a.api_key(owner_id=owner_id)
    with pytest.raises(StateMovedError):
        async with store.transaction() as tx:
            await tx.revoke_api_key(given, a.after(1))
    with pytest.raises(StateMovedError):
        async with store.transaction() as tx:
            await tx.replace_api_key(given, "key_2", a.after(1))


async def test_people_and_their_sessions_come_back_as_they_were_given(store: Store):
    async with store.transaction() as tx:
        await tx.add_account(a.account())
        await tx.add_session(a.session())
        await tx.add_refresh_token(a.refresh_token())

    async with store.read() as reader:
        assert await reader.find_account("PERSON  1") == a.account()
        assert await reader.get_account("acc_1") == a.account()
        assert await reader.list_accounts() == [a.account()]
        assert await reader.get_session("ses_1") == a.session()
        assert await reader.find_refresh_token(f"{1:064x}") == a.refresh_token()
        assert await reader.find_account("person 2") is None
    with refused(ErrorCode.NAME_TAKEN):
        async with store.transaction() as tx:
            await tx.add_account(a.account(2, name="person 1", owner_id="own_other"))


async def test_a_refresh_token_is_used_up_once(store: Store):
    async with store.transaction() as tx:
        await tx.add_account(a.account())
        await tx.add_session(a.session())
        await tx.add_refresh_token(a.refresh_token())
    uses = []
    for second in (1, 2):
        async with store.transaction() as tx:
            uses.append(await tx.use_refresh_token(f"{1:064x}", a.after(second)))
    async with store.transaction() as tx:
        await tx.forget_refresh_tokens(a.after(14))
        kept = await tx.find_refresh_token(f"{1:064x}")
        await tx.forget_refresh_tokens(a.after(15))
        gone = await tx.find_refresh_token(f"{1:064x}")

    assert uses == [True, False]
    assert kept == replace(a.refresh_token(), used_at=a.after(1))
    assert gone is None


async def test_a_session_ends_once_and_an_accounts_sessions_end_together(store: Store):
    async with store.transaction() as tx:
        for number in (1, 2):
            await tx.add_account(a.account(number))
        for number, account_id in ((1, "acc_1"), (2, "acc_1"), (3, "acc_2")):
            await tx.add_session(a.session(number, account_id=account_id))
        await tx.end_session("ses_1", a.after(1), "first")
        await tx.end_sessions_of("acc_1", a.after(2), "second")

    async with store.read() as reader:
        ends = [(await reader.get_session(f"ses_{number}")).ended_at for number in (1, 2, 3)]
    assert ends == [a.after(1), a.after(2), None]


async def test_an_identity_opens_one_account_and_a_challenge_is_used_once(store: Store):
    uses = []
    async with store.transaction() as tx:
        await tx.add_account(a.account())
        await tx.add_identity(a.identity())
        await tx.add_challenge(a.challenge())
    for second in (1, 2):
        async with store.transaction() as tx:
            uses.append(await tx.use_challenge(f"{1:064x}", a.after(second)))
    with refused(ErrorCode.NAME_TAKEN):
        async with store.transaction() as tx:
            await tx.add_identity(a.identity(owner_id="own_other"))

    async with store.transaction() as tx:
        assert await tx.find_identity("ethereum", "0xAb") == a.identity()
        assert await tx.find_identity("https://issuer.example", "0xAb") is None
        assert await tx.find_challenge(f"{1:064x}") == replace(a.challenge(), used_at=a.after(1))
        await tx.forget_challenges(a.after(6))
        assert await tx.find_challenge(f"{1:064x}") is None
    assert uses == [True, False]


async def test_an_authorization_is_allowed_once_and_exchanged_once(store: Store):
    async with store.transaction() as tx:
        await tx.add_client(a.client())
        await tx.add_authorization(a.authorization())
    done = []
    for code in ("c1", "c2"):
        async with store.transaction() as tx:
            done.append(
                await tx.allow_authorization(
                    a.authorization(), code, a.account(), (Scope.READ,), a.after(60)
                )
            )
    for session_id in ("ses_1", "ses_2"):
        async with store.transaction() as tx:
            done.append(await tx.exchange_authorization(f"{1:064x}", session_id))

    async with store.transaction() as tx:
        found = await tx.find_code("c1")
        assert await tx.find_code("c2") is None
        await tx.forget_authorizations(a.after(90_000))
        assert await tx.find_authorization(f"{1:064x}") is None
    assert done == [True, False, True, False]
    assert found == a.authorization(
        scopes=(Scope.READ,),
        expires_at=a.after(60),
        code_hash="c1",
        account_id="acc_1",
        owner_id=a.OWNER,
        session_id="ses_1",
    )


async def test_clients_are_forgotten_unless_they_were_allowed_something(store: Store):
    async with store.transaction() as tx:
        for number in (1, 2, 3):
            await tx.add_client(a.client(number))
        await tx.add_authorization(a.authorization())
        await tx.note_client_allowed("client 2", a.after(1))
        await tx.note_client_allowed("client 2", a.after(2))
        await tx.forget_clients(a.after(1))

        assert await tx.get_client("client 1") == a.client(1)
        assert await tx.get_client("client 2") == replace(a.client(2), allowed_at=a.after(1))
        assert await tx.get_client("client 3") is None
        await tx.remove_authorization(f"{1:064x}")
        await tx.forget_clients(a.after(1))
        assert await tx.get_client("client 1") is None
