"""Swaps settled per second through the engine, on SQLite and with several workers on Postgres.

    python -m benchmarks.throughput

It takes some minutes on a busy machine, so it is no part of `benchmarks.all`.

The start is made once: indexes of eleven assets, invested, each with a rebalance of ten legs that
was started while nobody worked. Each round takes a copy of it, lets the clock run at normal speed,
and starts real processes: one server, whose engine is embedded, or workers. The devnet settles at
once (`benchmarks.at_once`) and lies in a file that they share, in memory where there is room, as it
is the world outside. The pace is that of the middle eighty of a hundred settlements, by their times
in the ledger: starting processes is not in it, and the second that passes between sending a swap
and looking at it is. What a swap costs is processor time, transactions, and waits for the disk.

What is counted on SQLite: statements as the driver traces them, and system calls of one process,
each of which waits for this one (the means of the crash tests, which need Linux). On Postgres:
`pg_stat_database` and `pg_stat_io`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import aiosqlite
import psycopg
from pydantic import SecretStr
from rich.console import Console

from ballast.adapters.store import open_store
from ballast.adapters.store.postgres.copying import copy_ledger
from ballast.adapters.store.sqlite.session import Connection, connect_in_thread
from ballast.app.engine import Engine
from ballast.bootstrap import Machine, Places, opened_app
from ballast.core.ids import LOCAL_OWNER
from ballast.devnet import DevnetOptions, open_devnet
from ballast.settings import Settings
from benchmarks import stdio
from benchmarks.figures import Figure, summary
from benchmarks.paper import LEGS, REAL, START
from benchmarks.rebalance import SHARES, call, follow, paced_index, paced_plan
from tests.crash.supervisor import DATABASE, Strike
from tests.crash.supervisor import run as run_apart
from tests.crash.system_calls import Call
from tests.postgres import Server

INDEXES = 8
WORKERS = (1, 2, 4)
# Indexes in work at a time, in each worker. One that waits for a settlement keeps its place.
CONCURRENCY = 8
PATIENCE = 120.0
MEMORY = Path("/dev/shm")
AT_ONCE = "benchmarks.at_once"
_ALL: dict[str, Any] = {"archived": False, "after": None, "limit": INDEXES}
DEVNET = DevnetOptions(start=START, speed=Decimal(0), settle_seconds=(0.0, 0.0), synchronous="OFF")


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to.

    Attributes:
        per_second: swaps settled.
        at_once: rebalances with something sent, at most at a time.
        processor: seconds of our processes for each swap, with the devnet that is in them.
    """

    per_second: float
    at_once: int
    processor: float


def run(console: Console) -> list[Figure]:
    """Measure everything, print it, and give back the lines of the summary."""
    with tempfile.TemporaryDirectory(prefix="ballast-bench-") as temporary:
        home = Path(temporary)
        asyncio.run(_prepare(home / "start", INDEXES))
        figures = [*_on_sqlite(home), *_on_postgres(home)]
    console.print(summary(figures))
    return figures


# --- the start ------------------------------------------------------------------------------------


async def _prepare(home: Path, indexes: int) -> None:
    """Rebalances of ten legs that are started, while nobody works."""
    settings = Settings(data_dir=home, market_speed=Decimal(0))
    file = Places(settings.home).devnet
    file.parent.mkdir(parents=True)
    with closing(open_devnet(file, DEVNET)) as world:
        async with opened_app(settings) as app:
            engine = Engine(app)
            made = [await paced_index(app, engine, world, one) for one in range(indexes)]
            for index_id in made:
                plan_id = await paced_plan(app, index_id, SHARES[1])
                await call(app, "rebalance_index", index_id=index_id, plan_id=plan_id)


def _copied(start: Path, home: Path) -> Path:
    """The same start elsewhere, its clock running. The devnet lies in memory where there is room,
    as it is the world outside."""
    shutil.copytree(start, home)
    if MEMORY.is_dir():
        devnet = Places(home / "paper").devnet
        outside = MEMORY / f"{home.parent.name}-{home.name}.sqlite"
        shutil.move(devnet, outside)
        devnet.symlink_to(outside)
    with closing(open_devnet(Places(home / "paper").devnet, None)) as world:
        world.clock.set_speed(REAL)
    return home


