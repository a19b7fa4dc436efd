"""What every store finds again: history, what counts against limits, what is due, answers."""

from __future__ import annotations

import pytest

from ballast.app.ports import Store, StoredAnswer, TradeFilter
from ballast.core.audit import AuditRecord, KeyedSeal
from ballast.core.states import SwapState
from ballast.errors import ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.store_world import refused


async def add_swaps(store: Store) -> None:
    """Five swaps, two of them made at one moment."""
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_swap(a.swap("swp_2", position=1, created_at=a.after(1)))
        await tx.add_swap(
            a.swap("swp_3", position=2, created_at=a.after(1), buy=a.NEAR.asset_id, value_pico=3)
        )
        await tx.add_swap(
            a.swap("swp_4", position=3, created_at=a.after(2), state=SwapState.FAILED)
        )
        await tx.add_swap(
            a.swap("swp_5", position=4, created_at=a.after(3), state=SwapState.SETTLED)
        )


async def test_the_history_is_paged_newest_first_and_no_swap_is_lost_or_shown_twice(store: Store):
    await add_swaps(store)
    seen: list[str] = []
    after = None
    while True:
        async with store.read() as reader:
            page = await reader.list_swaps(a.OWNER, TradeFilter(after=after, limit=2))
        if not page:
            break
        seen += [each.swap_id for each in page]
        after = seen[-1]

    assert seen == ["swp_5", "swp_4", "swp_3", "swp_2", "swp_1"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (TradeFilter(index_id="idx_9"), []),
        (TradeFilter(rebalance_id="reb_1", limit=1), ["swp_5"]),
        (TradeFilter(asset_id=a.NEAR.asset_id), ["swp_3"]),
        (TradeFilter(asset_id=a.USDC.asset_id, limit=2), ["swp_5", "swp_4"]),
        (TradeFilter(states=(SwapState.FAILED, SwapState.SETTLED)), ["swp_5", "swp_4"]),
        (TradeFilter(since=a.after(1), until=a.after(3)), ["swp_4", "swp_3", "swp_2"]),
        (
            TradeFilter(index_id=a.INDEX, states=(SwapState.PLANNED,), after="swp_3"),
            ["swp_2", "swp_1"],
        ),
        (TradeFilter(after="swp_9"), []),
    ],
)
async def test_the_history_shows_what_is_asked_for(store: Store, wanted, expected):
    await add_swaps(store)

    async with store.read() as reader:
        assert [each.swap_id for each in await reader.list_swaps(a.OWNER, wanted)] == expected


async def test_what_may_have_been_spent_counts_and_what_came_back_does_not(store: Store):
    await add_swaps(store)

    async with store.read() as reader:
        # swp_1, swp_2 and swp_5 of 10^15 each, swp_3 of 3; swp_4 failed.
        spent = await reader.spending_since(a.OWNER, a.after(-1))
        assert sum(one.value_pico for one in spent) == 3 * 10**15 + 3
        assert {(one.index_id, one.cost_pico) for one in spent} == {(a.INDEX, 10**13)}
        (last,) = await reader.spending_since(a.OWNER, a.after(2))
        assert (last.at, last.value_pico) == (a.after(3), 10**15)
        assert await reader.spending_since(a.OWNER, a.after(3)) == []
        assert await reader.spending_since("own_other", a.after(-1)) == []


ABOUT_ALL = ("schedule", "shard")


async def due_of_indexes(reader, now):
    """What is due but for the work about all indexes, which is due from the beginning."""
    return [row for row in await reader.due_rows(now, 19) if row.kind not in ABOUT_ALL]


async def test_due_rows_come_oldest_first_and_only_when_due(store: Store):
    async with store.read() as reader:
        assert await reader.next_due(a.NOON) is None
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_deposit(a.deposit())
        await tx.add_swap(a.swap("swp_2", position=1, due_at=None))

    async with store.read() as reader:
        due = await due_of_indexes(reader, a.after(2))
        assert [(row.kind, row.row_id, row.due_at) for row in due] == [
            ("deposit", "dep_1", a.after(1)),
            ("swap", "swp_1", a.after(2)),
        ]
        assert {(row.owner_id, row.index_id) for row in due} == {(a.OWNER, a.INDEX)}
        assert [row.kind for row in await due_of_indexes(reader, a.after(99))] == [
            "deposit",
            "swap",
            "rebalance",
        ]
        assert len(await reader.due_rows(a.after(99), 1)) == 1
        assert await reader.next_due(a.NOON) == a.after(1)
        assert await reader.next_due(a.after(1)) == a.after(2)
        assert await reader.next_due(a.after(2)) == a.after(3)
        assert await reader.next_due(a.after(3)) is None


async def test_decisions_are_found_by_index_and_by_what_they_are_about(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_decision(a.decision("dec_1", reference="pln_1"))
        await tx.add_decision(a.decision("dec_2", at=a.after(1)))
        await tx.add_decision(a.decision("dec_3", at=a.after(2), reference="pln_1"))

    async with store.read() as reader:
        latest = await reader.list_decisions(a.INDEX, 2)
        about = await reader.decisions_about("pln_1")
    assert [each.decision_id for each in latest] == ["dec_3", "dec_2"]
    assert [each.decision_id for each in about] == ["dec_1", "dec_3"]


async def test_deposits_are_listed_newest_first(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_deposit(a.deposit("dep_1"))
        await tx.add_deposit(a.deposit("dep_2", created_at=a.after(1)))

    async with store.read() as reader:
        listed = await reader.list_deposits(a.INDEX, 5)
    assert [each.deposit_id for each in listed] == ["dep_2", "dep_1"]


async def test_a_request_has_one_answer_per_owner_and_operation(store: Store):
    async with store.transaction() as tx:
        await tx.put_answer(a.OWNER, "create_index", "r1", StoredAnswer("d", "1"), a.NOON)
        await tx.put_answer(a.OWNER, "pause_index", "r1", StoredAnswer("d", "2"), a.NOON)
        await tx.put_answer("own_other", "create_index", "r1", StoredAnswer("d", "3"), a.NOON)

    with refused(ErrorCode.INTERNAL):
        async with store.transaction() as tx:
            await tx.put_answer(a.OWNER, "create_index", "r1", StoredAnswer("e", "4"), a.NOON)
    async with store.read() as reader:
        assert await reader.get_answer(a.OWNER, "create_index", "r1") == StoredAnswer("d", "1")


async def test_a_call_is_audited_once(store: Store):
    record = AuditRecord("aud_1", a.OWNER, a.NOON, "create_index", "mcp", "digest", "done", "idx_1")
    async with store.transaction() as tx:
        await tx.add_audit(record, KeyedSeal(b"a key"))

    with refused(ErrorCode.INTERNAL):
        async with store.transaction() as tx:
            await tx.add_audit(record, KeyedSeal(b"a key"))


async def test_a_fact_of_the_database_can_be_replaced(store: Store):
    async with store.transaction() as tx:
        await tx.put_meta("engine", "a")
        await tx.put_meta("engine", "b")

    async with store.read() as reader:
        assert await reader.get_meta("engine") == "b"
        assert await reader.get_meta("other") is None
