"""What watching costs: one pass over many indexes, an idle server, and the way to the first swap.

    python -m benchmarks.monitor
    python -m benchmarks.monitor idle      the idle server alone

It takes some minutes, so it is no part of `benchmarks.all`.

Indexes are copies of one with ten assets that was funded and invested on the devnet, in our
database and in the devnet's. From memory a million of them are a thousand, a thousand times. From
the store a pass reads every row, screens, marks and counts: what the engine does every five
minutes; the first pass over new indexes, which looks at each one exactly, is not in it. The idle
server is the real process over stdio with nobody asking, its pass set to every minute; the one
beside it has no index. Its copies have a ledger too, of one entry each, so that its books are whole
and it would trade; it is measured once it has compared all of them with the venue.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import closing, suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

from rich.console import Console

from ballast.app.app import App
from ballast.app.catalog import operation_named
from ballast.app.engine import Engine
from ballast.app.monitor.market import Market
from ballast.app.monitor.watching import PAGE, step_shard
from ballast.app.operation import Caller, invoke
from ballast.app.ports import DueRow, WatchedIndex
from ballast.bootstrap import Places, opened_app
from ballast.core.screen import Screen, Watched
from ballast.devnet import open_devnet
from ballast.settings import Settings
from benchmarks.copies import book_copies, copy_index
from benchmarks.figures import Figure, summary
from benchmarks.paper import REAL, TEN, funded_index, make_world
from benchmarks.stdio import Server, ballast

FROM_MEMORY = (1_000, 100_000, 1_000_000)
FROM_STORE = (1_000, 100_000)
IDLE_INDEXES, IDLE_SECONDS, SETTLING_SECONDS = 1_000, 60, 45
EVERY_MINUTE = {"BALLAST_MONITOR_SCHEDULE": "* * * * *"}
WIDE = {"band_relative_percent": "90", "auto": "trade"}


def run(console: Console, *, idle_alone: bool = False) -> list[Figure]:
    """Measure everything, print it, and give back the lines of the summary."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="ballast-bench-") as temporary:
        home = Path(temporary)
        if not idle_alone:
            figures += _way_to_a_swap(_one_index(home / "one"))
            store = _one_index(home / "store")
            figures += asyncio.run(_passes(store))
        figures += _idle(home)
    console.print(summary(figures))
    return figures


def _one_index(home: Path) -> Path:
    """A data directory with one invested index."""
    with closing(make_world(home)) as world:
        with ballast(home) as server:
            index_id = funded_index(server, TEN, 10)
            server.call("update_index", index_id=index_id, policy=WIDE)
        world.clock.set_speed(Decimal(0))
    return home


# --- one pass -------------------------------------------------------------------------------------


async def _passes(home: Path) -> list[Figure]:
    figures = []
    settings = Settings(data_dir=home, market_speed=Decimal(0))
    async with opened_app(settings) as app:
        await _pass(app)
        await Engine(app).run_until_idle()
    await asyncio.to_thread(copy_index, home, FROM_STORE[0])
    async with opened_app(settings) as app:
        figures += await _memory_passes(app)
    for count in FROM_STORE:
        await asyncio.to_thread(copy_index, home, count)
        async with opened_app(settings) as app:
            await _pass(app)
            wall, busy = await _pass(app)
        ours = f"{wall * 1e3:,.0f} ms ({busy * 1e3:,.0f} ms of processor)"
        figures.append(Figure(f"a pass over {count:,} indexes from the store", "", ours))
    return figures


async def _pass(app: App) -> tuple[float, float]:
    """Seconds of one pass over every shard, by the wall and of the processor."""
    begun, spent = perf_counter(), process_time()
    behind: str | None = "idx"
    while behind is not None:
        async with app.store.read_once() as reader:
            shard = await reader.get_shard(behind)
        await step_shard(app, DueRow("shard", behind, "", "", shard.due_at))
        behind = shard.until
    return perf_counter() - begun, process_time() - spent


