"""What every store does, whatever database it stands on: rows and transactions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ballast.app.ports import StateMovedError, Store, StoredAnswer, TradeFilter
from ballast.core.index import name_key
from ballast.core.states import (
    DepositState,
    IllegalMoveError,
    IndexState,
    IntentState,
    PlanState,
    RebalanceState,
    SwapState,
)
from ballast.errors import ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.store_world import refused


async def test_everything_comes_back_exactly_as_it_was_given(store: Store):
    key, quoted = a.key(), a.swap("swp_2", position=1, quoted_units=10**24, quote_deadline=a.NOON)
    answer = StoredAnswer("digest", '{"mode":"paper"}')
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_swap(quoted)
        await tx.add_intent(a.intent())
        await tx.add_deposit(a.deposit())
        await tx.add_payment(a.payment())
        await tx.add_decision(a.decision())
        await tx.put_answer(a.OWNER, "create_index", "r1", answer, a.NOON)
        await tx.put_meta("seed", "7")

    async with store.read() as reader:
        assert await reader.get_index(a.OWNER, a.INDEX) == a.index()
        assert await reader.find_index(a.OWNER, name_key("INDEX  idx_1")) == a.index()
        assert await reader.get_key(a.INDEX) == key
        assert await reader.get_assets([x.asset_id for x in a.ASSETS] + ["other"]) == {
            x.asset_id: x for x in a.ASSETS
        }
        assert await reader.get_plan(a.OWNER, "pln_1") == a.plan()
        assert await reader.get_rebalance(a.OWNER, "reb_1") == a.rebalance()
        assert await reader.rebalance_of_plan("pln_1") == a.rebalance()
        assert await reader.get_swap(a.OWNER, "swp_2") == quoted
        assert await reader.swaps_of("reb_1") == [a.swap(), quoted]
        assert await reader.intents_of("swp_1") == [a.intent()]
        assert await reader.get_deposit(a.OWNER, "dep_1") == a.deposit()
        assert await reader.payments_of("dep_1") == [a.payment()]
        assert await reader.list_decisions(a.INDEX, 5) == [a.decision()]
        assert await reader.get_answer(a.OWNER, "create_index", "r1") == answer
        assert await reader.get_meta("seed") == "7"


@pytest.mark.parametrize("kind", ["read_once", "read_short"])
async def test_a_view_for_one_query_answers_one_and_no_second(store: Store, kind: str):
    view = getattr(store, kind)
    async with store.transaction() as tx:
        await a.add_ground(tx)

    async with view() as reader:
        assert await reader.get_index(a.OWNER, a.INDEX) == a.index()
        with pytest.raises(AssertionError):
            await reader.get_index(a.OWNER, a.INDEX)
    async with store.transaction() as tx:
        await tx.put_meta("seed", "7")
    async with view() as reader:
        assert await reader.get_meta("seed") == "7"


async def test_targets_keep_the_order_they_were_given_in(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)

    async with store.read() as reader:
        found = await reader.get_index(a.OWNER, a.INDEX)

    assert found is not None
    assert list(found.targets) == list(a.index().targets)


async def test_another_owner_sees_and_changes_nothing(store: Store):
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_deposit(a.deposit())
        await tx.put_answer(a.OWNER, "create_index", "r1", StoredAnswer("d", "{}"), a.NOON)

    async with store.read() as reader:
        assert await reader.get_index("own_other", a.INDEX) is None
        assert await reader.find_index("own_other", name_key("Index idx_1")) is None
        assert await reader.list_indexes("own_other", archived=True, after=None, limit=9) == []
        assert await reader.get_index_and_balances("own_other", a.INDEX) is None
        assert await reader.get_plan("own_other", "pln_1") is None
        assert await reader.get_rebalance("own_other", "reb_1") is None
        assert await reader.get_swap("own_other", "swp_1") is None
        assert await reader.list_swaps("own_other", TradeFilter()) == []
        assert await reader.list_swaps("own_other", TradeFilter(index_id=a.INDEX)) == []
        assert await reader.get_deposit("own_other", "dep_1") is None
        assert await reader.get_answer("own_other", "create_index", "r1") is None
        assert await reader.owners() == [a.OWNER]
    stolen = replace(a.swap(), owner_id="own_other", state=SwapState.QUOTED)
    with pytest.raises(StateMovedError):
        async with store.transaction() as tx:
            await tx.save_swap(stolen, SwapState.PLANNED)
    with refused(ErrorCode.INTERNAL):
        async with store.transaction() as tx:
            await tx.add_plan(a.plan("pln_2", owner_id="own_other"))


async def test_two_owners_may_use_one_name_but_one_owner_may_not_use_it_twice(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_index(
            a.index("idx_2", owner_id="own_other", name="Index idx_1"), a.key("idx_2")
        )

    with refused(ErrorCode.NAME_TAKEN):
        async with store.transaction() as tx:
            await tx.add_index(a.index("idx_3", name="iNDEX   idx_1"), a.key("idx_3"))
    async with store.transaction() as tx:
        await tx.add_index(a.index("idx_4"), a.key("idx_4"))
    with refused(ErrorCode.NAME_TAKEN):
        async with store.transaction() as tx:
            await tx.save_index(a.index("idx_4", name="Index idx_1", version=2), 1)

    async with store.read() as reader:
        listed = await reader.list_indexes(a.OWNER, archived=True, after=None, limit=9)
    assert [(each.index_id, each.name) for each in listed] == [
        ("idx_1", "Index idx_1"),
        ("idx_4", "Index idx_4"),
    ]


async def test_indexes_are_listed_in_pages_and_archived_ones_only_when_asked(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_index(a.index("idx_2", state=IndexState.ARCHIVED), a.key("idx_2"))
        await tx.add_index(a.index("idx_3"), a.key("idx_3"))

    async def ids(**asked) -> list[str]:
        async with store.read() as reader:
            return [each.index_id for each in await reader.list_indexes(a.OWNER, **asked)]

    assert await ids(archived=False, after=None, limit=9) == ["idx_1", "idx_3"]
    assert await ids(archived=True, after=None, limit=2) == ["idx_1", "idx_2"]
    assert await ids(archived=True, after="idx_2", limit=2) == ["idx_3"]


async def test_a_save_needs_the_version_that_was_read(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.save_index(a.index(version=2, buffer_bps=200), 1)

    with pytest.raises(StateMovedError):
        async with store.transaction() as tx:
            await tx.save_index(a.index(version=2, buffer_bps=300), 1)

    # Archived by somebody else meanwhile: what was meant for the index as it was read is no mistake
    # of the caller, only late.
    async with store.transaction() as tx:
        await tx.save_index(a.index(version=3, state=IndexState.ARCHIVED), 2)
    with pytest.raises(StateMovedError):
        async with store.transaction() as tx:
            await tx.save_index(a.index(version=3, state=IndexState.ACTIVE), 2)

    async with store.read() as reader:
        found = await reader.get_index(a.OWNER, a.INDEX)
    assert found == a.index(version=3, state=IndexState.ARCHIVED)


async def test_a_row_that_another_process_moved_is_not_overwritten(store: Store):
    quoted = a.swap(state=SwapState.QUOTED, quoted_units=5)
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_intent(a.intent())
        await tx.add_deposit(a.deposit())
        await tx.save_swap(quoted, SwapState.PLANNED)

    async def swap_moves(tx):
        await tx.save_swap(a.swap(state=SwapState.FAILED), SwapState.PLANNED)

    async def intent_moves(tx):
        await tx.save_intent(a.intent(state=IntentState.PUBLISHED), IntentState.PUBLISHING)

    async def rebalance_moves(tx):
        await tx.save_rebalance(a.rebalance(), RebalanceState.HALTED)

    async def deposit_moves(tx):
        await tx.save_deposit(a.deposit(state=DepositState.PROCESSING), DepositState.SEEN)

    async def plan_moves(tx):
        await tx.save_plan_state("pln_9", PlanState.OPEN, PlanState.USED)

    for moves in (swap_moves, intent_moves, rebalance_moves, deposit_moves, plan_moves):
        with pytest.raises(StateMovedError):
            await in_one_transaction(store, moves)
    async with store.read() as reader:
        assert await reader.get_swap(a.OWNER, "swp_1") == quoted
        assert await reader.get_meta("written") is None


async def in_one_transaction(store: Store, moves) -> None:
    async with store.transaction() as tx:
        await tx.put_meta("written", "yes")
        await moves(tx)


async def test_an_arrow_that_the_state_tables_do_not_know_is_refused(store: Store):
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)

    with pytest.raises(IllegalMoveError):
        async with store.transaction() as tx:
            await tx.save_swap(a.swap(state=SwapState.SETTLED), SwapState.PLANNED)
    with pytest.raises(IllegalMoveError):
        async with store.transaction() as tx:
            await tx.save_index(a.index(state=IndexState.PAUSED, version=2), 1)


async def test_a_known_arrow_is_taken_and_every_field_is_replaced(store: Store):
    settled = a.rebalance(
        state=RebalanceState.COMPLETED, ended_at=a.after(9), due_at=None, note="All done."
    )
    credited = a.deposit(
        state=DepositState.CREDITED, credited_units=7, due_at=None, ended_at=a.after(9)
    )
    sent = a.intent(state=IntentState.PUBLISHING, attempts=1, updated_at=a.after(1))
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_intent(a.intent())
        await tx.add_deposit(a.deposit())
    async with store.transaction() as tx:
        await tx.save_rebalance(settled, RebalanceState.EXECUTING)
        await tx.save_deposit(credited, DepositState.AWAITING)
        await tx.save_intent(sent, IntentState.SIGNED)
        await tx.save_plan_state("pln_1", PlanState.OPEN, PlanState.USED)

    async with store.read() as reader:
        assert await reader.get_rebalance(a.OWNER, "reb_1") == settled
        assert await reader.get_deposit(a.OWNER, "dep_1") == credited
        assert await reader.intents_of("swp_1") == [sent]
        assert await reader.get_plan(a.OWNER, "pln_1") == a.plan(state=PlanState.USED)


async def test_one_rebalance_of_an_index_runs_at_a_time(store: Store):
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_plan(a.plan("pln_2"))

    with refused(ErrorCode.REBALANCE_RUNNING) as refusal:
        async with store.transaction() as tx:
            await tx.add_rebalance(a.rebalance("reb_2", plan_id="pln_2"))
    assert refusal.value.details["rebalance_id"] == "reb_1"

    async with store.transaction() as tx:
        await tx.save_rebalance(
            a.rebalance(state=RebalanceState.FAILED, due_at=None), RebalanceState.EXECUTING
        )
        await tx.add_rebalance(a.rebalance("reb_2", plan_id="pln_2", created_at=a.after(5)))
    async with store.read() as reader:
        running = await reader.active_rebalance(a.INDEX)
        listed = await reader.list_rebalances(a.INDEX, 5)
    assert running is not None
    assert running.rebalance_id == "reb_2"
    assert [each.rebalance_id for each in listed] == ["reb_2", "reb_1"]


async def test_a_rebalance_has_open_swaps_until_the_last_has_ended(store: Store):
    found = []
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_swap(a.swap("swp_2", position=1))
        for position, swap_id in enumerate(("swp_1", "swp_2")):
            found.append(await tx.has_open_swaps("reb_1"))
            failed = a.swap(swap_id, position=position, state=SwapState.FAILED)
            await tx.save_swap(failed, was=SwapState.PLANNED)
        found.append(await tx.has_open_swaps("reb_1"))

    assert found == [True, True, False]


async def test_a_plan_is_used_once(store: Store):
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.save_rebalance(
            a.rebalance(state=RebalanceState.FAILED, due_at=None), RebalanceState.EXECUTING
        )

    with refused(ErrorCode.INTERNAL):
        async with store.transaction() as tx:
            await tx.add_rebalance(a.rebalance("reb_2"))


async def test_a_signed_intent_is_kept_once_and_its_bytes_never_change(store: Store):
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_intent(a.intent())

    with refused(ErrorCode.INTERNAL):
        async with store.transaction() as tx:
            await tx.add_intent(a.intent("int_2", intent_hash=a.intent().intent_hash))
    with refused(ErrorCode.INTERNAL):
        async with store.transaction() as tx:
            await tx.save_intent(a.intent(payload="{}"), IntentState.SIGNED)
    async with store.read() as reader:
        assert await reader.intents_of("swp_1") == [a.intent()]


async def test_an_address_belongs_to_one_deposit(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_deposit(a.deposit())
        await tx.add_deposit(a.deposit("dep_2", address=a.deposit().address, memo="1"))

    for taken in (None, "1"):
        with refused(ErrorCode.INTERNAL):
            async with store.transaction() as tx:
                await tx.add_deposit(a.deposit("dep_3", address=a.deposit().address, memo=taken))


async def test_a_payment_seen_again_is_left_as_it_was(store: Store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_deposit(a.deposit())
        await tx.add_payment(a.payment(units=5))
        await tx.add_payment(a.payment("pay_2", units=6))
        await tx.add_payment(a.payment("pay_3", external_id="0xsecond", seen_at=a.after(1)))

    async with store.read() as reader:
        found = await reader.payments_of("dep_1")
    assert [(each.payment_id, each.units) for each in found] == [("pay_1", 5), ("pay_3", None)]


async def test_an_asset_keeps_the_decimals_it_was_first_listed_with(store: Store):
    async with store.transaction() as tx:
        await tx.add_asset(a.ETH)
        await tx.add_asset(replace(a.ETH, symbol="WETH"))

    with refused(ErrorCode.VENUE_REFUSED):
        async with store.transaction() as tx:
            await tx.add_asset(replace(a.ETH, decimals=8))
    async with store.read() as reader:
        assert await reader.get_assets([a.ETH.asset_id]) == {a.ETH.asset_id: a.ETH}


# --- transactions -----------------------------------------------------------------------------


async def test_all_of_a_transaction_happens_or_nothing(store: Store):
    async def breaks_off(tx):
        await a.add_ground(tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await in_one_transaction(store, breaks_off)

    async with store.read() as reader:
        assert await reader.owners() == []


async def test_a_read_sees_one_moment_while_others_write(store: Store):
    async with store.read() as reader:
        assert await reader.get_meta("n") is None
        async with store.transaction() as tx:
            await tx.put_meta("n", "1")
        assert await reader.get_meta("n") is None

    async with store.read() as reader:
        assert await reader.get_meta("n") == "1"


async def test_a_transaction_that_is_over_writes_nothing_more(store: Store):
    async with store.transaction() as tx:
        await tx.put_meta("n", "1")

    with pytest.raises(AttributeError):
        await tx.put_meta("n", "2")
    async with store.read() as reader:
        assert await reader.get_meta("n") == "1"


async def test_a_transaction_inside_a_transaction_fails_instead_of_waiting_for_itself(store: Store):
    with pytest.raises(AssertionError, match="inside a transaction"):
        async with store.transaction(), store.transaction():
            pass
    async with store.transaction() as tx:
        await tx.put_meta("n", "1")