# --- rounds ---------------------------------------------------------------------------------------

Ask = Callable[[], list[tuple[str, int, int]]]
"""Gives the rebalance, the sending and the end of every leg that is done, in microseconds."""

_SETTLED = """
SELECT s.rebalance_id, s.published_at, s.ended_at FROM swaps s
JOIN rebalances r ON r.rebalance_id = s.rebalance_id
WHERE r.kind = 'rebalance' AND s.state = 'settled' ORDER BY s.ended_at
"""


def _on_sqlite(home: Path) -> list[Figure]:
    place = _copied(home / "start", home / "sqlite")
    file = Places(place / "paper").database
    with (
        closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db,
        stdio.Server(AT_ONCE, "mcp", data_dir=place) as server,
    ):
        # It opens nothing before it is asked something.
        server.call("get_status")
        round_ = _watched([server.pid], lambda: db.execute(_SETTLED).fetchall())
    per_swap = _counted(home)
    return [
        *_figures("SQLite, the embedded engine", round_),
        Figure(
            "a swap on SQLite: statements, commits, waits for the disk",
            "",
            " · ".join(f"{one:.1f}" for one in per_swap),
        ),
    ]


def _on_postgres(home: Path) -> list[Figure]:
    figures: list[Figure] = []
    # Not below the others: a path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="pg") as directory:
        server = Server(Path(directory), durable=True)
        for workers in WORKERS:
            place = _copied(home / "start", home / f"workers-{workers}")
            url = server.create(f"workers_{workers}")
            asyncio.run(copy_ledger(Places(place / "paper").database, SecretStr(url), "moved_to"))
            round_, *per_swap = _of_workers(place, url, workers, Path(directory))
            name = f"Postgres, {workers} worker{'s' * (workers > 1)}"
            figures += _figures(name, round_)
            counts = " · ".join(f"{one:.1f}" for one in per_swap)
            what = "transactions, waits for the disk, ms of the server"
            figures.append(Figure(f"a swap on {name}: {what}", "", counts))
        server.stop()
    return figures


def _of_workers(
    place: Path, url: str, workers: int, server: Path
) -> tuple[Round, float, float, float]:
    """A round, and what the server says of each of its swaps."""
    settings = {"BALLAST_DATABASE_URL": url, "BALLAST_ENGINE": "workers"}
    words = ["worker", "--concurrency", str(CONCURRENCY)]
    with closing(psycopg.connect(url, autocommit=True)) as db:
        before = _server_says(db, server)
        round_ = _worked(
            words, workers, _environment(place) | settings, lambda: db.execute(_SETTLED).fetchall()
        )
        sleep(1.5)  # the server tells what it has done every second
        after = _server_says(db, server)
    done = INDEXES * LEGS
    commits, syncs, seconds = (
        (one - other) / done for one, other in zip(after, before, strict=True)
    )
    return round_, commits, syncs, seconds * 1e3