async def _memory_passes(app: App) -> list[Figure]:
    async with app.store.read_once() as reader:
        page = await reader.watched("", None, PAGE)
    market = Market(app)
    await market.learn(page)
    watched = [_watched(one, market) for one in page]
    decimals = {asset: price.decimals for asset, price in market.prices.items()}
    figures = []
    for count in FROM_MEMORY:
        screen = Screen(watched * (count // len(watched)), decimals)
        screen.breached(market.prices)
        best = min(_timed(screen, market) for _ in range(5))
        name = f"a pass over {count:,} indexes from memory"
        figures.append(Figure(name, "", f"{best * 1e3:,.2f} ms"))
    return figures


def _watched(one: WatchedIndex, market: Market) -> Watched:
    return Watched(market.counted(one), market.targets(one), one.basket.policy.band)


def _timed(screen: Screen, market: Market) -> float:
    begun = perf_counter()
    screen.breached(market.prices)
    return perf_counter() - begun


# --- an idle server -------------------------------------------------------------------------------


def _idle(home: Path) -> list[Figure]:
    """A minute of nobody asking anything: share of a processor, and resident memory."""
    full, empty = home / "full", home / "empty"
    _one_index(full)
    asyncio.run(_looked_at(full))
    copy_index(full, IDLE_INDEXES)
    book_copies(full)
    make_world(empty).close()
    for place in (full, empty):
        with closing(open_devnet(Places(place / "paper").devnet, None)) as world:
            world.clock.set_speed(REAL)
    with _server(empty) as without, _server(full) as with_indexes:
        for server in (without, with_indexes):
            server.call("get_status")
        sleep(SETTLING_SECONDS)
        for server in (without, with_indexes):
            _until_idle(server)
        before = [server.processor_seconds() for server in (without, with_indexes)]
        sleep(IDLE_SECONDS)
        after = [server.processor_seconds() for server in (without, with_indexes)]
        memory = [server.resident_bytes() / 2**20 for server in (without, with_indexes)]
    shares = [
        (later - earlier) / IDLE_SECONDS for earlier, later in zip(before, after, strict=True)
    ]
    name = f"idle server with {IDLE_INDEXES:,} indexes, looked at every minute"
    return [
        Figure(f"{name}: processor", f"{shares[0]:.2%}", f"{shares[1]:.2%}"),
        Figure(f"{name}: memory", f"{memory[0]:.0f} MiB", f"{memory[1]:.0f} MiB"),
    ]


async def _looked_at(home: Path) -> None:
    async with opened_app(Settings(data_dir=home, market_speed=Decimal(0))) as app:
        await _pass(app)
        await Engine(app).run_until_idle()


def _until_idle(server: Server) -> None:
    """Until the engine leads, trades, and has nothing to do: all indexes have been compared."""
    while (status := server.call("get_status"))["engine"] != "leading" or status["work_due"]:
        sleep(1)
    assert status["trading"] == "on", status


def _server(home: Path) -> Server:
    return Server("ballast", "mcp", data_dir=home, settings=EVERY_MINUTE)


# --- from a price to a swap -----------------------------------------------------------------------


def _way_to_a_swap(home: Path) -> list[Figure]:
    return asyncio.run(_swap_after_a_price(home))


async def _swap_after_a_price(home: Path) -> list[Figure]:
    """A band is broken while nobody looks; then the engine begins, at normal speed."""
    settings = Settings(data_dir=home, market_speed=Decimal(0))
    async with opened_app(settings) as app:
        async with app.store.read() as reader:
            (index,) = await reader.list_indexes("own_local", archived=False, after=None, limit=9)
        await Engine(app).run_until_idle()
        narrow = {"band_relative_percent": "20"}
        await _call(app, "update_index", index_id=index.index_id, policy=narrow)
        with closing(open_devnet(Places(settings.home).devnet, None)) as world:
            while not (await _call(app, "get_drift", index_id=index.index_id)).breached:
                world.clock.advance(timedelta(days=1))
            begun = app.clock.now()
            world.clock.set_speed(REAL)
        await _until_rebalanced(app, index.index_id)
        async with app.store.read() as reader:
            (last,) = await reader.list_rebalances(index.index_id, 1)
            swaps = await reader.swaps_of(last.rebalance_id)
            signed = [one for swap in swaps for one in await reader.intents_of(swap.swap_id)]
    first = min(one.created_at for one in signed) - begun
    sent = [
        swap.ended_at - swap.published_at for swap in swaps if swap.ended_at and swap.published_at
    ]
    assert last.ended_at is not None, "it has been followed to its end"
    return [
        Figure("from a price that breaks a band to the first signature", "", _ms(first)),
        Figure(
            f"from that price to settled, {len(swaps)} swaps",
            f"the venue's slowest, {_ms(max(sent))}",
            _ms(last.ended_at - begun),
            (last.ended_at - begun) / max(sent),
        ),
    ]


async def _until_rebalanced(app: App, index_id: str) -> None:
    engine = asyncio.create_task(Engine(app).run())
    started = False
    while True:
        async with app.store.read_once() as reader:
            running = await reader.active_rebalance(index_id)
        if started and running is None:
            break
        started = started or running is not None
        await asyncio.sleep(0.02)
    engine.cancel()
    with suppress(asyncio.CancelledError):
        await engine


async def _call(app: App, operation: str, /, **arguments: Any) -> Any:
    return await invoke(app, operation_named(operation), dict(arguments), Caller())


def _ms(span: timedelta) -> str:
    return f"{span / timedelta(milliseconds=1):,.0f} ms"


if __name__ == "__main__":
    run(Console(), idle_alone="idle" in sys.argv[1:])
