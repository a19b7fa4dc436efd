"""What REST and MCP over HTTP cost beside a bare FastAPI route and a bare server of the same SDK.

    python -m benchmarks.http
    python -m benchmarks.http steady       # reads at 200 a second for a minute, and nothing else
    python -m benchmarks.http processor    # the servers' processor time alone; for busy machines

Both servers run at the same time, and are asked in turns, on connections that stay open; a ratio is
the median of the ratios of such turns. The client writes a request's bytes and reads the answer's.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Bench, Figure, summary
from benchmarks.paper import REAL, TEN, funded_index, make_world
from benchmarks.stdio import ROOT, ballast

ROUNDS, CALLS = 5, 120
STEADY_SECONDS, STEADY_RATE = 20, 200
MINUTE = 60
REQUESTS, CONNECTIONS = 10_000, 1_000
MIB = 2**20
OFTEN = ",".join(f"{one}=100000000/minute" for one in ("address", "read"))


@dataclass(frozen=True, slots=True)
class Peer:
    """A server under test: where it listens, its process, and two requests, as bytes."""

    port: int
    pid: int
    rest: bytes
    mcp: bytes

    def resident_bytes(self) -> int:
        """Its resident memory now."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def processor_seconds(self) -> float:
        """What all its threads have used so far."""
        used = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(one.read_text().split()[0]) for one in used) / 1e9


def run(console: Console) -> list[Figure]:
    """Measure everything, print it, and give back the lines of the summary."""
    with tempfile.TemporaryDirectory() as directory, servers(Path(directory)) as (bare, ours):
        trips = asyncio.run(_round_trips(bare, ours, console))
        steady = asyncio.run(_steady(ours, STEADY_SECONDS))
        memory = asyncio.run(_memory(ours))
    return [*trips, steady, *memory]


# --- the servers ----------------------------------------------------------------------------------


@contextmanager
def servers(directory: Path) -> Iterator[tuple[Peer, Peer]]:
    """The bare server, and ours on a machine with an invested index of ten assets."""
    world = make_world(directory)
    with ballast(directory) as stdio:
        index_id = funded_index(stdio, TEN, 10)
    world.clock.set_speed(REAL)
    world.close()
    environment = {
        **{name: one for name, one in os.environ.items() if not name.startswith("BALLAST_")},
        "BALLAST_DATA_DIR": str(directory),
        "BALLAST_LOG_LEVEL": "error",
        "BALLAST_HTTP_RATES": OFTEN,
    }
    key = _key(environment)
    free = [_free_port(), _free_port()]
    commands = (
        ["benchmarks.bare_http", str(free[0])],
        ["ballast", "serve", "--port", str(free[1])],
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-m", *words], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
        )
        for words in commands
    ]
    try:
        for port in free:
            _wait_for(port)
        yield (
            Peer(free[0], started[0].pid, _get(free[0], "/ping"), _call(free[0], "ping", {})),
            Peer(
                free[1],
                started[1].pid,
                _get(free[1], f"/api/indexes/{index_id}", key),
                _call(free[1], "get_index", {"index_id": index_id}, key),
            ),
        )
    finally:
        for process in started:
            process.terminate()
            process.wait(30)


def _key(environment: dict[str, str]) -> str:
    made = subprocess.check_output(
        [sys.executable, "-m", "ballast", "apikey", "create", "benchmark", "--json"],
        cwd=ROOT,
        env=environment,
    )
    return str(json.loads(made)["api_key"])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("a server did not start")


