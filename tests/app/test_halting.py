"""The kill switch: from the commit of a halt on nothing is signed, at whatever moment it falls."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ballast.adapters.store import open_store
from ballast.adapters.store.sqlite.session import connect_in_thread
from ballast.app.destinations import add_destination
from ballast.app.resuming import resume_trading
from ballast.bootstrap import Machine, Places
from ballast.core.ids import LOCAL_OWNER
from tests.app.world import World, open_world, settings_for

HALT = "INSERT INTO meta (key, value) VALUES ('trading_halted', 'yes') " + (
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
# Longer than a swap waits before it looks at the switch again.
SETTLING = timedelta(seconds=15)


@dataclass
class Owner:
    """Halts trading from another process, as soon as that can be committed, before or after the
    n-th statement that Ballast runs from now on."""

    file: Path | None = None
    statements_left: int = 0
    signed: Callable[[], int] = lambda: 0
    signed_at_halt: int | None = None
    halts: int = 0

    def halt_in(self, statements: int) -> None:
        self.statements_left, self.signed_at_halt = statements, None

    def moment(self) -> None:
        self.statements_left -= 1
        if self.statements_left > 0 or self.signed_at_halt is not None or self.file is None:
            return
        with closing(sqlite3.connect(self.file, timeout=0, isolation_level=None)) as other:
            try:
                other.execute(HALT)
            except sqlite3.OperationalError:
                return  # Ballast is writing: no halt can be committed at this moment.
        self.signed_at_halt = self.signed()
        self.halts += 1


class WatchedConnection:
    """A real connection, with a moment before and after each statement."""

    def __init__(self, inner: Any, owner: Owner) -> None:
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "_owner", owner)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._inner, name, value)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in ("execute", "executemany", "execute_fetchall"):
            return found

        async def watched(*given: Any) -> Any:
            self._owner.moment()
            done = await found(*given)
            self._owner.moment()
            return done

        return watched


@dataclass
class CountingVault:
    """The real vault; counts what is signed."""

    inner: Any
    signed: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def sign_transfer(self, envelope: Any, order: Any) -> Any:
        made = self.inner.sign_transfer(envelope, order)
        self.signed.append(made.intent_hash)
        return made


async def halted_again_and_again(world: World, owner: Owner, vault: CountingVault, handle: str):
    """Halt at a later and later statement, look that nothing is signed any more, and resume."""
    owner.signed = lambda: len(vault.signed)
    for statements in range(1, 1_000):
        owner.halt_in(statements)
        while owner.signed_at_halt is None:
            await world.engine.run_until_idle()
            progress = await world.call("get_progress", id=handle)
            if progress.done:
                return progress
            world.pass_time(timedelta(seconds=1))
        await world.run(SETTLING)
        assert len(vault.signed) == owner.signed_at_halt, f"signed after halt {owner.halts}"
        await resume_trading(world.app, LOCAL_OWNER)
    raise AssertionError("it never ended")


async def rebalancing(world: World, index_id: str) -> str:
    plan = await world.call("preview_rebalance", index_id=index_id, destination="target")
    assert len(plan.swaps) > 1
    started = await world.call("rebalance_index", index_id=index_id, plan_id=plan.plan_id)
    return str(started.rebalance_id)


async def paying_out(world: World, index_id: str) -> str:
    await add_destination(world.app, LOCAL_OWNER, "home", "eth", HOME, None)
    plan = await world.call(
        "preview_withdrawal", index_id=index_id, amount="20", destination="home"
    )
    assert plan.swaps == []
    started = await world.call("withdraw", index_id=index_id, plan_id=plan.plan_id)
    return str(started.withdrawal_id)


@pytest.mark.parametrize("start", [rebalancing, paying_out])
async def test_whenever_trading_is_halted_nothing_is_signed_from_that_commit_on(tmp_path, start):
    owner = Owner()

    async def connect(file: Path) -> Any:
        return WatchedConnection(await connect_in_thread(file), owner)

    machine = Machine(open_store=partial(open_store, synchronous="OFF", connect=connect))
    async with open_world(tmp_path, machine=machine) as world:
        index = await world.funded_index()
        world.pass_time(timedelta(days=200))
        handle = await start(world, index.index_id)
        vault = world.app.vault = CountingVault(world.app.vault)
        owner.file = Places(settings_for(tmp_path).home).database

        await halted_again_and_again(world, owner, vault, handle)

        with closing(sqlite3.connect(owner.file)) as other:
            kept = {found for (found,) in other.execute("SELECT intent_hash FROM intents")}
        assert vault.signed, "nothing was ever signed"
        assert set(vault.signed) <= kept, "something was signed that is not on the disk"
        assert owner.halts > 30
        assert await world.verified()
