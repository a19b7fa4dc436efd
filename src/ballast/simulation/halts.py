"""Somebody who halts in the middle of a trade: between its plan and its last signature, where a
halt that is drawn like any other deed hardly ever falls."""

from __future__ import annotations

import asyncio
from typing import Final

from ballast.core.ids import LOCAL_OWNER
from ballast.simulation.dice import Dice
from ballast.simulation.people import OWNERS, Deed, People
from ballast.simulation.terminal import Terminal
from ballast.simulation.world import World

# An engine that begins with a trade has signed all of it within so many turns, most of the time.
_TURNS: Final = 60
# What has been quoted is signed within so few.
_FEW_TURNS: Final = 12
_QUOTED: Final = "SELECT 1 FROM swaps WHERE state = 'quoted' LIMIT 1"


class Halts:
    """Trades that are halted as soon as they have been started, or while the engine signs them."""

    def __init__(self, world: World, dice: Dice, people: People, terminal: Terminal) -> None:
        self._world = world
        self._dice = dice
        self._people = people
        self._terminal = terminal

    def in_a_trade(self) -> Deed:
        """Start a trade; halt at once, or a little later while the engine works on it; let the
        engine try to go on; and resume, most of the time."""
        trades = [draw() for draw in (self._people.withdraw, self._people.rebalance)]
        if self._dice.chance(60):
            trades.reverse()
        wait = self._dice.one_of((None, self._any_time(), self._before_a_signature()))
        halt = self._halt()
        resume = self._terminal.lift_halt() if self._dice.chance(90) else None
        span = self._people.a_while()

        async def halt_after(wait: Deed) -> None:
            await wait()
            await halt()

        async def deed() -> None:
            # Where nothing comes of the first, the other may start something.
            for trade in filter(None, trades):
                await trade()
            if wait is None:
                await halt()
            else:
                await asyncio.gather(self._world.engine.run_until_idle(), halt_after(wait))
            await self._world.work(span)
            if resume is not None:
                await resume()

        return deed

    def _any_time(self) -> Deed:
        """Let some turns pass."""
        turns = self._dice.between(1, _TURNS)
        return lambda: _turns(turns)

    def _before_a_signature(self) -> Deed:
        """Wait for something to be quoted: only then is the engine about to sign."""
        turns = self._dice.below(_FEW_TURNS)

        async def wait() -> None:
            for _ in range(_TURNS):
                if self._world.records.column(_QUOTED):
                    break
                await _turns(1)
            await _turns(turns)

        return wait

    def _halt(self) -> Deed:
        """By a call, or by a file; everybody, most of the time."""
        level = self._dice.one_of(("nothing", "nothing", "no_new_risk"))
        if self._dice.chance(30):
            return self._terminal.order_halt(level)
        return self._people.halt_by(self._dice.one_of((LOCAL_OWNER, *OWNERS)), level)


async def _turns(count: int) -> None:
    """Let whoever else is there go on so often."""
    for _ in range(count):
        await asyncio.sleep(0)
