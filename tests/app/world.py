"""A whole Ballast for tests: a real SQLite file, the devnet, and a clock that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ballast.adapters.http import HttpLimits
from ballast.app.app import App
from ballast.app.catalog import operation_named
from ballast.app.engine import Engine
from ballast.app.operation import Caller, invoke
from ballast.app.verify import verify
from ballast.bootstrap import Machine, Places, opened_app
from ballast.devnet import Devnet, open_devnet
from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings
from tests.ready import put_empty_database

USDC = "nep141:17208628f84f5d6ad33f0da3bbbeb27ffcb398eac501a31bd6ad2011e36133a1"
# Real time stands for nothing here: no waits, and no breaker that opens for seconds of it.
QUICK = HttpLimits(
    max_bytes=2**20,
    attempts=2,
    first_wait_seconds=0.001,
    longest_wait_seconds=0.01,
    longest_rest_seconds=0,
    failures_to_open=10**9,
)
BASKET = (("BTC", "40"), ("ETH", "30"), ("SOL", "20"), ("USDC", "10"))


@dataclass
class Way:
    """The way to the devnet. It can lose requests before they arrive, and answers after."""

    inner: Any = None
    lose_requests: list[str] = field(default_factory=list)
    lose_answers: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    never_answered: set[str] = field(default_factory=set)

    def __call__(self, inner: Any) -> Any:
        self.inner = inner
        return self._pass

    async def _pass(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.seen.append(path)
        if path in self.never_answered:
            await asyncio.Event().wait()
        if _takes(self.lose_requests, path):
            raise ConnectionError("lost on the way there")
        if _takes(self.lose_answers, path):
            await self.inner(scope, receive, _into_nothing)
            raise ConnectionError("lost on the way back")
        await self.inner(scope, receive, send)


def _takes(planned: list[str], path: str) -> bool:
    if path in planned:
        planned.remove(path)
        return True
    return False


async def _into_nothing(message: Any) -> None:
    return


@dataclass
class World:
    """One data directory; `app` and `engine` are replaced by a restart, the devnet goes on."""

    directory: Path
    app: App
    engine: Engine
    devnet: Devnet
    way: Way
    caller: Caller = field(default_factory=Caller)

    async def call(self, operation: str, /, **arguments: Any) -> Any:
        """Call an operation through its one door."""
        return await invoke(self.app, operation_named(operation), arguments, self.caller)

    async def refused(self, operation: str, /, **arguments: Any) -> BallastError:
        """Call an operation that must be refused, and return the refusal."""
        with pytest.raises(BallastError) as caught:
            await self.call(operation, **arguments)
        assert caught.value.code is not ErrorCode.INTERNAL, caught.value.__cause__
        return caught.value

    def pass_time(self, span: timedelta) -> None:
        """Move the domain clock."""
        self.devnet.clock.advance(span)

    async def run(self, span: timedelta) -> None:
        """Let the engine work through a span of domain time, due row by due row."""
        end = self.app.clock.now() + span
        while True:
            await self.engine.run_until_idle()
            due_at = await self.engine.next_work()
            if due_at is None or due_at > end:
                break
            self.pass_time(max(due_at - self.app.clock.now(), timedelta(milliseconds=1)))
        self.pass_time(max(end - self.app.clock.now(), timedelta()))
        await self.engine.run_until_idle()

    async def follow(self, handle: str, *, steps: int = 500) -> Any:
        """Run until a rebalance or deposit is done; its final progress."""
        for _ in range(steps):
            await self.engine.run_until_idle()
            progress = await self.call("get_progress", id=handle)
            if progress.done:
                return progress
            due_at = await self.engine.next_work()
            assert due_at is not None, f"{handle} waits for nothing: {progress}"
            self.pass_time(max(due_at - self.app.clock.now(), timedelta(milliseconds=1)))
        raise AssertionError(f"{handle} is not done after {steps} steps: {progress}")

    async def verified(self) -> bool:
        """The books hold, and the ledger equals the venue's balances to the base unit."""
        report = await verify(self.app)
        assert report.problems == []
        return report.balances_compared > 0

    def executed_by(self, account_id: str) -> int:
        """How many intents of an account the devnet's contract has executed."""
        row = self.devnet.network.store.one(
            "SELECT COUNT(*) AS n FROM nonces WHERE account = ?", account_id
        )
        return int(row["n"])

    async def new_index(self, name: str = "Main", basket: Any = BASKET, **more: Any) -> Any:
        """An index that is not funded."""
        targets = [{"asset": asset, "percent": percent} for asset, percent in basket]
        return await self.call("create_index", name=name, targets=targets, **more)

    async def deposit(self, index_id: str, amount: str = "1000") -> Any:
        """Pay in USDC from outside and let it be credited; the deposit's progress."""
        deposit = await self.call("deposit_address", index_id=index_id, asset=USDC, amount=amount)
        await self.call("send_paper_deposit", deposit_id=deposit.deposit_id)
        return await self.follow(deposit.deposit_id)

    async def funded_index(self, name: str = "Main", amount: str = "1000", **more: Any) -> Any:
        """An index that is funded and invested."""
        index = await self.new_index(name, **more)
        credited = await self.deposit(index.index_id, amount)
        assert credited.state == "credited", credited
        if credited.follow_up_id:
            invested = await self.follow(credited.follow_up_id)
            assert invested.state == "completed", invested
        return await self.call("get_index", index_id=index.index_id)


def settings_for(directory: Path, **more: Any) -> Settings:
    """Paper mode in a temporary directory, with a clock that stands still."""
    return Settings(**{"data_dir": directory, "market_speed": Decimal(0), **more})


@asynccontextmanager
async def open_world(
    directory: Path, *, machine: Machine | None = None, ready: bool = True, **more: Any
) -> AsyncIterator[World]:
    """Open a world in a directory; open it again for what a restart would see.

    Args:
        ready: whether the database is copied, where there is none, and not made.
    """
    settings, way = settings_for(directory, **more), Way()
    if ready:
        put_empty_database(Places(settings.home).database)
    async with opened_app(settings, way=way, limits=QUICK, machine=machine) as app:
        devnet = open_devnet(Places(settings.home).devnet, None)
        try:
            yield World(directory, app, Engine(app), devnet, way)
        finally:
            devnet.close()