def _get(port: int, path: str, key: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{_bearer(key)}\r\n".encode()


def _call(port: int, tool: str, arguments: dict[str, str], key: str = "") -> bytes:
    params = {"name": tool, "arguments": arguments}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    return (
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{_bearer(key)}"
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        f"MCP-Protocol-Version: 2025-11-25\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _bearer(key: str) -> str:
    return f"Authorization: Bearer {key}\r\n" if key else ""


# --- the client -----------------------------------------------------------------------------------


class Connection:
    """One connection that stays open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> Connection:
        """Open one."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def seconds(self, request: bytes) -> float:
        """How long a request takes, from its first byte to the answer's last."""
        begun = perf_counter()
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        body = await self._reader.readexactly(length)
        taken = perf_counter() - begun
        assert head.startswith(b"HTTP/1.1 200"), head + body
        assert b'"isError":true' not in body, body
        return taken

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def _asked(port: int, request: bytes, parallel: int, calls: int) -> list[float]:
    """The seconds of calls, so many at the same time."""
    open_ones = [await Connection.to(port) for _ in range(parallel)]

    async def ask(one: Connection) -> list[float]:
        return [await one.seconds(request) for _ in range(calls // parallel)]

    found = await asyncio.gather(*map(ask, open_ones))
    for one in open_ones:
        one.close()
    return [taken for some in found for taken in some]


# --- what is measured -----------------------------------------------------------------------------


async def _round_trips(bare: Peer, ours: Peer, console: Console) -> list[Figure]:
    table = Table(title="Round trips over HTTP, ms", title_justify="left")
    for column in ("", "p50", "p99", "bare p50", "bare p99"):
        table.add_column(column, justify="right")
    figures = []
    for name, base, own in (
        ("REST", bare.rest, ours.rest),
        ("MCP over HTTP", bare.mcp, ours.mcp),
    ):
        for parallel in (1, 16):
            turns = []
            for _ in range(ROUNDS + 1):
                theirs = await _asked(bare.port, base, parallel, CALLS)
                turns.append((theirs, await _asked(ours.port, own, parallel, CALLS)))
            turns = turns[1:]  # the first makes what is made once
            figure = _trip(f"get_index, {name}, {parallel} at a time, p50", turns)
            figures.append(figure)
            sides = [sorted(one for turn in turns for one in turn[side]) for side in (1, 0)]
            cells = [_ms(side, share) for side in sides for share in (50, 99)]
            table.add_row(f"{name}, {parallel} at a time", *cells)
    console.print(table)
    return figures


async def _processor(bare: Peer, ours: Peer) -> list[Figure]:
    """Processor time of the server for a request: the least of many turns, as others only add."""
    figures = []
    for face, base, own in (("REST", bare.rest, ours.rest), ("MCP over HTTP", bare.mcp, ours.mcp)):
        least = []
        for peer, request in ((bare, base), (ours, own)):
            turns = []
            for _ in range(3 * ROUNDS):
                before = peer.processor_seconds()
                await _asked(peer.port, request, 1, CALLS)
                turns.append((peer.processor_seconds() - before) / CALLS)
            least.append(min(turns) * 1e3)
        theirs, own_ms = (f"{one:.3g} ms" for one in least)
        name = f"processor, get_index, {face}"
        figures.append(Figure(name, theirs, own_ms, least[1] / least[0]))
    return figures


def _trip(name: str, turns: list[tuple[list[float], list[float]]]) -> Figure:
    medians = [(median(base), median(own)) for base, own in turns]
    base, own = (median(side) * 1e3 for side in zip(*medians, strict=True))
    ratio = median(own / base for base, own in medians)
    return Figure(name, f"{base:.3g} ms", f"{own:.3g} ms", ratio, 2.0)


def _ms(taken: list[float], share: int) -> str:
    return f"{taken[min(len(taken) * share // 100, len(taken) - 1)] * 1e3:.2f}"


async def _steady(ours: Peer, seconds: int) -> Figure:
    """Reads at a fixed pace, whether or not the one before has been answered. An error ends it."""
    await _asked(ours.port, ours.rest, 4, 200)  # what is made once
    free: asyncio.Queue[Connection] = asyncio.Queue()
    taken: list[float] = []

    async def one_read() -> None:
        wished = perf_counter()
        connection = free.get_nowait() if not free.empty() else await Connection.to(ours.port)
        await connection.seconds(ours.rest)
        taken.append(perf_counter() - wished)
        free.put_nowait(connection)

    begun = perf_counter()
    async with asyncio.TaskGroup() as reads:
        for number in range(seconds * STEADY_RATE):
            await asyncio.sleep(max(0.0, begun + number / STEADY_RATE - perf_counter()))
            reads.create_task(one_read())
    reached = len(taken) / (perf_counter() - begun)
    while not free.empty():
        free.get_nowait().close()
    taken.sort()
    shares = ", ".join(f"p{share} {_ms(taken, share)} ms" for share in (50, 95, 99))
    shown = f"{reached:.0f} /s, {shares}, 0 errors"
    return Figure(f"reads at {STEADY_RATE} a second for {seconds} s", "", shown)


async def _memory(ours: Peer) -> list[Figure]:
    """Resident memory before and after much traffic, and after connections that bring nothing."""
    before = ours.resident_bytes()
    await _asked(ours.port, ours.rest, 16, REQUESTS)
    after = ours.resident_bytes()
    idle = [await asyncio.open_connection("127.0.0.1", ours.port) for _ in range(CONNECTIONS)]
    for _, writer in idle:
        writer.write(b"GET /api/indexes HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    ended = await asyncio.gather(*(reader.read() for reader, _ in idle))
    assert len(ended) == CONNECTIONS, "each of them was ended by the server"
    for _, writer in idle:
        writer.close()
    await _asked(ours.port, ours.rest, 1, 50)
    last = ours.resident_bytes()
    return [
        _grown(f"memory after {REQUESTS:,} more requests", before, after),
        _grown(f"memory after {CONNECTIONS:,} connections that never finish", after, last),
    ]


def _grown(name: str, before: int, after: int) -> Figure:
    shown = (f"{before / MIB:.1f} MiB", f"{after / MIB:.1f} MiB")
    return Figure(name, f"before, {shown[0]}", shown[1], after / before, 1.05)


def steady_minute(console: Console) -> list[Figure]:
    """Reads at a fixed pace for a minute, alone."""
    del console
    with tempfile.TemporaryDirectory() as directory, servers(Path(directory)) as (_, ours):
        return [asyncio.run(_steady(ours, MINUTE))]


def processor(console: Console) -> list[Figure]:
    """Processor time alone."""
    del console
    with tempfile.TemporaryDirectory() as directory, servers(Path(directory)) as (bare, ours):
        return asyncio.run(_processor(bare, ours))


PARTS: Final[dict[str, Bench]] = {"steady": steady_minute, "processor": processor}


def main() -> None:
    """Print the figures."""
    console = Console()
    part = PARTS[sys.argv[1]] if len(sys.argv) > 1 else run
    console.print(summary(part(console)))


if __name__ == "__main__":
    main()
