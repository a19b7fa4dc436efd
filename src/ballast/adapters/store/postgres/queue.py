"""Sharing out the work among many processes: Procrastinate, on the ledger's own database.

A job says no more than "look at what is due in this place", where a place is an index, or a piece
of work that is about none. One job of a place runs at a time (its lock), and one waits at most (its
queueing lock). Every second some worker looks for places with due rows and queues a job for each
that has none. The rows are the truth: jobs that are lost, or all tables of Procrastinate with them,
are queued again by the next look. A worker that no longer shows that it lives is taken for dead,
and its jobs are handed out again; should it go on after all, the states in its writes refuse it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg
import stamina
import structlog
from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import DeleteJobCondition, Status
from procrastinate.schema import SchemaManager
from pydantic import SecretStr

from ballast.adapters.store.postgres.address import Address

log = structlog.get_logger(__name__)

Work = Callable[[str], Awaitable[None]]
"""Does what is due in a place; returns when nothing is due there for a while."""

Find = Callable[[], Awaitable[Sequence[str]]]
"""Places in which something is due, whoever has waited longest first."""

EVERY_SECOND: Final = "* * * * * *"
# Held while the tables are made, so that of several workers one makes them.
_MAKING: Final = 0x62616C6C617374 + 3
# Types and functions outlive dropped tables, and the schema would stumble over them.
_CLEAR: Final = """
DO $$
DECLARE statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP ROUTINE %s CASCADE', oid::regprocedure) FROM pg_proc
        WHERE proname LIKE 'procrastinate%' AND pronamespace = current_schema()::regnamespace
        UNION ALL
        SELECT format('DROP TYPE %s CASCADE', t.oid::regtype) FROM pg_type t
        LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE typname LIKE 'procrastinate%' AND (typtype = 'e' OR c.relkind = 'c')
        AND typnamespace = current_schema()::regnamespace
    LOOP
        EXECUTE statement;
    END LOOP;
END $$
"""
# What is left of a job when a worker is told to end: each step is short.
_LAST_SECONDS: Final = 10


class StoppedError(Exception):
    """The worker gave up by itself: its connection failed, or its tables are gone."""


class StepQueue:
    """Hands out places to the workers of all processes, and works on some itself.

    Args:
        stalled_after: seconds without a sign of life after which a worker counts as dead.
    """

    def __init__(self, url: SecretStr, work: Work, find: Find, *, stalled_after: float) -> None:
        self._address = Address(url)
        self._work = work
        self._find = find
        self._stalled_after = stalled_after

    async def run(self, concurrency: int) -> None:
        """Work until cancelled; then the jobs that run are finished. Trouble with the server or the
        tables is outlived.

        Args:
            concurrency: how many places at a time, in this process.
        """
        async for attempt in stamina.retry_context(
            on=(StoppedError, ConnectorException, psycopg.Error),
            attempts=None,
            timeout=None,
            wait_initial=0.5,
            wait_max=10,
        ):
            with attempt:
                await self._run_once(concurrency)

    async def _run_once(self, concurrency: int) -> None:
        await self._make_tables()
        async with self._app().open_async() as app:
            await app.run_worker_async(
                concurrency=concurrency,
                delete_jobs=DeleteJobCondition.ALWAYS,
                fetch_job_polling_interval=1,
                update_heartbeat_interval=self._stalled_after / 3,
                stalled_worker_timeout=self._stalled_after,
                shutdown_graceful_timeout=_LAST_SECONDS,
                install_signal_handlers=False,
            )
        log.warning("worker_stopped_by_itself")
        raise StoppedError

    async def _make_tables(self) -> None:
        """Make Procrastinate's tables where they are missing."""
        connection = await psycopg.AsyncConnection.connect(self._address.conninfo())
        async with connection:
            await connection.execute(f"SELECT pg_advisory_xact_lock({_MAKING})")
            found = await connection.execute("SELECT to_regclass('procrastinate_jobs') IS NULL")
            if await found.fetchone() == (True,):
                await connection.execute(_CLEAR)
                await connection.execute(SchemaManager.get_schema())

    def _app(self) -> App:
        connector = PsycopgConnector(conninfo=self._address.conninfo(), min_size=1, max_size=4)
        app = App(connector=connector)
        # What fails is due still, and found by the next look; a job need not fight for it.
        retry = RetryStrategy(max_attempts=2, wait=1)

        @app.task(name="work", retry=retry)
        async def work(place: str) -> None:
            await self._work(place)

        @app.periodic(cron=EVERY_SECOND)
        @app.task(name="look", lock="look", queueing_lock="look")
        async def look(timestamp: int) -> None:
            await self._hand_out(app, work)

        @app.periodic(cron=EVERY_SECOND)
        # Without a lock: it would stay with a worker that dies in here, and nobody took over then.
        @app.task(name="take over", queueing_lock="take over")
        async def take_over(timestamp: int) -> None:
            await self._take_over(app)

        return app

    async def _hand_out(self, app: App, work: Any) -> None:
        running = {job.lock for job in await app.job_manager.list_jobs_async(status="doing")}
        for place in await self._find():
            if place not in running:
                with suppress(AlreadyEnqueued):
                    await work.configure(lock=place, queueing_lock=place).defer_async(place=place)

    async def _take_over(self, app: App) -> None:
        """Take away what dead workers had: a job of theirs keeps its place locked. What is due
        there is found by the next look, so the job need not be done again; put back, it would be in
        the way of one that waits."""
        manager = app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self._stalled_after):
            with suppress(ConnectorException):  # another was faster
                await manager.finish_job(job, status=Status.FAILED, delete_job=True)
                log.warning("job_taken_over", task=job.task_name, place=job.lock)
