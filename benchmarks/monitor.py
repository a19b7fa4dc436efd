"""What watching costs: one pass over many indexes, an idle server, and the way to the first swap.

    python -m benchmarks.monitor

It takes some minutes, so it is no part of `benchmarks.all`.

Indexes are copies of one with ten assets that was funded and invested on the devnet, in our
database and in the devnet's. From memory a million of them are a thousand, a thousand times. From
the store a pass reads every row, screens, marks and counts: what the engine does every five
minutes; the first pass over new indexes, which looks at each one exactly, is not in it. The idle
server is the real process over stdio with nobody asking, its pass set to every minute; the one
beside it has no index.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
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
from benchmarks.figures import Figure, summary
from benchmarks.paper import REAL, TEN, funded_index, make_world
from benchmarks.stdio import Server, ballast

FROM_MEMORY = (1_000, 100_000, 1_000_000)
FROM_STORE = (1_000, 100_000)
IDLE_INDEXES, IDLE_SECONDS, SETTLING_SECONDS = 1_000, 60, 45
EVERY_MINUTE = {"BALLAST_MONITOR_SCHEDULE": "* * * * *"}
WIDE = {"band_relative_percent": "90", "auto": "trade"}


def run(console: Console) -> list[Figure]:
    """Measure everything, print it, and give back the lines of the summary."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="ballast-bench-") as temporary:
        home = Path(temporary)
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


def _copies(home: Path, count: int) -> None:
    """Fill both databases up to so many indexes; the monitor has looked at all of them."""
    ours, devnet = (Places(home / "paper").database, Places(home / "paper").devnet)
    with closing(sqlite3.connect(ours)) as db, closing(sqlite3.connect(devnet)) as books:
        (present,) = db.execute("SELECT count(*) FROM indexes").fetchone()
        numbers = range(present, count)
        source, account = db.execute(
            "SELECT index_id, account_id FROM indexes ORDER BY index_id LIMIT 1"
        ).fetchone()
        db.execute("PRAGMA foreign_keys = OFF")
        for table in ("indexes", "balances", "checks"):
            _copy(db, table, source, numbers)
        db.commit()
        held = books.execute(
            "SELECT asset_id, amount FROM balances WHERE account = ?", [account]
        ).fetchall()
        books.executemany(
            "INSERT INTO balances VALUES (?, ?, ?)",
            ((_account(number), *row) for number in numbers for row in held),
        )
        books.commit()


def _copy(db: sqlite3.Connection, table: str, source: str, numbers: Sequence[int]) -> None:
    found = db.execute(f"SELECT * FROM {table} WHERE index_id = ?", [source])
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found]
    places = ", ".join(f":{name}" for name in names)
    db.executemany(
        f"INSERT INTO {table} VALUES ({places})",
        (row | _own(row, number) for number in numbers for row in rows),
    )


def _own(row: Mapping[str, Any], number: int) -> dict[str, str]:
    """What a copy does not share with the others: no two have the same weights either."""
    all_own = {
        "targets": _shifted(row["targets"], number) if "targets" in row else "",
        "index_id": f"idx_copy{number:08}",
        "name": f"Copy {number}",
        "name_key": f"copy {number}",
        "account_id": _account(number),
    }
    return {name: value for name, value in all_own.items() if name in row}


def _shifted(targets: str, number: int) -> str:
    """Weights some basis points from those given, in one of a hundred thousand ways."""
    weights = {asset: int(bps) for asset, bps in json.loads(targets).items()}
    names = list(weights)
    for place in range(0, len(names) - 1, 2):
        number, shift = divmod(number, 10)
        weights[names[place]] += shift
        weights[names[place + 1]] -= shift
    return json.dumps({asset: str(bps) for asset, bps in weights.items()}, separators=(",", ":"))


def _account(number: int) -> str:
    return f"0x{number:040x}"


# --- one pass -------------------------------------------------------------------------------------


async def _passes(home: Path) -> list[Figure]:
    figures = []
    settings = Settings(data_dir=home, market_speed=Decimal(0))
    async with opened_app(settings) as app:
        await _pass(app)
        await Engine(app).run_until_idle()
    await asyncio.to_thread(_copies, home, FROM_STORE[0])
    async with opened_app(settings) as app:
        figures += await _memory_passes(app)
    for count in FROM_STORE:
        await asyncio.to_thread(_copies, home, count)
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
    _copies(full, IDLE_INDEXES)
    make_world(empty).close()
    for place in (full, empty):
        with closing(open_devnet(Places(place / "paper").devnet, None)) as world:
            world.clock.set_speed(REAL)
    with _server(empty) as without, _server(full) as with_indexes:
        for server in (without, with_indexes):
            server.call("get_status")
        sleep(SETTLING_SECONDS)
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
    run(Console())
