"""What an owner does in a terminal, and no conversation can: the list of destinations, lifting the
kill switch, ending what the venue never ends, and the keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any, Final

from ballast.adapters.halting import FILE_NAME
from ballast.app.destinations import add_destination, remove_destination
from ballast.app.operation import Caller
from ballast.app.panic import panic
from ballast.app.ports import StateMovedError
from ballast.app.resuming import resume_trading
from ballast.app.switch import heed_orders
from ballast.app.write_off import preview_write_off, write_off
from ballast.core.panic import DEFAULT_BUDGET_BPS
from ballast.errors import BallastError
from ballast.simulation.dice import Dice
from ballast.simulation.world import World

Deed = Callable[[], Coroutine[Any, Any, None]]

HOME: Final = "0x52908400098527886E0F7030069857D2E4169EE7"
DESTINATIONS: Final = (("home", "ethereum", HOME), ("base", "base", HOME))
# The id of a master key that nobody has.
LOST: Final = "0000000000000000"


class Terminal:
    """Somebody at a terminal. Each deed is drawn."""

    def __init__(self, world: World, dice: Dice) -> None:
        self._world = world
        self._dice = dice
        self._kept: dict[str, str] = {}
        self._order = world.data_dir / FILE_NAME

    def deeds(self) -> Mapping[Callable[[], Deed | None], int]:
        """What can be drawn, and how often."""
        return MappingProxyType(
            {
                self.lift_halt: 6,
                self.sell_everything: 1,
                self.write_off: 4,
                self.close_destination: 2,
                self.open_destination: 3,
                self.lose_key: 1,
                self.find_keys: 3,
            }
        )

    async def allow_destinations(self, owners: tuple[str, ...]) -> None:
        """Where money may be sent, from the beginning."""
        for owner_id in owners:
            for label, chain, address in DESTINATIONS:
                await add_destination(self._world.app, owner_id, label, chain, address, None)

    def order_halt(self, level: str) -> Deed:
        """Leave a file that orders to halt. It counts from then on, and whoever stays running makes
        a row of it, soon."""

        async def deed() -> None:
            self._order.write_text(level if level == "no_new_risk" else "")
            self._world.witness.ordered(level)
            self._world.story.tell(f"    a file orders to halt: {level}")
            await self._world.process.moment()
            try:
                await heed_orders(self._world.app)
            except BallastError as refusal:
                self._world.story.tell(f"    heed_orders -> {refusal.code.value}")

        return deed

    def lift_halt(self) -> Deed:
        """Let trading go on, everybody's and each owner's: first the file has to go."""
        owners = self._world.records.column("SELECT DISTINCT owner_id FROM destinations ORDER BY 1")

        async def deed() -> None:
            self._order.unlink(missing_ok=True)
            self._world.witness.ordered(None)
            lifted = [one for one in owners if await resume_trading(self._world.app, one)]
            self._world.story.tell(f"    resume_trading -> {len(lifted)} switch(es) lifted")

        return deed

    def sell_everything(self) -> Deed | None:
        """Sell all that an owner's indexes hold."""
        owners = self._world.records.column("SELECT DISTINCT owner_id FROM indexes ORDER BY 1")
        if not owners:
            return None
        caller = Caller(self._dice.one_of(owners), "cli")
        return self._telling("panic", lambda: panic(self._world.app, caller, DEFAULT_BUDGET_BPS))

    def write_off(self) -> Deed | None:
        """End a swap that needs attention, by what the balances show."""
        stuck = self._world.records.all(
            "SELECT swap_id, index_id, owner_id FROM swaps WHERE state = 'attention' ORDER BY 1"
        )
        if not stuck:
            return None
        one = self._dice.one_of(stuck)

        async def deed() -> None:
            try:
                seen = await preview_write_off(self._world.app, one["owner_id"], one["swap_id"])
                # What the venue does with it from now on belongs to nothing any more.
                self._world.witness.wronged.add(one["index_id"])
                await write_off(self._world.app, seen)
            except (BallastError, StateMovedError) as refusal:
                self._world.story.tell(f"    write_off {one['swap_id']} -> {refusal}")
            else:
                self._world.story.tell(f"    write_off {one['swap_id']} -> {seen.summary}")

        return deed

    def close_destination(self) -> Deed | None:
        """Take an address off the list, whatever is on its way there."""
        there = self._destinations()
        if not there:
            return None
        owner_id, label = self._dice.one_of(there)
        return self._telling(
            f"destinations remove {label}",
            lambda: remove_destination(self._world.app, owner_id, label),
        )

    def open_destination(self) -> Deed | None:
        """Put an address back on the list."""
        there = set(self._destinations())
        owners = self._world.records.column("SELECT DISTINCT owner_id FROM destinations ORDER BY 1")
        gone = [
            (owner_id, one)
            for owner_id in owners
            for one in DESTINATIONS
            if (owner_id, one[0]) not in there
        ]
        if not gone:
            return None
        owner_id, (label, chain, address) = self._dice.one_of(gone)
        return self._telling(
            f"destinations add {label}",
            lambda: add_destination(self._world.app, owner_id, label, chain, address, None),
        )

    def _destinations(self) -> list[tuple[str, str]]:
        rows = self._world.records.all(
            "SELECT owner_id, label FROM destinations WHERE removed_at IS NULL ORDER BY 1, 2"
        )
        return [(row["owner_id"], row["label"]) for row in rows]

    def _telling(self, what: str, act: Callable[[], Coroutine[Any, Any, object]]) -> Deed:
        async def deed() -> None:
            try:
                await act()
            except BallastError as refusal:
                self._world.story.tell(f"    {what} -> {refusal.code.value}")
            else:
                self._world.story.tell(f"    {what} -> done")

        return deed

    # --- keys -------------------------------------------------------------------------------------

    def lose_key(self) -> Deed | None:
        """The key of an index can no longer be opened."""
        found = self._world.records.all("SELECT index_id, master_key_id FROM keys ORDER BY 1")
        if not found:
            return None
        one = self._dice.one_of(found)

        async def deed() -> None:
            self._kept.setdefault(one["index_id"], one["master_key_id"])
            self._seal(one["index_id"], LOST)

        return deed

    def find_keys(self) -> Deed | None:
        """Every key opens again."""
        if not self._kept:
            return None

        async def deed() -> None:
            for index_id, master_key_id in sorted(self._kept.items()):
                if self._seal(index_id, master_key_id):
                    del self._kept[index_id]

        return deed

    def _seal(self, index_id: str, master_key_id: str) -> bool:
        """Change a row behind the program's back, if nobody is writing just now."""
        sql = "UPDATE keys SET master_key_id = ? WHERE index_id = ?"
        with closing(sqlite3.connect(self._world.database, isolation_level=None)) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            try:
                connection.execute(sql, (master_key_id, index_id))
            except sqlite3.OperationalError:
                return False
        self._world.story.tell(f"    the key of {index_id} is sealed under {master_key_id}")
        return True
