"""What the store promises of money going out, destinations, prices seen, and new envelopes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ballast.adapters.store import open_store
from ballast.app.ports import StateMovedError
from ballast.core.states import IllegalMoveError, WithdrawalState
from ballast.core.trading import Price
from ballast.errors import BallastError, ErrorCode
from tests.adapters import store_rows as a


async def test_a_withdrawal_comes_back_exactly_and_moves_by_its_table(store):
    sent = a.withdrawal(
        state=WithdrawalState.CONFIRMED, rebalance_id="reb_1", transactions=("0x1", "0x2")
    )
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_withdrawal(a.withdrawal())
        await tx.save_withdrawal(sent, was=WithdrawalState.PLANNED)

    async with store.read() as reader:
        assert await reader.get_withdrawal(a.OWNER, "wdr_1") == sent
        assert await reader.withdrawal_of_plan(a.OWNER, "pln_1") == sent
        assert await reader.withdrawal_of_rebalance("reb_1") == sent
        assert await reader.list_withdrawals(a.INDEX, 5) == [sent]
        assert await reader.get_withdrawal("own_other", "wdr_1") is None


async def test_a_withdrawal_takes_no_arrow_that_is_not_there_and_none_twice(store):
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_withdrawal(a.withdrawal())

    sent = a.withdrawal(state=WithdrawalState.SENT)
    selling = a.withdrawal(state=WithdrawalState.SELLING)
    with pytest.raises(IllegalMoveError):
        async with store.transaction() as tx:
            await tx.save_withdrawal(sent, was=WithdrawalState.PLANNED)
    with pytest.raises(StateMovedError):
        async with store.transaction() as tx:
            await tx.save_withdrawal(selling, was=WithdrawalState.CONFIRMED)


@pytest.mark.parametrize("column", ["address", "asked_units", "payout_asset_id", "plan_id"])
async def test_what_the_owner_agreed_to_cannot_be_changed_even_by_hand(tmp_path, column):
    store = await open_store(tmp_path / "hand.db", synchronous="OFF")
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_withdrawal(a.withdrawal())
    await store.close()

    with closing(sqlite3.connect(tmp_path / "hand.db")) as connection:
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(f"UPDATE withdrawals SET {column} = '7'")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("DELETE FROM withdrawals")


async def test_a_label_is_used_once_until_its_destination_is_removed(store):
    async with store.transaction() as tx:
        await tx.add_destination(a.destination(1))
    with pytest.raises(BallastError) as taken:
        async with store.transaction() as tx:
            await tx.add_destination(a.destination(2))
    async with store.transaction() as tx:
        await tx.remove_destination(a.OWNER, "dst_1", a.after(1))
        await tx.add_destination(a.destination(2, address="0x" + "cd" * 20))

    async with store.read() as reader:
        left = await reader.list_destinations(a.OWNER)
        others = await reader.list_destinations("own_other")
    assert taken.value.code is ErrorCode.NAME_TAKEN
    assert [one.destination_id for one in left] == ["dst_2"]
    assert others == []


async def test_another_owner_cannot_remove_a_destination(store):
    async with store.transaction() as tx:
        await tx.add_destination(a.destination())

    with pytest.raises(StateMovedError):
        async with store.transaction() as tx:
            await tx.remove_destination("own_other", "dst_1", a.NOON)


async def test_the_address_of_a_destination_cannot_be_changed_even_by_hand(tmp_path):
    store = await open_store(tmp_path / "hand.db", synchronous="OFF")
    async with store.transaction() as tx:
        await tx.add_destination(a.destination())
    await store.close()

    with closing(sqlite3.connect(tmp_path / "hand.db")) as connection:
        for change in ("address = '0xevil'", "usable_at = 0", "wall_usable_at = 0"):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(f"UPDATE destinations SET {change}")


async def test_a_price_is_kept_once_as_it_was_seen(store):
    first = Price("btc", Decimal("92064.153"), "1click", a.NOON)
    later = Price("btc", Decimal("92065"), "1click", a.after(60))
    other = Price("btc", Decimal("92060.5"), "coingecko", a.NOON)
    async with store.transaction() as tx:
        await tx.add_observations([first, later])
        await tx.add_observations([first, other])

    async with store.read() as reader:
        found = await reader.list_observations("btc", a.NOON, a.after(61), 10)
        none = await reader.list_observations("btc", a.after(61), a.after(99), 10)
    assert sorted(found, key=lambda one: (one.observed_at, one.source)) == [first, other, later]
    assert none == []


async def test_a_key_encrypted_anew_replaces_the_old_envelope_of_the_same_account_only(store):
    fresh = replace(a.key(), master_key_id="other", nonce=b"9" * 12, ciphertext=b"x" * 48)
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.replace_key(fresh)

    with pytest.raises(StateMovedError):
        async with store.transaction() as tx:
            await tx.replace_key(replace(fresh, account_id="0xother"))

    async with store.read() as reader:
        assert await reader.get_key(a.INDEX) == fresh


async def test_an_index_is_due_when_it_is_to_be_reconciled(store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        index = await tx.get_index(a.OWNER, a.INDEX)
        await tx.reconcile_all(a.NOON)
        untouched = await tx.get_index(a.OWNER, a.INDEX)
        await tx.save_index(replace(index, reconcile_at=a.after(60)), was_version=index.version)

    async with store.read() as reader:
        early = await reader.due_rows(a.after(59), 10)
        due = [row for row in await reader.due_rows(a.after(60), 10) if row.kind == "index"]
        assert await reader.next_due(a.after(60) - timedelta(microseconds=1)) == a.after(60)
    assert untouched.reconcile_at is None
    assert [row for row in early if row.kind == "index"] == []
    assert [(row.row_id, row.due_at) for row in due] == [(a.INDEX, a.after(60))]
