"""How much longer a rebalance of ten legs takes than its slowest leg, and the engine's own pace.

    python -m benchmarks.rebalance

The rebalance runs on the devnet with its usual delays (4 to 12 s a leg) at normal speed, in the
real server over stdio. The slowest leg is the devnet's word: from the arrival of the payment at the
quote's address to the settlement. Everything else is ours: reading the plan, ten quotes, ten
signatures, sending, noticing the end, comparing the books, and the client's own question every
twentieth of a second.

The engine's pace is measured in one process, devnet included, with a clock that stands still while
there is work and then skips the wait, so that every swap is settled when it is first looked at.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from ballast.app.app import App
from ballast.app.catalog import operation_named
from ballast.app.engine import Engine
from ballast.app.operation import Caller, invoke
from ballast.app.ports import SwapAsk
from ballast.bootstrap import Places, opened_app
from ballast.devnet import Devnet, DevnetOptions, open_devnet
from ballast.devnet.swaps import Swap, all_swaps, payments
from ballast.settings import Settings
from benchmarks.figures import Figure, summary
from benchmarks.paper import (
    ELEVEN,
    FAST,
    LEGS,
    REAL,
    START,
    USDC,
    funded_index,
    make_world,
    targets_of,
    ten_leg_plan,
    timed_rebalance,
)
from benchmarks.stdio import ballast

# The first asset's share before, and after each rebalance.
SHARES = (50, 20, 50)
TARGET = 1.2
PACED_INDEXES, PACED_ROUNDS = 4, 3
QUOTES, AT_ONCE = 400, 8
LONGEST_SETTLEMENT = timedelta(seconds=12)


def run(console: Console) -> list[Figure]:
    """Measure everything, print it, and give back the lines of the summary."""
    with tempfile.TemporaryDirectory() as directory:
        slowest = _beside_slowest_leg(Path(directory) / "legs", console)
        paced = asyncio.run(_pace(Path(directory) / "pace"))
    return [slowest, *paced]


# --- beside the slowest leg ---------------------------------------------------------------------


def _beside_slowest_leg(data_dir: Path, console: Console) -> Figure:
    table = Table(title="Rebalances of ten legs at normal speed", title_justify="left")
    for column in ("whole, s", "slowest leg, s", "fastest leg, s", "ratio"):
        table.add_column(column, justify="right")
    world, pairs = make_world(data_dir), []
    with ballast(data_dir) as server:
        index_id = funded_index(server, ELEVEN, SHARES[0])
        for share in SHARES[1:]:
            plan_id = ten_leg_plan(server, index_id, share)
            with new_legs(world) as legs:
                world.clock.set_speed(REAL)
                whole = timed_rebalance(server, index_id, plan_id)
                world.clock.set_speed(FAST)
            pairs.append((whole, max(legs)))
            ratio = whole / max(legs)
            row = (whole, max(legs), min(legs))
            table.add_row(*(f"{seconds:.2f}" for seconds in row), f"{ratio:.3f}")
    world.close()
    console.print(table)
    return Figure(
        "rebalance of ten legs / its slowest leg",
        f"{median(leg for _, leg in pairs):.3g} s",
        f"{median(whole for whole, _ in pairs):.3g} s",
        median(whole / leg for whole, leg in pairs),
        TARGET,
    )


@contextmanager
def new_legs(world: Devnet) -> Iterator[list[float]]:
    """What a rebalance adds to the devnet's books: the seconds of each of its legs, at the end."""
    known, legs = len(all_swaps(world.network)), list[float]()
    yield legs
    legs += [_leg_seconds(world, swap) for swap in all_swaps(world.network)[known:]]
    assert len(legs) == LEGS, legs


def _leg_seconds(world: Devnet, swap: Swap) -> float:
    """From the payment to the settlement, in domain seconds, which are real ones here."""
    (payment,) = payments(world.network, swap.n)
    assert swap.settled_us is not None, swap.status
    return (swap.settled_us - payment.arrived_us) / 1e6


# --- the engine's own pace ----------------------------------------------------------------------


