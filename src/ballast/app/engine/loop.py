"""Finding due rows and stepping them, several at a time, each at most once at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.engine.deposits import step_deposit
from ballast.app.engine.first_look import check_books, give_up_what_may_be_done
from ballast.app.engine.limit_changes import step_limit_change
from ballast.app.engine.panic import step_panic_sale
from ballast.app.engine.rebalances import step_rebalance
from ballast.app.engine.reconciliation import step_index
from ballast.app.engine.restoring import settle_restored
from ballast.app.engine.schedules import step_schedule
from ballast.app.engine.swaps import step_swap
from ballast.app.monitor import look_with_new_prices, step_check, step_shard
from ballast.app.observing import CUT_OFF, FAULT, Activity, Doing, told
from ballast.app.ports import DueRow, StateMovedError, TradeFilter
from ballast.app.until_cancelled import goes_on
from ballast.core.states import SwapState
from ballast.errors import BallastError

log = structlog.get_logger(__name__)

BATCH: Final = 256
# Steps at the same time. There is one venue, so this is also how much is asked of it at once.
CONCURRENCY: Final = 16
# Each request has its deadline; this one, in real seconds, is for whatever has none. A step that is
# cut off is a crash like any other.
STEP_LIMIT: Final = 300.0
# How long a loop sleeps at most, in real seconds: another process may have written something due.
LONGEST_NAP: Final = 0.5
# A step that failed is tried again after half a second, then 1, 2, 4 ..., at most a minute. The row
# itself says so: it does not stand in the way of others, and a restart does not try it at once.
FIRST_BACKOFF: Final = timedelta(seconds=0.5)
LONGEST_BACKOFF: Final = timedelta(minutes=1)

# Swaps of which something has been signed: they come first after a start.
WITH_INTENTS: Final = (SwapState.SIGNED, SwapState.PUBLISHED, SwapState.ATTENTION)
EVERY_ONE: Final = 1_000_000

STEPS: Final[Mapping[str, Callable[[App, DueRow], Awaitable[None]]]] = {
    "swap": step_swap,
    "rebalance": step_rebalance,
    "deposit": step_deposit,
    "index": step_index,
    "limit_change": step_limit_change,
    "check": step_check,
    "shard": step_shard,
    "schedule": step_schedule,
    "panic_sale": step_panic_sale,
}


@dataclass(slots=True)
class Engine:
    """One engine; the caller makes sure that only one runs per database.

    Attributes:
        backoff: rows whose last step failed, with the number of failures in a row and the time
            before which they are left alone when the row itself could not be postponed.
        waiting: due rows of the last look that have not been started yet.
        step_limit: how long a step may take, in real seconds.
    """

    app: App
    running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    backoff: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    waiting: deque[DueRow] = field(default_factory=deque)
    step_limit: float = STEP_LIMIT

    async def look_first(self) -> None:
        """Before anything new is signed: look at every intent that has not ended, and let every
        index be compared with the venue."""
        await settle_restored(self.app)
        await give_up_what_may_be_done(self.app)
        open_swaps = await self._swaps_with_intents()
        for first in range(0, len(open_swaps), CONCURRENCY):
            batch = open_swaps[first : first + CONCURRENCY]
            await asyncio.gather(*(self._step(row) for row in batch))
        async with self.app.store.transaction() as tx:
            await tx.reconcile_all(self.app.clock.now())

    async def _note_unreconciled(self) -> None:
        async with self.app.store.read_once() as reader:
            due = await reader.due_rows(self.app.clock.now(), EVERY_ONE)
        self.app.engine.unreconciled = {row.row_id for row in due if row.kind == "index"}

    async def _swaps_with_intents(self) -> list[DueRow]:
        wanted = TradeFilter(states=WITH_INTENTS, limit=EVERY_ONE)
        async with self.app.store.read() as reader:
            owners = await reader.owners()
            found = [one for owner in owners for one in await reader.list_swaps(owner, wanted)]
        now = self.app.clock.now()
        return [DueRow("swap", one.swap_id, one.owner_id, one.index_id, now) for one in found]

    async def run(self) -> None:
        """Work until cancelled, first of all comparing everything with the venue. A pass that
        fails is logged and tried again: the engine must outlive any trouble and any mistake."""
        looked = False
        try:
            while goes_on():
                self.app.work_waiting.clear()
                pause = LONGEST_NAP
                try:
                    if not looked:
                        await check_books(self.app)
                        await self.look_first()
                        await self._note_unreconciled()
                        looked = True
                    await look_with_new_prices(self.app)
                    await self.start_due()
                    pause = await self._seconds_until_due()
                except BallastError as trouble:
                    log.warning("engine_pass_failed", code=trouble.code.value)
                except Exception:
                    log.exception("engine_pass_failed")
                await self._nap(pause)
        finally:
            await self._stop()

    async def step_all(self, rows: Sequence[DueRow]) -> None:
        """Step these rows at the same time, each once."""
        await asyncio.gather(*(self._step(row) for row in rows))

    async def run_until_idle(self) -> None:
        """Step everything that is due now, and what becomes due by that, until nothing is."""
        while await self.start_due() or self.running:
            if self.running:
                await asyncio.wait(self.running.values(), return_when=asyncio.FIRST_COMPLETED)

    async def start_due(self) -> int:
        """Start a step for every due row that has none running; how many were started."""
        now = self.app.clock.now()
        self.app.engine.last_pass_at = now
        self.app.engine.passes += 1
        if (started := self._start_waiting(now)) or len(self.running) >= CONCURRENCY:
            return started
        async with self.app.store.read_once() as reader:
            rows = await reader.due_rows(now, BATCH)
        self.waiting.extend(rows)
        started = self._start_waiting(now)
        if len(rows) < BATCH:
            # Cheap to look again, and what becomes due meanwhile gets its turn at once.
            self.waiting.clear()
        return started

    def _start_waiting(self, now: datetime) -> int:
        started = 0
        while self.waiting and len(self.running) < CONCURRENCY:
            row = self.waiting.popleft()
            if self._is_free(row.key, now):
                task = asyncio.create_task(self._step(row), name=f"step {row.row_id}")
                self.running[row.key] = task
                started += 1
        return started

    def _is_free(self, key: str, now: datetime) -> bool:
        if key in self.running:
            return False
        return key not in self.backoff or now >= self.backoff[key][1]

    async def _step(self, row: DueRow) -> None:
        step = self._seen(row)
        ids = {"step": row.key, "call_id": step.cause.call_id if step.cause else ""}
        try:
            with told(ids), self.app.observer.observe(step):
                await self._step_seen(row, step)
        finally:
            self.running.pop(row.key, None)
            self.app.work_waiting.set()

    def _seen(self, row: DueRow) -> Activity:
        cause = self.app.observer.cause_of(row.row_id)
        ids = {"row": row.row_id, "index": row.index_id}
        return Activity(Doing.STEP, f"step {row.kind}", {"kind": row.kind}, ids, cause=cause)

    async def _step_seen(self, row: DueRow, step: Activity) -> None:
        try:
            async with asyncio.timeout(self.step_limit):
                await STEPS[row.kind](self.app, row)
            self.backoff.pop(row.key, None)
            self.app.engine.steps += 1
        except StateMovedError:
            step.outcome = "moved_by_another"
            self._count_failure(row, step.outcome)
        except BallastError as trouble:
            step.outcome = trouble.code.value
            await self._back_off(row, step.outcome)
        except TimeoutError:
            step.outcome = CUT_OFF
            await self._back_off(row, "took_too_long")
        except Exception:
            step.outcome = FAULT
            await self._back_off(row, step.outcome)
            log.exception("step_failed", row=row.row_id)

    def _count_failure(self, row: DueRow, reason: str) -> datetime:
        """When the row may be tried again."""
        now = self.app.clock.now()
        failures = self.backoff.get(row.key, (0, now))[0] + 1
        wait: timedelta = min(FIRST_BACKOFF * 2 ** min(failures - 1, 10), LONGEST_BACKOFF)
        self.backoff[row.key] = (failures, now + wait)
        self.app.engine.failed_steps += 1
        log.warning("step_will_be_tried_again", row=row.row_id, reason=reason, failures=failures)
        return now + wait

    async def _back_off(self, row: DueRow, reason: str) -> None:
        """Postpone the row itself; while the store is the trouble, remember it here."""
        due_at = self._count_failure(row, reason)
        with suppress(BallastError):
            async with self.app.store.transaction() as tx:
                await tx.postpone(row, due_at)
            failures, _ = self.backoff[row.key]
            self.backoff[row.key] = (failures, self.app.clock.now())

    async def _nap(self, seconds: float) -> None:
        """Sleep so long at most; a step that ends, or a call that leaves work, ends it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.app.work_waiting.wait()

    async def next_work(self) -> datetime | None:
        """When the next row becomes due, or one that failed may be tried again."""
        now = self.app.clock.now()
        async with self.app.store.read_once() as reader:
            due_at = await reader.next_due(after=now)
        times = [moment for _, moment in self.backoff.values() if moment > now]
        return min([*times, due_at] if due_at else times, default=None)

    async def _seconds_until_due(self) -> float:
        due_at = await self.next_work()
        if due_at is None:
            return LONGEST_NAP
        waiting = max((due_at - self.app.clock.now()) / timedelta(seconds=1), 0.0)
        real = self.app.clock.real_seconds(waiting)
        return LONGEST_NAP if real is None else min(max(real, 0.01), LONGEST_NAP)

    async def _stop(self) -> None:
        """Let steps that run finish: each is short, and half a step is only a crash survived."""
        if self.running:
            await asyncio.wait(self.running.values(), timeout=10)
