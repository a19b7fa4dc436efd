"""The whole product in one process that can be killed: app, engine and store, and the devnet as
the world outside, on one clock that only moves by hand."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, closing, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from ballast.adapters.http import HttpLimits
from ballast.adapters.store import open_store
from ballast.adapters.store.migrate import prepare
from ballast.app.app import App
from ballast.app.catalog import operation_named
from ballast.app.engine import Engine
from ballast.app.operation import Caller, invoke
from ballast.bootstrap import Machine, Places, opened_app
from ballast.devnet import Devnet, DevnetOptions, open_devnet
from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings
from ballast.simulation.clock import Ahead, MachineClock
from ballast.simulation.dice import Dice
from ballast.simulation.loop import TimelessLoop
from ballast.simulation.process import KilledError, Process
from ballast.simulation.records import Records
from ballast.simulation.story import Story, ViolationError
from ballast.simulation.way import Way
from ballast.simulation.witness import Witness

START: Final = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
# No wait has jitter, which would come from elsewhere than the seed; and no breaker opens, because
# it would look at the machine's own clock.
LIMITS: Final = HttpLimits(
    max_bytes=2**20, attempts=3, first_wait_seconds=0, failures_to_open=10**9
)
SHORTEST: Final = timedelta(milliseconds=1)
# Of a day, in dollars, with every fourth seed: low enough to be met.
DAY_LIMIT: Final = "2500"
# In so many of a hundred starts after a death it dies again before it is up.
AGAIN: Final = 30
# A process that passes through so many moments within one step of the simulation never rests.
RESTLESS: Final = 200_000
# Of the first look: more often than faults that were drawn can strike it.
FIRST_LOOKS: Final = 500
# Refusals that no caller may ever see, whatever the world outside does.
NEVER: Final = frozenset(
    {ErrorCode.INTERNAL, ErrorCode.STORE_BUSY, ErrorCode.STORE_DAMAGED, ErrorCode.STORE_UNAVAILABLE}
)

Activity = Callable[[], Coroutine[Any, Any, None]]


class World:
    """One data directory and its devnet; `app` and `engine` are new after each death.

    Attributes:
        witness: looks on.
        ahead: by how much the machine's clock is wrong.
    """

    app: App
    engine: Engine
    process: Process

    def __init__(self, directory: Path, seed: int, story: Story) -> None:
        self.story = story
        self.deaths = 0
        self.moments = 0
        self._turns = Dice(seed, "turns")
        self._random = Dice(seed, "randomness")
        self._settings = _settings(directory, seed)
        places = Places(self._settings.home)
        self.data_dir = self._settings.root
        self.database = places.database
        self.devnet: Devnet = open_devnet(
            places.devnet,
            DevnetOptions(seed=seed, start=START, speed=Decimal(0), synchronous="OFF"),
        )
        self._now = self.devnet.clock.now()
        _empty_store(self.database)
        self.records = Records(self.database)
        self.witness = Witness(self.records)
        self.ahead = Ahead()
        self._way = Way(self.devnet, self.witness, story)
        self._opened: AbstractAsyncContextManager[App] | None = None

    @property
    def requests(self) -> int:
        """How many have arrived outside."""
        return self._way.requests

    @property
    def strikes(self) -> int:
        """How many of them a fault has struck."""
        return self._way.strikes

    # --- living and dying -------------------------------------------------------------------------

    async def start(self, *, may_die: bool = False) -> None:
        """Start the program, as often as it takes: first of all it looks at what is open.

        Args:
            may_die: it may be killed again before it has come so far, and again.
        """
        while True:
            self.process = Process(self._turns, self._died, self.witness.committed)
            if may_die and self._turns.chance(AGAIN):
                self.process.die_within(self._turns.between(1, 80))
            self.witness.started()
            if await self._lived(self._open):
                return
            await self._bury()

    async def restart(self) -> None:
        """End it as a program ends, and start it anew."""
        await self._end()
        await self.start()

    async def _open(self) -> None:
        machine = Machine(
            random_bytes=self._random.bytes,
            open_store=partial(open_store, synchronous="OFF", connect=self.process.connect),
            clock=lambda _: MachineClock(self.now, self.ahead),
        )
        way = self._way.of(self.process)
        opened = opened_app(self._settings, way=way, limits=LIMITS, machine=machine)
        self.app = await opened.__aenter__()
        self._opened = opened
        self.engine = Engine(self.app)
        await self._looked_first()

    async def _looked_first(self) -> None:
        """As `Engine.run` begins: it is tried again until it has been done."""
        for _ in range(FIRST_LOOKS):
            try:
                await self.engine.look_first()
            except BallastError as trouble:
                self.story.tell(f"      look_first: {trouble.code.value}")
                self.pass_time(timedelta(seconds=1))
            else:
                return
        raise ViolationError("The engine never gets done with its first look.")

    async def play(self, *activities: Activity) -> bool:
        """Let things be done at the same time, until all are done or the process is dead; after a
        death it is started again.

        Returns:
            Whether it has lived through all of them.

        Raises:
            ViolationError: it never rests.
        """
        self.process.restless_at = self.process.moments + RESTLESS
        if await self._lived(*activities):
            return True
        await self._bury()
        await self.start(may_die=True)
        return False

    async def _lived(self, *activities: Activity) -> bool:
        tasks = [asyncio.ensure_future(each()) for each in activities]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        if self.process.alive:
            await asyncio.wait(tasks)
        for task in tasks:
            error = task.exception() if task.done() and not task.cancelled() else None
            if error is not None and not isinstance(error, KilledError):
                raise error
        return self.process.alive

    async def _bury(self) -> None:
        self.moments += self.process.moments
        self.process.alive = False
        others = asyncio.all_tasks() - {_this_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        opened, self._opened = self._opened, None
        if opened is not None:
            with suppress(BaseException):
                await opened.__aexit__(None, None, None)
        self.process.bury()

    def _died(self, moment: int) -> None:
        self.deaths += 1
        self.story.tell(f"      KILLED at moment {moment}")

    async def _end(self) -> None:
        self.moments += self.process.moments
        self.process.dies_at = None
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.__aexit__(None, None, None)

    async def close(self) -> None:
        """End it as a program ends; the files stay."""
        await self._end()
        self.records.close()
        self.devnet.close()

    async def reconcile(self) -> None:
        """Compare every index with the venue, as is done now and then."""
        async with self.app.store.transaction() as tx:
            await tx.reconcile_all(self.app.clock.now())
        await self.work(timedelta(minutes=1))

    # --- doing ------------------------------------------------------------------------------------

    async def call(self, owner_id: str, operation: str, /, **arguments: Any) -> Any:
        """Call an operation through its one door; the answer, or the refusal as it is told.

        Raises:
            ViolationError: a refusal that no caller may ever see.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            answer = await invoke(self.app, operation_named(operation), given, Caller(owner_id))
        except BallastError as refusal:
            self.story.tell(f"    {operation} {given} -> {refusal.code.value}")
            if refusal.code in NEVER:
                raise ViolationError(f"{operation} was answered with {refusal}.") from refusal
            return refusal
        self.story.tell(f"    {operation} {given} -> done")
        return answer

    def now(self) -> datetime:
        """The world's time; the machine's may be another."""
        return self._now

    def pass_time(self, span: timedelta) -> None:
        """Let time pass: the domain's, and as much of the event loop's."""
        self.devnet.clock.advance(span)
        # Asked for at every turn, and nobody else moves it.
        self._now = self.devnet.clock.now()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, TimelessLoop), "a simulation runs on a timeless loop"
        loop.skip(span.total_seconds())

    async def work(self, span: timedelta) -> None:
        """Let the engine work through a span of time, due row by due row."""
        end = self.now() + span
        while True:
            await self.engine.run_until_idle()
            left = end - self.now()
            if left <= timedelta():
                return
            due_at = await self.engine.next_work()
            wait = left if due_at is None else max(due_at - self.app.clock.now(), SHORTEST)
            self.pass_time(min(wait, left))


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _settings(directory: Path, seed: int) -> Settings:
    """Paper mode in a folder of its own, whatever the environment says."""
    settings = Settings(
        data_dir=directory,
        mode="paper",
        market="simulated",
        market_file=None,
        market_seed=seed,
        market_speed=Decimal(0),
        oneclick_url=None,
        oneclick_api_key=None,
        oneclick_manager_key=None,
        near_rpc_urls=(),
        publish=("oneclick",),
        relay_url=None,
        second_prices="off",
        limit_swap_usd=None,
        limit_day_usd=DAY_LIMIT if seed % 4 == 0 else None,
        master_key=SecretStr(f"{seed:064x}"),
    )
    settings.home.mkdir(parents=True, exist_ok=True)
    return settings


def _empty_store(database: Path) -> None:
    """A new database. Making one takes much longer than anything else here: it is made once."""
    if "empty" not in _made:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "empty.sqlite"
            prepare(path)
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            _made["empty"] = path.read_bytes()
    database.write_bytes(_made["empty"])


_made: dict[str, bytes] = {}
