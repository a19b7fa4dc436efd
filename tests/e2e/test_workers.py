"""Who does the work: one process that leads, or workers that share it. The same is promised."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from ballast.bootstrap import Places, running_app
from ballast.bootstrap.working import work
from ballast.errors import BallastError
from ballast.settings import Settings
from tests.app.world import BASKET, World, open_world
from tests.e2e.machine import PATIENCE, stop_between_writes
from tests.postgres import running_server

STALLED_AFTER = 3


def world_on(directory: Path, url: str) -> AbstractAsyncContextManager[World]:
    """A world on Postgres whose clock runs by itself, so that work becomes due without a test."""
    return open_world(
        directory,
        database_url=SecretStr(url),
        engine="workers",
        stalled_after_seconds=STALLED_AFTER,
        market_speed=Decimal(10),
    )


@pytest.fixture
async def world(tmp_path: Path, postgres_url: str):
    async with world_on(tmp_path, postgres_url) as opened:
        yield opened


def settings_of(world: World, url: str, **more: Any) -> Settings:
    return Settings(
        data_dir=world.directory,
        database_url=SecretStr(url),
        stalled_after_seconds=STALLED_AFTER,
        **more,
    )


@asynccontextmanager
async def working(world: World, url: str, driver: str) -> AsyncIterator[None]:
    """Let the work be done beside the test."""
    if driver == "embedded":
        async with running_app(settings_of(world, url)):
            yield
        return
    tasks = [
        asyncio.create_task(work(settings_of(world, url, engine="workers"), 4)) for _ in range(2)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def done(world: World, handle: str) -> Any:
    """The progress of something that must come to its end."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(BallastError):  # a server that starts again cannot be asked
                progress = await world.call("get_progress", id=handle)
                if progress.done:
                    return progress
            await asyncio.sleep(0.1)


async def invested(world: World, name: str) -> Any:
    """An index that somebody pays for, and that is bought for it."""
    index = await world.new_index(name)
    deposit = await world.call(
        "deposit_address", index_id=index.index_id, asset="USDC", amount="1000"
    )
    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)
    credited = await done(world, deposit.deposit_id)
    return index, credited.follow_up_id


@pytest.mark.parametrize("driver", ["embedded", "workers"])
async def test_money_comes_in_is_invested_and_the_books_agree(
    world: World, postgres_url: str, driver: str
):
    async with working(world, postgres_url, driver):
        made = await asyncio.gather(*(invested(world, name) for name in ("One", "Two")))
        ended = [await done(world, handle) for _, handle in made]

    assert [one.state for one in ended] == ["completed", "completed"]
    assert await bought_once(world, *(index for index, _ in made))
    assert await world.verified()


@pytest.mark.parametrize("driver", ["embedded", "workers"])
async def test_while_trading_is_halted_nothing_is_signed_and_afterwards_it_goes_on(
    world: World, postgres_url: str, driver: str
):
    index = await world.new_index("Halted")
    deposit = await world.call(
        "deposit_address", index_id=index.index_id, asset="USDC", amount="1000"
    )
    await world.call("halt_trading")
    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)
    async with working(world, postgres_url, driver):
        credited = await done(world, deposit.deposit_id)
        found = await world.call("get_index", index_id=index.index_id)
        assert credited.state == "credited"
        assert world.executed_by(found.account_id) == 0


async def test_dropping_the_tables_of_the_queue_loses_nothing(world: World, postgres_url: str):
    async with working(world, postgres_url, "workers"):
        first, handle = await invested(world, "Before")
        await drop_the_queue(postgres_url)
        ended = [await done(world, handle)]
        second, handle = await invested(world, "After")
        ended.append(await done(world, handle))

    assert [one.state for one in ended] == ["completed", "completed"]
    assert await bought_once(world, first, second)
    assert await world.verified()


async def bought_once(world: World, *indexes: Any) -> bool:
    """Whether the venue's contract has executed one intent for each leg, and no other."""
    found = [await world.call("get_index", index_id=one.index_id) for one in indexes]
    return all(world.executed_by(one.account_id) == len(BASKET) - 1 for one in found)


