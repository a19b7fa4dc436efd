"""Who carries events to receivers: a loop of its own, beside the engine and apart from it.

What trades has other places and never waits for a receiver: the two meet in the database alone,
where the courier's transactions are short. Its times are the machine's, whatever the clock of the
paper world says, because receivers live by the machine's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from ballast.app.app import App
from ballast.app.notifying.telling import tell_due
from ballast.app.ports import StateMovedError
from ballast.app.until_cancelled import goes_on
from ballast.app.webhooks.attempts import attempt, claim
from ballast.app.webhooks.fan_out import fan_out
from ballast.core.webhooks import Delivery
from ballast.errors import BallastError

log = structlog.get_logger(__name__)

# Attempts at a time: in all, of what has failed before, and of one webhook. Receivers that hang
# take no more than their share of the places.
CONCURRENCY: Final = 16
REPEATED: Final = 8
EACH: Final = 4
# How long the loop sleeps when nothing is due, in real seconds.
NAP: Final = 1.0
# How long what is being sent at the end may take to get to its own end, in real seconds: long for
# bytes that only have to leave, short for whoever waits for this process.
GRACE: Final = 2.0
# How long a command that ends tells others of what came up by it, in real seconds.
LEAVING: Final = 8.0


@dataclass(slots=True)
class Courier:
    """Carries what is due. Several may run on one database: each delivery is claimed first.

    Attributes:
        grace: how long what is being sent at the end may take, in real seconds.
    """

    app: App
    grace: float = GRACE
    running: dict[asyncio.Task[None], Delivery] = field(default_factory=dict)
    telling: asyncio.Task[bool] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Work until cancelled. A pass that fails is logged and tried again."""
        people = asyncio.create_task(self._tell_people(), name="tell people")
        try:
            while goes_on():
                self.ended.clear()
                busy = 0
                try:
                    busy = await self.start_due()
                except BallastError as trouble:
                    log.warning("courier_pass_failed", code=trouble.code.value)
                except Exception:
                    log.exception("courier_pass_failed")
                if not busy:
                    await self._nap()
        finally:
            people.cancel()
            await asyncio.gather(people, return_exceptions=True)
            await self.stop()

    async def run_until_idle(self) -> None:
        """Carry everything that is due now, and what becomes due by that."""
        while await self.start_due() or self.running:
            if self.running:
                await asyncio.wait(self.running, return_when=asyncio.FIRST_COMPLETED)

    async def tell_until_idle(self) -> None:
        """Send people everything that is due now."""
        while await self._tell_one():
            pass

    async def _tell_people(self) -> None:
        """Messages to people, one after another, beside those to programs."""
        while goes_on():
            busy = False
            try:
                busy = await self._tell_one()
            except BallastError as trouble:
                log.warning("notifications_failed", code=trouble.code.value)
            except Exception:
                log.exception("notifications_failed")
            if not busy:
                await asyncio.sleep(NAP)

    async def _tell_one(self) -> bool:
        """Whether there was anybody to tell. Shielded: `stop` lets it get to its end."""
        self.telling = asyncio.create_task(tell_due(self.app), name="tell")
        return await asyncio.shield(self.telling)

    async def start_due(self) -> int:
        """Hand on new events and start attempts for what is due; how much of both there was."""
        handed_on = await fan_out(self.app)
        free = CONCURRENCY - len(self.running)
        if free <= 0:
            return 0
        async with self.app.store.read_once() as reader:
            due = await reader.due_deliveries(self.app.wall.now(), EACH, 4 * CONCURRENCY)
        claimed = await claim(self.app, list(self._fitting(due, free)))
        for one in claimed:
            task = asyncio.create_task(self._attempt(one), name=f"deliver {one.delivery_id}")
            self.running[task] = one
            task.add_done_callback(self._done)
        return handed_on + len(claimed)

    def _fitting(self, due: list[Delivery], free: int) -> Iterator[Delivery]:
        """Those that find a place: first come, within the bounds of their webhook and kind."""
        each = Counter(one.webhook_id for one in self.running.values())
        repeated = sum(one.attempts > 1 for one in self.running.values())
        for one in due:
            again = one.attempts > 0
            if free == 0 or each[one.webhook_id] >= EACH or (again and repeated >= REPEATED):
                continue
            free -= 1
            each[one.webhook_id] += 1
            repeated += again
            yield one

    async def _attempt(self, claimed: Delivery) -> None:
        try:
            await attempt(self.app, claimed)
        except StateMovedError:
            log.info("delivery_moved_by_another", delivery_id=claimed.delivery_id)
        except BallastError as trouble:
            log.warning("delivery_not_noted", reason=trouble.code.value)
        except Exception:
            log.exception("delivery_failed", delivery_id=claimed.delivery_id)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.running.pop(task, None)
        self.ended.set()

    async def _nap(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(NAP):
                await self.ended.wait()

    async def stop(self) -> None:
        """Let what is being sent get to its end, and break off what takes too long for that: what
        a receiver got and we did not note is sent again."""
        tasks: list[asyncio.Task[Any]] = [*self.running]
        if self.telling is not None:
            tasks.append(self.telling)
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=self.grace)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def see_off(app: App, seconds: float = LEAVING, grace: float = GRACE) -> None:
    """Tell receivers and people of what came up in a process that is about to end. What is not done
    in time is due for whichever process comes next.

    Args:
        seconds: how long nothing is broken off, in real ones.
        grace: how long what is being sent then may still take.
    """
    if not app.news.is_set():
        return
    courier = Courier(app, grace)

    async def told() -> None:
        await courier.start_due()  # It is handed on to people as well.
        async with asyncio.TaskGroup() as both:
            both.create_task(courier.run_until_idle(), name="tell receivers")
            both.create_task(courier.tell_until_idle(), name="tell people")

    telling = asyncio.create_task(told(), name="see off")
    try:
        await asyncio.wait([telling], timeout=seconds)
    finally:
        telling.cancel()
        await courier.stop()
    (trouble,) = await asyncio.gather(telling, return_exceptions=True)
    if isinstance(trouble, Exception):
        log.warning("not_all_were_told", exc_info=trouble)
