"""One simulation: a seed, drawn steps, and every check after each of them."""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ballast.simulation.checks import Checks
from ballast.simulation.dice import Dice
from ballast.simulation.ending import Ending
from ballast.simulation.halts import Halts
from ballast.simulation.loop import TimelessLoop
from ballast.simulation.people import OWNERS, Deed, People
from ballast.simulation.process import KilledError
from ballast.simulation.story import Story, ViolationError
from ballast.simulation.terminal import Terminal
from ballast.simulation.trouble import Trouble
from ballast.simulation.world import World

# Memory where there is a file system in it: nothing here has to outlive the simulation.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a folder of its own is made in it
# What a step can be, and how often it is.
STEPS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "deed": 52,
        "terminal": 6,
        "halt": 5,
        "work": 24,
        "time": 6,
        "fault": 12,
        "clear": 2,
        "reconcile": 1,
        "restart": 2,
        "death": 6,
    }
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is simulated.

    Attributes:
        faults: the kinds of fault that may be drawn.
        indexes: how many indexes there may be.
        crashes: whether the process is killed now and then.
    """

    seed: int
    steps: int = 80
    faults: tuple[str, ...] = ()
    indexes: int = 2
    crashes: bool = True


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        violations: what must never have happened; empty when all is well.
        story: everything that happened, in order.
        digest: of the story: equal for two runs of one seed.
        strikes: how many of the requests a fault has struck.
        moments: at which the process could have been killed; `deaths`, at which it was.
    """

    setting: Setting
    violations: list[str]
    story: list[str]
    digest: str
    steps: int
    requests: int
    strikes: int
    moments: int
    deaths: int
    swaps: dict[str, int] = field(default_factory=dict)


def simulate(setting: Setting) -> Outcome:
    """Run one simulation in a folder that is thrown away."""
    memory = _MEMORY if _MEMORY.is_dir() else None
    with (
        _undisturbed(),
        tempfile.TemporaryDirectory(prefix="ballast-simulation-", dir=memory) as name,
        asyncio.Runner(loop_factory=TimelessLoop) as runner,
    ):
        loop = runner.get_loop()
        loop.set_exception_handler(_only_deaths)
        return runner.run(Simulation(setting, Path(name)).run())


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Two fifths faster: nobody looks for garbage in the meantime, and httpx does not search the
    whole path with each request for a library that is not installed."""
    missing: dict[str, Any] = {"sniffio": None}  # None: the import fails at once
    added = "sniffio" not in sys.modules
    if added:
        sys.modules.update(missing)
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
        if added:
            sys.modules.pop("sniffio", None)


def _only_deaths(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Whoever dies with the process leaves an exception that nobody asks for."""
    if not isinstance(context.get("exception"), KilledError):
        loop.default_exception_handler(context)


class Simulation:
    """One run of one seed."""

    def __init__(self, setting: Setting, directory: Path) -> None:
        self._setting = setting
        self._directory = directory
        self._story = Story()
        self._dice = Dice(setting.seed, "steps")
        self._done = 0

    async def run(self) -> Outcome:
        """Play it out, up to the first violation."""
        with self._story.listening():
            self._world = World(self._directory, self._setting.seed, self._story)
            violations = await self._played()
            outcome = self._outcome(violations)
            await self._world.close()
        return outcome

    async def _played(self) -> list[str]:
        try:
            await self._begin()
            for deed in self._people.beginning():
                await self._deed(deed)
            await self._world.play(lambda: self._world.work(timedelta(seconds=15)))
            for number in range(1, self._setting.steps + 1):
                await self._step(number)
                self._done = number
            await self._ending.play()
        except ViolationError as violation:
            self._story.tell(f"VIOLATION {violation}")
            return str(violation).splitlines()
        return []

    async def _begin(self) -> None:
        world, seed, setting = self._world, self._setting.seed, self._setting
        await world.start()
        indexes = self._dice.between(1, setting.indexes)
        self._trouble = Trouble(world, Dice(seed, "trouble"), setting.faults)
        self._people = People(world, Dice(seed, "people"), indexes)
        self._terminal = Terminal(world, Dice(seed, "terminal"))
        self._halts = Halts(world, Dice(seed, "halts"), self._people, self._terminal)
        self._checks = Checks(world)
        self._ending = Ending(world, self._trouble, self._people, self._terminal, self._checks)
        await self._terminal.allow_destinations(OWNERS)

    async def _step(self, number: int) -> None:
        what = self._dice.weighted(STEPS)
        self._story.tell(f"{number:4} {self._world.now():%m-%d %H:%M:%S.%f} {what}")
        match what:
            case "deed" | "terminal" | "halt":
                await self._deed(self._drawn(what))
            case "work":
                span = self._people.a_while()
                await self._world.play(lambda: self._world.work(span))
            case "time":
                self._world.pass_time(self._people.some_time())
            case "fault":
                self._trouble.add()
            case "clear":
                self._trouble.clear()
            case "reconcile":
                await self._world.play(self._world.reconcile)
            case "restart":
                await self._restart()
            case _:
                if self._setting.crashes:
                    self._world.process.die_within(self._dice.between(1, 150))
        self._checks.require()

    def _drawn(self, what: str) -> Callable[[], Deed | None]:
        """Which deed it is to be; the deed itself is drawn next."""
        if what == "halt":
            return self._halts.in_a_trade
        someone = self._people if what == "deed" else self._terminal
        return self._dice.weighted(someone.deeds())

    async def _restart(self) -> None:
        """Recovery done once, or several times in a row, comes to the same."""
        for _ in range(self._dice.between(1, 3)):
            await self._world.restart()

    async def _deed(self, draw: Callable[[], Deed | None]) -> None:
        deed = draw()
        if deed is None:
            return
        world, engine = self._world, self._world.engine
        others = [engine.run_until_idle] if self._dice.chance(40) else []
        if not await world.play(deed, *others) and self._dice.chance(70):
            self._story.tell("    once more:")
            await world.play(deed)

    def _outcome(self, violations: list[str]) -> Outcome:
        swaps = self._world.records.all("SELECT state, count(*) AS count FROM swaps GROUP BY state")
        return Outcome(
            setting=self._setting,
            violations=violations,
            story=self._story.lines,
            digest=self._story.digest(),
            steps=self._done,
            requests=self._world.requests,
            strikes=self._world.strikes,
            moments=self._world.moments + self._world.process.moments,
            deaths=self._world.deaths,
            swaps={row["state"]: row["count"] for row in swaps},
        )
