"""What the store promises of limits, of changes that wait, and of a person's word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ballast.app.ports import StateMovedError, Store
from ballast.core.limits import Limits
from tests.adapters import store_rows as a
from tests.adapters.limit_rows import confirmation, limit_change


async def test_an_owners_limits_come_back_as_they_were_put_last(store: Store):
    narrow = replace(Limits(), max_day_pico=5, allowed_assets=("btc", "eth"))
    async with store.transaction() as tx:
        await tx.put_owner_limits(a.OWNER, Limits(), a.NOON)
        await tx.put_owner_limits(a.OWNER, narrow, a.after(1))

    async with store.read() as reader:
        assert await reader.owner_limits(a.OWNER) == narrow
        assert await reader.owner_limits("own_other") is None


async def due(reader):
    rows = await reader.due_rows(a.after(86_400), 9)
    return [(one.row_id, one.index_id) for one in rows if one.kind == "limit_change"]


async def test_a_change_waits_among_what_is_due_and_ends_once(store: Store):
    change = limit_change()
    async with store.transaction() as tx:
        await tx.add_limit_change(change)

    async with store.read() as reader:
        assert ("lim_1", a.INDEX) in await due(reader)
        assert await reader.next_due(a.NOON) == a.after(86_400)
        assert await reader.list_limit_changes("own_other") == []
    ended = replace(change, outcome="in_force", ended_at=a.after(86_400), due_at=None)
    async with store.transaction() as tx:
        await tx.save_limit_change(ended, was="waiting")
    with pytest.raises(StateMovedError):
        async with store.transaction() as tx:
            await tx.save_limit_change(replace(ended, outcome="given_up"), was="waiting")

    async with store.read() as reader:
        assert await reader.list_limit_changes(a.OWNER) == [ended]
        assert await reader.get_limit_change("own_other", "lim_1") is None
        assert await due(reader) == []


async def test_a_word_for_a_plan_is_its_owners_alone(store: Store):
    async with store.transaction() as tx:
        await tx.add_confirmation(confirmation())

    async with store.read() as reader:
        assert await reader.confirmation_of(a.OWNER, "pln_1") == confirmation()
        assert await reader.confirmation_of("own_other", "pln_1") is None
        assert await reader.confirmation_of(a.OWNER, "pln_2") is None
