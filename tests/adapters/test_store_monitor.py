"""Passes over shards: what they count, and what is a shard's and what another's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ballast.app.ports import Shard, StateMovedError, Store
from ballast.core.checks import Check
from ballast.core.ledger import Account, transfer
from ballast.core.states import IndexState
from tests.adapters import store_rows as a

FIVE_MINUTES = timedelta(minutes=5)
EVERY = "idx"
OTHER = "idx_2"


async def shard_of(store: Store, behind: str = EVERY) -> Shard:
    async with store.read_once() as reader:
        return await reader.get_shard(behind)


async def check_of(store: Store, index_id: str = a.INDEX) -> Check:
    async with store.read_once() as reader:
        check = await reader.get_check(index_id)
    assert check is not None
    return check


async def wake(store: Store, shard: Shard, *, planned: bool = False) -> None:
    async with store.transaction() as tx:
        await tx.wake_checks([(a.OWNER, a.INDEX)], a.NOON, shard, planned=planned)


async def look(store: Store) -> None:
    """An exact look that finds what the last one did, and plans no next one."""
    check = await check_of(store)
    assert check.due_at is not None
    after = replace(check, times=check.times + 1, due_at=None)
    async with store.transaction(a.INDEX) as tx:
        await tx.save_check(after, was_due_at=check.due_at)


async def end(store: Store, number: int, *cuts: str, behind: str = EVERY) -> None:
    """The pass of this number."""
    shard, at = await shard_of(store, behind), a.NOON + number * FIVE_MINUTES
    async with store.transaction(f"shard:{behind}") as tx:
        await tx.end_pass(shard, at, at + FIVE_MINUTES, cuts)


async def test_a_pass_counts_a_check_of_each_index_that_it_left_alone(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
    await wake(store, await shard_of(store))
    await look(store)
    await end(store, 1)
    looked_at = await check_of(store)
    for number in (2, 3, 4):
        await end(store, number)
    counted = await check_of(store)
    await wake(store, await shard_of(store))
    woken = await check_of(store)
    await end(store, 5)
    await look(store)

    assert looked_at.times == 1
    assert (counted.times, counted.checked_at) == (4, a.NOON + 4 * FIVE_MINUTES)
    assert (woken.times, woken.checked_at, woken.due_at) == (4, counted.checked_at, a.NOON)
    assert (await check_of(store)).times == 5


async def test_a_pass_that_is_repeated_after_a_crash_counts_nothing_twice(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
    await wake(store, await shard_of(store))
    await look(store)
    await end(store, 1)
    await end(store, 2)
    shard = await shard_of(store)
    for _ in range(2):
        await wake(store, shard)
        await look(store)
    await end(store, 3)

    # Once for each look, and once for the pass that left it alone.
    assert (await check_of(store)).times == 4


async def test_of_two_passes_over_one_shard_one_ends_it(store: Store):
    shard = await shard_of(store)
    await end(store, 1)

    with pytest.raises(StateMovedError):
        async with store.transaction(f"shard:{EVERY}") as tx:
            await tx.end_pass(shard, a.NOON, a.NOON + FIVE_MINUTES, ["idx_1"])

    assert (await shard_of(store)).passes == 1
    assert (await shard_of(store)).until is None


async def test_passes_over_every_shard_are_brought_forward_and_none_is_put_off(store: Store):
    await end(store, 1, "idx_1")
    at = a.NOON + 1.5 * FIVE_MINUTES
    for moment in (at, at + FIVE_MINUTES):
        async with store.transaction() as tx:
            await tx.wake_passes(moment)

    assert {(await shard_of(store, behind)).due_at for behind in (EVERY, "idx_1")} == {at}


async def test_a_planned_look_is_brought_forward_only_when_that_is_asked_for(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
    shard = await shard_of(store)
    await wake(store, shard)
    planned = replace(await check_of(store), due_at=a.NOON + timedelta(days=1))
    async with store.transaction(a.INDEX) as tx:
        await tx.save_check(planned, was_due_at=a.NOON)

    await wake(store, shard)
    left = await check_of(store)
    await wake(store, shard, planned=True)

    assert left.due_at == planned.due_at
    assert (await check_of(store)).due_at == a.NOON


async def test_what_is_cut_off_is_a_shard_of_its_own_with_the_same_past(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.save_index(a.index(state=IndexState.ACTIVE, version=2), was_version=1)
        await tx.add_index(a.index(OTHER, state=IndexState.ACTIVE), a.key(OTHER))
        await tx.wake_checks([(a.OWNER, OTHER)], a.NOON, await tx.get_shard(EVERY), planned=True)
        woken = await tx.get_check(OTHER)
        assert woken is not None
        await tx.save_check(replace(woken, times=1, due_at=None), was_due_at=a.NOON)
    await end(store, 1, a.INDEX)
    await end(store, 2, behind=a.INDEX)

    first, second = await shard_of(store), await shard_of(store, a.INDEX)
    async with store.read() as reader:
        pages = [await reader.watched(one.behind, one.until, 10) for one in (first, second)]
        places = {one.row_id for one in await reader.due_rows(first.due_at, 10)}
    assert (first.until, second.until) == (a.INDEX, None)
    assert (first.passes, second.passes) == (1, 2)
    assert [[one.index_id for one in page] for page in pages] == [[a.INDEX], [OTHER]]
    assert (await check_of(store, OTHER)).times == 2
    assert EVERY in places
    assert a.INDEX not in places


async def test_a_pass_sees_what_an_index_holds_in_every_account(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.save_index(a.index(state=IndexState.ACTIVE, version=2), was_version=1)
        await tx.post(a.credited(10**24), a.NOON)
        reserved = transfer(a.USDC.asset_id, 10**23, Account.AVAILABLE, Account.RESERVED)
        await tx.post(replace(a.credited(1, number=2), postings=reserved), a.NOON)
        (seen,) = await tx.watched(EVERY, None, 10)
        index = await tx.get_index(a.OWNER, a.INDEX)

    assert index is not None
    assert seen.held == {a.USDC.asset_id: 10**24}
    assert seen.basket.targets == index.targets
    assert (seen.basket.policy, seen.basket.buffer_bps) == (index.policy, index.buffer_bps)
    assert (seen.updated_at, seen.version) == (index.updated_at, 2)