async def _pace(data_dir: Path) -> list[Figure]:
    settings = Settings(data_dir=data_dir, market_speed=Decimal(0))
    Places(settings.home).devnet.parent.mkdir(parents=True)
    file = Places(settings.home).devnet
    world = open_devnet(file, DevnetOptions(start=START, speed=Decimal(0)))
    async with opened_app(settings) as app:
        quotes = await _quotes_per_second(app)
        swaps = await _swaps_per_second(app, world)
    world.close()
    return [
        Figure("quotes per second, read and checked", "", f"{quotes:.0f} /s"),
        Figure("swaps per second, quote to settled and booked", "", f"{swaps:.0f} /s"),
    ]


async def _quotes_per_second(app: App) -> float:
    """Dry quotes, some at once, as a preview asks for them."""
    listed = await app.venue.list_assets()
    others = sorted(asset_id for asset_id in listed if asset_id.startswith("nep141:"))
    places = asyncio.Semaphore(AT_ONCE)

    async def quote(number: int) -> None:
        bought = next(one for one in others[number % len(others) :] + others if one != USDC)
        deadline = app.clock.now() + timedelta(minutes=10)
        ask = SwapAsk("0x" + "ab" * 20, USDC, bought, 10**9 + number, 100, deadline)
        async with places:
            await app.venue.quote_swap(ask, firm=False)

    begun = perf_counter()
    await asyncio.gather(*map(quote, range(QUOTES)))
    return QUOTES / (perf_counter() - begun)


async def _swaps_per_second(app: App, world: Devnet) -> float:
    """Rebalances of ten legs in several indexes at once; the clock skips every wait."""
    engine = Engine(app)
    indexes = [await paced_index(app, engine, world, number) for number in range(PACED_INDEXES)]
    settled, seconds = 0, 0.0
    for turn in range(PACED_ROUNDS):
        share = SHARES[1:][turn % 2]
        plans = [await paced_plan(app, index_id, share) for index_id in indexes]
        begun = perf_counter()
        started = [
            await call(app, "rebalance_index", index_id=index_id, plan_id=plan_id)
            for index_id, plan_id in zip(indexes, plans, strict=True)
        ]
        for one in started:
            done = await follow(app, engine, world, one.rebalance_id)
            settled += sum(swap.state == "settled" for swap in done.swaps)
        seconds += perf_counter() - begun
    assert settled == PACED_INDEXES * PACED_ROUNDS * LEGS, settled
    return settled / seconds


async def paced_index(app: App, engine: Engine, world: Devnet, number: int) -> str:
    """The id of an invested index of eleven assets; the clock skips every wait."""
    targets = targets_of(ELEVEN, SHARES[0])
    made = await call(app, "create_index", name=f"Basket {number}", targets=targets)
    index_id = str(made.index_id)
    asked = {"index_id": index_id, "asset": USDC, "amount": "10000"}
    deposit = await call(app, "deposit_address", **asked)
    await call(app, "send_paper_deposit", deposit_id=deposit.deposit_id)
    credited = await follow(app, engine, world, deposit.deposit_id)
    await follow(app, engine, world, credited.follow_up_id)
    return index_id


async def paced_plan(app: App, index_id: str, share: int) -> str:
    """The id of a plan of ten legs."""
    targets = targets_of(ELEVEN, share)
    await call(app, "update_index", index_id=index_id, targets=targets)
    plan = await call(app, "preview_rebalance", index_id=index_id, destination="target")
    assert len(plan.swaps) == LEGS, plan
    return str(plan.plan_id)


async def call(app: App, operation: str, /, **arguments: Any) -> Any:
    """The answer of an operation."""
    return await invoke(app, operation_named(operation), arguments, Caller())


async def follow(app: App, engine: Engine, world: Devnet, handle: str) -> Any:
    """Work until something is done; whenever nothing is due, every settlement's time has come."""
    while True:
        await engine.run_until_idle()
        progress = await call(app, "get_progress", id=handle)
        if progress.done:
            return progress
        due_at = await engine.next_work()
        assert due_at is not None, progress
        world.clock.advance(max(due_at - app.clock.now(), LONGEST_SETTLEMENT))


def main() -> None:
    """Print the figures."""
    console = Console()
    console.print(summary(run(console)))


if __name__ == "__main__":
    main()
