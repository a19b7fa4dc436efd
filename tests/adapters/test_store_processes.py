"""What the store promises to tasks and processes at once, cut off, or out of room."""

from __future__ import annotations

import asyncio
import functools
import itertools
import sqlite3
import types
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ballast.adapters.store import SqlStore, open_store
from ballast.core.ledger import Account
from ballast.errors import ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.store_world import fill, refused, run_python


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqlStore]:
    """One that soon gives up waiting for another writer."""
    opened = await open_store(file, synchronous="OFF", busy_timeout_ms=50)
    yield opened
    await opened.close()


async def test_a_cancelled_transaction_is_undone_and_the_next_one_works(store: SqlStore):
    written = asyncio.Event()

    async def interrupted() -> None:
        async with store.transaction() as tx:
            await tx.put_meta("n", "lost")
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(interrupted())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with asyncio.timeout(60), store.transaction() as tx:
        assert await tx.get_meta("n") is None
        await tx.put_meta("n", "kept")
    async with store.read() as reader:
        assert await reader.get_meta("n") == "kept"


async def test_a_task_cancelled_at_any_step_leaves_a_store_that_works(store: SqlStore):
    await fill(store)

    async def once(number: int) -> None:
        async with store.read() as reader:
            await reader.balances(a.INDEX)
        async with store.transaction() as tx:
            await tx.post(a.credited(1, number=1_000 + number), a.NOON)

    async with asyncio.timeout(120):
        for step in itertools.count(1):
            try:
                await cancelled_at(once(step), step)
            except asyncio.CancelledError:
                continue
            break
        async with store.transaction() as tx:
            await tx.put_meta("n", "kept")

    # BEGIN, a SELECT, ROLLBACK; then BEGIN, two SELECTs, three writes, COMMIT: each was hit.
    assert step > 3 + 7
    assert await store.check() == []


@types.coroutine
def cancelled_at(work: Coroutine[Any, None, None], step: int) -> Generator[Any, None, None]:
    """Run a coroutine and cancel it where it waits for the `step`-th time, as a task would be."""
    resume = functools.partial(work.send, None)
    for waits in itertools.count(1):
        try:
            waiting = resume()
        except StopIteration:
            return
        if waits == step:
            waiting.cancel()
            resume = functools.partial(work.throw, asyncio.CancelledError())
            continue
        yield waiting
        resume = functools.partial(work.send, None)


async def test_a_task_cancelled_again_while_it_is_being_undone_still_frees_the_writer(
    store: SqlStore,
):
    written = asyncio.Event()

    async def interrupted() -> None:
        async with store.transaction() as tx:
            await tx.put_meta("n", "lost")
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(interrupted())
    await written.wait()
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)

    async with asyncio.timeout(60), store.transaction() as tx:
        assert await tx.get_meta("n") is None


async def test_many_tasks_share_one_store(store: SqlStore):
    await fill(store)

    async def work(number: int) -> None:
        async with store.transaction() as tx:
            await tx.post(a.credited(1, number=100 + number), a.NOON)
        async with store.read() as reader:
            assert await reader.get_index_and_balances(a.OWNER, a.INDEX) is not None

    await asyncio.gather(*(work(number) for number in range(40)))

    async with store.read() as reader:
        assert (await reader.balances(a.INDEX))[a.USDC.asset_id, Account.AVAILABLE] == 51
        assert (await reader.ledger_head(a.INDEX))[0] == 42
    assert await store.check() == []


_POST_TEN = """
import asyncio, sys
from pathlib import Path
from ballast.adapters.store import open_store
from tests.adapters import store_rows as a

async def main():
    store = await open_store(Path(sys.argv[1]), synchronous="OFF")
    for number in range(10):
        async with store.transaction() as tx:
            await tx.post(a.credited(1, number=int(sys.argv[2]) + number), a.NOON)
    await store.close()

asyncio.run(main())
"""


async def test_processes_writing_at_once_make_one_chain(file: Path):
    store = await open_store(file, synchronous="OFF")
    async with store.transaction() as tx:
        await a.add_ground(tx)

    async def here() -> tuple[int, str]:
        for number in range(10):
            async with store.transaction() as tx:
                await tx.post(a.credited(1, number=number), a.NOON)
        return 0, ""

    outcomes = await asyncio.gather(
        here(), run_python(_POST_TEN, str(file), "100"), run_python(_POST_TEN, str(file), "200")
    )

    assert [code for code, _ in outcomes] == [0, 0, 0], outcomes
    async with store.read() as reader:
        assert (await reader.ledger_head(a.INDEX))[0] == 30
        assert (await reader.balances(a.INDEX))[a.USDC.asset_id, Account.AVAILABLE] == 30
    assert await store.check() == []
    await store.close()


async def test_a_writer_that_waits_too_long_says_busy_and_readers_do_not_wait(
    store: SqlStore, file: Path
):
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with refused(ErrorCode.STORE_BUSY) as refusal:
            async with store.transaction():
                pass
        async with store.read() as reader:
            assert await reader.owners() == []
        other.execute("ROLLBACK")

    assert "ballast.db" in refusal.value.message
    async with store.transaction() as tx:
        await tx.put_meta("n", "1")


_FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from ballast.adapters.store import open_store
from ballast.errors import BallastError
from tests.adapters import store_rows as a

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = await open_store(Path(sys.argv[1]))
    async with store.transaction() as tx:
        await a.add_ground(tx)
    size = Path(sys.argv[1] + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
    try:
        async with store.transaction() as tx:
            await tx.post(a.credited(5), a.NOON)
    except BallastError as error:
        print(error.code.value)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    async with store.transaction() as tx:
        posted = await tx.post(a.credited(6, number=2), a.NOON)
    print(posted.sequence, await store.check())
    await store.close()

asyncio.run(main())
"""


async def test_a_full_disk_is_an_answer_and_nothing_is_half_written(file: Path):
    code, output = await run_python(_FULL_DISK, str(file))

    assert (code, output.split("\n")[:2]) == (0, ["store_unavailable", "1 []"]), output


_NEVER_CLOSED = """
import asyncio, sys
from pathlib import Path
from ballast.adapters.store import open_store

kept = []

async def main():
    store = await open_store(Path(sys.argv[1]))
    kept.append(store)
    async with store.transaction() as tx:
        await tx.put_meta("n", "1")
    async with store.transaction() as tx:
        await tx.put_meta("n", "2")
        sys.exit(3)

asyncio.run(main())
"""


async def test_a_process_that_breaks_off_ends_and_leaves_what_was_committed(file: Path):
    code, output = await run_python(_NEVER_CLOSED, str(file))

    assert code == 3, output
    store = await open_store(file, synchronous="OFF")
    async with store.read() as reader:
        assert await reader.get_meta("n") == "1"
    await store.close()


async def test_a_closed_store_says_so(file: Path):
    store = await open_store(file, synchronous="OFF")
    async with store.read() as reader:
        await reader.owners()
    await store.close()
    await store.close()

    with refused(ErrorCode.STORE_UNAVAILABLE):
        async with store.transaction():
            pass
    with refused(ErrorCode.STORE_UNAVAILABLE):
        async with store.read():
            pass