def _server_says(db: psycopg.Connection, server: Path) -> tuple[float, float, float]:
    """Transactions, waits for the disk and processor seconds of the server so far."""
    row = db.execute(
        "SELECT xact_commit + xact_rollback,"
        " (SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal')"
        " FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    assert row is not None
    first = int((server / "postmaster.pid").read_text().split()[0])
    ours = [first, *(pid for pid, parent in _parents() if parent == first)]
    return float(row[0]), float(row[1]), sum(map(_seconds, ours))


def _seconds(pid: int) -> float:
    """What a process has used of processors so far, with those of its that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _parents() -> Iterator[tuple[int, int]]:
    """Each process, and who started it."""
    for one in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            yield int(one.parent.name), int(one.read_text().rpartition(")")[2].split()[1])


def _worked(words: list[str], processes: int, environment: dict[str, str], ask: Ask) -> Round:
    """Let so many processes work until every leg is settled."""
    command = [sys.executable, "-m", AT_ONCE, *words]
    started = [
        subprocess.Popen(
            command,
            cwd=stdio.ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(processes)
    ]
    try:
        return _watched([one.pid for one in started], ask)
    finally:
        for one in started:
            one.terminate()
        for one in started:
            one.wait(30)


def _watched(processes: Sequence[int], ask: Ask) -> Round:
    """Wait until every leg is settled."""
    wanted, ends, samples = INDEXES * LEGS, monotonic() + PATIENCE, list[tuple[int, float]]()
    while len(done := ask()) < wanted:
        assert monotonic() < ends, f"{len(done)} of {wanted} swaps are settled"
        samples.append((len(done), sum(map(_seconds, processes))))
        sleep(0.2)
    return Round(_pace(done), _at_once(done), _processor(samples, wanted))


def _pace(done: list[tuple[str, int, int]]) -> float:
    """Swaps a second between the first and the last tenth."""
    first, last = len(done) // 10, len(done) - len(done) // 10 - 1
    return (last - first) * 1e6 / (done[last][2] - done[first][2])


def _at_once(done: list[tuple[str, int, int]]) -> int:
    """Rebalances between their first sending and their last settlement, at most at a time."""
    spans: dict[str, tuple[int, int]] = {}
    for rebalance_id, sent, ended in done:
        first, last = spans.get(rebalance_id, (sent, ended))
        spans[rebalance_id] = min(first, sent), max(last, ended)
    return max(
        sum(first <= moment <= last for first, last in spans.values())
        for moment, _ in spans.values()
    )


def _processor(samples: Sequence[tuple[int, float]], wanted: int) -> float:
    """Seconds of our processes for each swap, when they have started and before they wait."""
    middle = [one for one in samples if wanted // 10 <= one[0] <= wanted * 9 // 10]
    (first, before), (last, after) = middle[0], middle[-1]
    return (after - before) / max(last - first, 1)


def _figures(name: str, found: Round) -> list[Figure]:
    return [
        Figure(f"{name}: swaps settled", "", f"{found.per_second:.0f} /s"),
        Figure(f"{name}: rebalances in flight", "", f"{found.at_once} of {INDEXES}"),
        Figure(f"{name}: processor for a swap", "", f"{found.processor * 1e3:.0f} ms"),
    ]


def _environment(place: Path) -> dict[str, str]:
    own = {name: one for name, one in os.environ.items() if not name.startswith("BALLAST_")}
    return own | {"BALLAST_DATA_DIR": str(place), "BALLAST_LOG_LEVEL": "error"}


# --- one swap, call by call -----------------------------------------------------------------------


def _counted(home: Path) -> tuple[float, float, float]:
    """Statements, commits and waits for the disk of a swap, in one process that is watched."""
    place = home / "counted"
    shutil.copytree(home / "start", place)
    files = Strike(targets=(DATABASE,), kinds=(Call.SYNC,))
    found = run_apart(_carry_out, place, strike=files)
    assert found.answer is not None, found.trouble
    statements, commits = found.answer
    done = INDEXES * LEGS
    return statements / done, commits / done, found.calls.total() / done


def _carry_out(place: Path) -> tuple[int, int]:
    """Carry out every rebalance; how many statements and commits that took."""
    return asyncio.run(_statements(place))


async def _statements(place: Path) -> tuple[int, int]:
    seen = Counter[str]()

    async def connect(file: Path) -> Connection:
        connection = await connect_in_thread(file)
        assert isinstance(connection, aiosqlite.Connection)
        await connection.set_trace_callback(lambda sql: seen.update([sql.split(maxsplit=1)[0]]))
        return connection

    machine = Machine(open_store=lambda file: open_store(file, connect=connect))
    settings = Settings(data_dir=place, market_speed=Decimal(0))
    async with opened_app(settings, machine=machine) as app:
        with closing(open_devnet(Places(settings.home).devnet, None)) as world:
            async with app.store.read() as reader:
                active = [
                    one.rebalance_id
                    for index in await reader.list_indexes(LOCAL_OWNER, **_ALL)
                    if (one := await reader.active_rebalance(index.index_id)) is not None
                ]
            seen.clear()
            engine = Engine(app)
            for rebalance_id in active:
                await follow(app, engine, world, rebalance_id)
    return seen.total(), seen["COMMIT"]


if __name__ == "__main__":
    run(Console())