async def drop_the_queue(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await connection.execute(
            "SELECT 'DROP TABLE ' || string_agg(tablename, ', ') || ' CASCADE' FROM pg_tables"
            " WHERE tablename LIKE 'procrastinate%'"
        )
        (statement,) = await found.fetchone()
        await connection.execute(statement)


async def test_a_shard_that_a_dead_worker_holds_is_passed_over_by_another(
    world: World, postgres_url: str
):
    async with world.app.store.transaction("shard:idx") as tx:
        now = world.app.clock.now()
        await tx.end_pass(await tx.get_shard("idx"), now, now, ["idx_5"])
    before = await passes(world)
    async with working(world, postgres_url, "workers"):
        await passed(world, before, "idx")
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        # It took the job, and has shown no sign of life since.
        await connection.execute(
            "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - interval '1 hour') RETURNING id)"
            " INSERT INTO procrastinate_jobs"
            " (queue_name, task_name, lock, queueing_lock, args, status, worker_id)"
            " SELECT 'default', 'work', 'shard:idx', 'shard:idx', %s, 'doing', id FROM dead",
            ['{"place": "shard:idx"}'],
        )
        await connection.execute("UPDATE shards SET due_at = 0")
    before = await passes(world)
    async with working(world, postgres_url, "workers"):
        await passed(world, before, "idx", "idx_5")


async def passes(world: World) -> dict[str, int]:
    """Over each shard, so far."""
    async with world.app.store.read() as reader:
        found = [await reader.get_shard(one) for one in ("idx", "idx_5")]
    return {one.behind: one.passes for one in found}


async def passed(world: World, before: dict[str, int], *shards: str) -> None:
    """Wait until each of these has been passed over since."""
    async with asyncio.timeout(PATIENCE):
        while True:
            now = await passes(world)
            if all(now[one] > before[one] for one in shards):
                return
            await asyncio.sleep(0.1)


async def test_a_worker_that_died_while_it_took_over_for_others_keeps_nobody_from_doing_so(
    world: World, postgres_url: str
):
    async with working(world, postgres_url, "workers"):
        await invested(world, "Before")
    await left_behind(postgres_url, "take over", "look")

    async with working(world, postgres_url, "workers"):
        index, handle = await invested(world, "After")
        ended = await done(world, handle)

    assert ended.state == "completed"
    assert await bought_once(world, index)


async def test_workers_outlive_a_crash_of_postgres_in_the_middle_of_their_work(tmp_path: Path):
    with running_server() as server:
        url = server.fresh()
        async with world_on(tmp_path, url) as world:
            async with working(world, url, "workers"):
                index, handle = await invested(world, "Main")
                await asyncio.to_thread(server.crash)
                ended = await done(world, handle)

            assert ended.state == "completed"
            assert await bought_once(world, index)
            assert await world.verified()


async def left_behind(url: str, *tasks: str) -> None:
    """Jobs of a worker that is gone, in the middle of them."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
        for task in tasks:
            await connection.execute(
                "INSERT INTO procrastinate_jobs"
                " (queue_name, task_name, lock, queueing_lock, args, status) VALUES"
                """ ('default', %(task)s::text, %(task)s, %(task)s, '{"timestamp": 1}', 'doing')""",
                {"task": task},
            )


# --- real processes --------------------------------------------------------------------------


def start_worker(world: World, url: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if "BALLAST" not in name}
    environment |= {
        "BALLAST_DATA_DIR": str(world.directory),
        "BALLAST_DATABASE_URL": url,
        "BALLAST_ENGINE": "workers",
        "BALLAST_STALLED_AFTER_SECONDS": str(STALLED_AFTER),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "ballast", "worker", "--concurrency", "2"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def test_a_worker_that_is_stopped_or_killed_in_the_middle_is_replaced(
    world: World, postgres_url: str
):
    workers = [start_worker(world, postgres_url)]
    try:
        first, handle = await invested(world, "First")
        # It has just begun to buy, and stands still from here on, with its place still locked.
        stop_between_writes(workers[0].pid, Places(world.directory / "paper").devnet)
        workers.append(start_worker(world, postgres_url))
        bought = await done(world, handle)
        workers[0].send_signal(signal.SIGCONT)

        second, handle = await invested(world, "Second")
        workers[1].kill()
        bought_too = await done(world, handle)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait(timeout=PATIENCE)

    assert (bought.state, bought_too.state) == ("completed", "completed")
    assert await bought_once(world, first, second)
    assert await world.verified()
