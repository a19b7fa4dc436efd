"""What is done while the process is struck, from a start that was prepared once.

Each flow is what a client does who never gives up: it makes every call under a request_id of its
own and follows what it began; after a crash it makes the same calls again. So a flow that was
broken off anywhere is ended by running it once more, and a run after that must change nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ballast.adapters.store import migrate
from ballast.app.destinations import add_destination
from ballast.app.master_key import rotate_master_key
from ballast.bootstrap import Places
from ballast.core.ids import LOCAL_OWNER
from ballast.devnet import DevnetOptions, open_devnet
from ballast.devnet.faults import add_fault
from ballast.devnet.serve import serve
from tests.app.world import USDC, World, open_world

BASKET = {"BTC": "25", "ETH": "25", "SOL": "20", "NEAR": "15", "DOGE": "10", "USDC": "5"}
# Three assets fall and three rise, by shares of which no two sums are equal: that takes five legs.
OTHER_BASKET = {"BTC": "12", "ETH": "18", "SOL": "9", "NEAR": "23", "DOGE": "27", "USDC": "11"}
LEGS = 5
# Between two looks at what is due, where time passes by itself.
NAP = timedelta(seconds=0.1)
HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a flow runs: its data directory, and what of it is elsewhere.

    Attributes:
        devnet_url: where the devnet is served; without one it is in the same process.
        database_url: the Postgres database that the ledger is in, if it is in none of SQLite.
    """

    directory: Path
    devnet_url: str | None = None
    database_url: str | None = None

    @property
    def places(self) -> Places:
        """The files of paper mode."""
        return Places(self.directory / "paper")

    @property
    def settings(self) -> dict[str, Any]:
        """What the product is told of it, beside the directory."""
        told: dict[str, Any] = {}
        if self.devnet_url is not None:
            told |= {
                "oneclick_url": self.devnet_url,
                "near_rpc_urls": (f"{self.devnet_url}/rpc",),
            }
        if self.database_url is not None:
            told["database_url"] = SecretStr(self.database_url)
        return told

    def world(self) -> AbstractAsyncContextManager[World]:
        """A world that is opened there."""
        return open_world(self.directory, ready=False, **self.settings)


@dataclass(frozen=True, slots=True)
class Flow:
    """A piece of the product's life.

    Attributes:
        prepare: makes the start in an empty directory.
        carry_out: what the client does; the same again after a crash.
    """

    name: str
    prepare: Callable[[Site], Awaitable[None]]
    carry_out: Callable[[World], Awaitable[None]]


async def follow(world: World, handle: str) -> None:
    """To the end of what was begun, and of what follows from it."""
    progress = await world.follow(handle)
    if progress.follow_up_id:
        await follow(world, progress.follow_up_id)


async def preview(world: World, index_id: str, request_id: str) -> Any:
    """A plan that takes every asset to its target."""
    return await world.call(
        "preview_rebalance", index_id=index_id, destination="target", request_id=request_id
    )


async def only_index(world: World) -> str:
    """The id of the one index that there is."""
    [index] = (await world.call("list_indexes")).indexes
    return str(index.index_id)


# --- the starts ----------------------------------------------------------------------------------


async def nothing(site: Site) -> None:
    """A devnet, and no Ballast yet."""


async def an_empty_index(site: Site) -> None:
    """An index that waits for its first payment."""
    async with site.world() as world:
        await world.new_index(basket=BASKET.items())


async def a_drifted_index(site: Site) -> None:
    """An index of six assets, whose targets have changed."""
    async with site.world() as world:
        index = await world.funded_index(basket=BASKET.items(), amount="10000")
        targets = [{"asset": asset, "percent": percent} for asset, percent in OTHER_BASKET.items()]
        await world.call("update_index", index_id=index.index_id, targets=targets)
        plan = await preview(world, index.index_id, "shape")
        assert len(plan.swaps) == LEGS, plan


async def a_venue_that_sends_back(site: Site) -> None:
    """The same; whatever is swapped from now on comes back."""
    await a_drifted_index(site)
    async with site.world() as world:
        add_fault(world.devnet.network, "submit-intent", "refunded", {}, count=None)


async def somewhere_to_send(site: Site) -> None:
    """The same, with a destination that money may be sent to."""
    await a_drifted_index(site)
    async with site.world() as world:
        await add_destination(world.app, LOCAL_OWNER, "home", "ethereum", HOME, None)


async def books_of_the_first_version(site: Site) -> None:
    """The books of a drifted index, as the oldest schema keeps them."""
    await a_drifted_index(site)
    file = site.places.database
    await asyncio.to_thread(_age, file)


