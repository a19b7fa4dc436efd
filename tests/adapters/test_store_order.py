"""Which write transactions run at the same time: decided by what they say they are about."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from ballast.adapters.store import SqlStore, open_postgres_store
from tests.adapters import store_rows as a

OTHER = "idx_2"


@pytest.fixture
async def stores(postgres_url: str):
    """Two processes' stores on one Postgres database, with two indexes in it."""
    first, second = [await open_postgres_store(SecretStr(postgres_url)) for _ in range(2)]
    async with first.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_index(a.index(OTHER), a.key(OTHER))
    yield first, second
    await first.close()
    await second.close()


class Writer:
    """Holds a transaction open until told to end it."""

    def __init__(self, store: SqlStore, of: str | None) -> None:
        self.begun, self.end = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._run(store, of))

    async def _run(self, store: SqlStore, of: str | None) -> None:
        async with store.transaction(of):
            self.begun.set()
            await self.end.wait()

    async def finish(self) -> None:
        self.end.set()
        await asyncio.wait_for(self.task, timeout=60)


async def begins(writer: Writer) -> bool:
    """Whether it gets its turn while others hold theirs."""
    try:
        await asyncio.wait_for(writer.begun.wait(), timeout=0.3)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (a.INDEX, OTHER, True),
        (a.INDEX, "observations", True),
        (a.INDEX, a.INDEX, False),
        (a.INDEX, None, False),
        (None, a.INDEX, False),
        (None, None, False),
    ],
)
async def test_writes_about_one_thing_take_turns_and_one_about_nothing_runs_alone(
    stores: tuple[SqlStore, SqlStore], first: str | None, second: str | None, together: bool
):
    holder = Writer(stores[0], first)
    await asyncio.wait_for(holder.begun.wait(), timeout=60)
    other = Writer(stores[1], second)

    assert await begins(other) is together

    await holder.finish()
    await asyncio.wait_for(other.begun.wait(), timeout=60)
    await other.finish()


async def test_a_transaction_about_one_index_cannot_write_another(store: SqlStore):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_index(a.index(OTHER), a.key(OTHER))

    with pytest.raises(AssertionError, match="writes a row of idx_1"):
        async with store.transaction(OTHER) as tx:
            await tx.add_plan(a.plan())

    async with store.transaction(a.INDEX) as tx:
        await tx.add_plan(a.plan())


async def test_indexes_written_at_once_by_two_processes_have_whole_chains(
    stores: tuple[SqlStore, SqlStore],
):
    async def post(store: SqlStore, index_id: str, first: int) -> None:
        for number in range(first, first + 10):
            async with store.transaction(index_id) as tx:
                await tx.post(a.credited(1, number=number, index_id=index_id), a.NOON)

    await asyncio.gather(
        post(stores[0], a.INDEX, 100),
        post(stores[1], a.INDEX, 200),
        post(stores[0], OTHER, 300),
        post(stores[1], OTHER, 400),
    )

    async with stores[0].read() as reader:
        heads = [(await reader.ledger_head(index_id))[0] for index_id in (a.INDEX, OTHER)]
    assert heads == [20, 20]
    assert await stores[0].check() == []
