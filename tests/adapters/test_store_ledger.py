"""What every store does with the ledger: exact, one chain, and nothing spent that is not held."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ballast.app.ports import Store
from ballast.core.ledger import GENESIS, Account, Entry, EntryKind, transfer
from ballast.errors import ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.store_world import refused


@pytest.mark.parametrize(
    ("asset", "units"),
    [
        (a.ETH, 10 * 10**18),
        (a.ETH, 2**63 - 1),
        (a.NEAR, 123_456_789 * 10**24 + 1),
        (a.USDC, 10**38 + 7),
    ],
    ids=["10 ETH in wei", "the largest INTEGER", "24 decimals", "39 digits"],
)
async def test_amounts_survive_to_the_last_base_unit(store: Store, asset, units):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.post(a.credited(units, asset=asset), a.NOON)
        await tx.post(a.credited(1, asset=asset, number=2), a.NOON)

    async with store.read() as reader:
        assert await reader.balances(a.INDEX) == {
            (asset.asset_id, Account.AVAILABLE): units + 1,
            (asset.asset_id, Account.OWNER): -units - 1,
        }
    assert await store.check() == []


async def test_entries_form_one_chain_per_index(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_index(a.index("idx_2"), a.key("idx_2"))
        first = await tx.post(a.credited(5), a.after(1))
        second = await tx.post(a.credited(6, number=2), a.after(2))
        other = await tx.post(a.credited(7, index_id="idx_2"), a.after(3))
        # The head is seen inside the transaction that moved it.
        assert second is not None
        assert await tx.ledger_head(a.INDEX) == (2, second.hash)

    assert first is not None
    assert other is not None
    assert (first.sequence, first.previous_hash) == (1, GENESIS)
    assert (second.sequence, second.previous_hash) == (2, first.hash)
    assert (other.sequence, other.previous_hash) == (1, GENESIS)
    async with store.read() as reader:
        assert await reader.list_entries(a.INDEX) == [first, second]
        assert await reader.ledger_head("idx_2") == (1, other.hash)
        assert await reader.ledger_head("idx_3") == (0, GENESIS)


async def test_an_outside_fact_is_booked_once(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        assert await tx.post(a.credited(5), a.NOON) is not None
        again = replace(a.credited(5), entry_id="ent_again")
        assert await tx.post(again, a.NOON) is None
    async with store.transaction() as tx:
        assert await tx.post(again, a.NOON) is None

    async with store.read() as reader:
        assert len(await reader.list_entries(a.INDEX)) == 1
        assert (await reader.balances(a.INDEX))[a.USDC.asset_id, Account.AVAILABLE] == 5


async def test_nothing_is_spent_that_is_not_held_and_nothing_half_written_stays(store: Store):
    def reserve(units: int) -> Entry:
        return replace(
            a.credited(1, number=9),
            kind=EntryKind.SWAP_RESERVED,
            postings=transfer(a.USDC.asset_id, units, Account.AVAILABLE, Account.RESERVED),
        )

    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.post(a.credited(5), a.NOON)

    with refused(ErrorCode.INSUFFICIENT_HOLDINGS):
        async with store.transaction() as tx:
            await tx.post(a.credited(1, number=2), a.NOON)
            await tx.post(reserve(7), a.NOON)
    async with store.read() as reader:
        assert len(await reader.list_entries(a.INDEX)) == 1
    async with store.transaction() as tx:
        await tx.post(reserve(5), a.NOON)
    async with store.read() as reader:
        found = await reader.get_index_and_balances(a.OWNER, a.INDEX)
    # An emptied account is not shown.
    assert found == (
        a.index(),
        {(a.USDC.asset_id, Account.RESERVED): 5, (a.USDC.asset_id, Account.OWNER): -5},
    )


async def test_a_posting_outside_the_books_is_never_written(store: Store):
    unbalanced = replace(a.credited(5), postings=a.credited(5).postings[:1])
    async with store.transaction() as tx:
        await a.add_ground(tx)

    with pytest.raises(AssertionError, match="does not sum to zero"):
        async with store.transaction() as tx:
            await tx.post(unbalanced, a.NOON)
    async with store.read() as reader:
        assert await reader.list_entries(a.INDEX) == []