def _age(file: Path) -> None:
    from alembic import command

    old = file.with_name("old.sqlite")
    with migrate.migrating_connection(old) as connection:
        command.upgrade(migrate.alembic_config(connection), migrate.REVISIONS[0])
    with closing(sqlite3.connect(old, isolation_level=None)) as books:
        books.execute("ATTACH ? AS newer", [str(file)])
        books.execute("BEGIN")
        for (table,) in books.execute(
            "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name <> 'alembic_version'"
        ).fetchall():
            columns = ", ".join(
                name for _, name, *_ in books.execute(f"PRAGMA main.table_info({table})")
            )
            books.execute(
                f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}"
            )
        books.execute("COMMIT")
        books.execute("PRAGMA journal_mode = WAL")
    for end in ("", "-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    old.rename(file)


# --- what is done --------------------------------------------------------------------------------


async def create(world: World) -> None:
    """The first index."""
    await world.new_index(basket=BASKET.items(), request_id="create")


async def pay_in(world: World) -> None:
    """An address, a payment, and its investment."""
    deposit = await world.call(
        "deposit_address",
        index_id=await only_index(world),
        asset=USDC,
        amount="1000",
        request_id="address",
    )
    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id, request_id="pay")
    await follow(world, deposit.deposit_id)


async def rebalance(world: World) -> None:
    """The plan that was shown."""
    plan = await preview(world, await only_index(world), "plan")
    started = await world.call(
        "rebalance_index", index_id=plan.index_id, plan_id=plan.plan_id, request_id="go"
    )
    await follow(world, started.rebalance_id)


async def rotate(world: World) -> None:
    """Another master key, once; then something that must be signed with a key under it."""
    async with world.app.store.read() as reader:
        before = await reader.get_meta("master_key_id")
    if before is None:
        await rotate_master_key(world.app)
    await rebalance(world)


async def pay_out(world: World) -> None:
    """Half of it goes out."""
    index_id = await only_index(world)
    plan = await world.call(
        "preview_withdrawal",
        index_id=index_id,
        amount="5000",
        destination="home",
        request_id="plan-out",
    )
    started = await world.call(
        "withdraw", index_id=index_id, plan_id=plan.plan_id, request_id="out"
    )
    await follow(world, started.withdrawal_id)


FLOWS = {
    flow.name: flow
    for flow in (
        Flow("first start", nothing, create),
        Flow("deposit", an_empty_index, pay_in),
        Flow("rebalance", a_drifted_index, rebalance),
        Flow("refund", a_venue_that_sends_back, rebalance),
        Flow("withdrawal", somewhere_to_send, pay_out),
        Flow("key rotation", a_drifted_index, rotate),
        Flow("migration", books_of_the_first_version, rebalance),
    )
}


# --- in a process of their own -------------------------------------------------------------------


def prepare(name: str, site: Site) -> None:
    """Make the start of a flow, some hours ago by the devnet's clock."""

    async def made() -> None:
        site.places.home.mkdir()
        start = datetime.now(UTC) - timedelta(hours=4)
        open_devnet(site.places.devnet, DevnetOptions(start=start, speed=Decimal(0))).close()
        await FLOWS[name].prepare(site)

    asyncio.run(made())


def carry_out(name: str, site: Site) -> None:
    """Start Ballast and do what the flow does. Time passes as it does where the devnet is served;
    where it is in the same process, its clock is moved on whenever Ballast waits."""

    async def all_of_it() -> None:
        async with site.world() as world:
            if site.devnet_url is not None:
                world.pass_time = lambda span: time.sleep(min(span, NAP) / timedelta(seconds=1))
            await world.engine.look_first()
            await FLOWS[name].carry_out(world)
            await world.engine.run_until_idle()

    asyncio.run(all_of_it())


def serve_devnet(directory: Path, ahead: timedelta = timedelta()) -> None:
    """Serve the devnet of a directory; its URL goes into a file there.

    Args:
        ahead: how far its clock is before the machine's; less than nothing is behind, and no
            further than the start is.
    """

    def announce(url: str) -> None:
        draft = directory / "url.new"
        draft.write_text(url)
        draft.rename(directory / "url")

    devnet = open_devnet(Places(directory / "paper").devnet, DevnetOptions(settle_seconds=(0, 0)))
    devnet.clock.set_speed(Decimal(1))
    devnet.clock.advance(max(datetime.now(UTC) + ahead - devnet.clock.now(), timedelta()))
    serve(devnet, port=0, announce=announce)
