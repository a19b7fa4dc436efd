"""What the tool server costs beside a bare server of the same SDK: time and memory, over stdio.

    python -m benchmarks.mcp_stdio

Both servers run at the same time, and are asked in turns: what else the machine does meets both. A
ratio is the median of the ratios of such pairs. The client does nothing but write and read lines.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, summary
from benchmarks.paper import (
    ELEVEN,
    REAL,
    TEN,
    funded_index,
    make_world,
    ten_leg_plan,
    timed_rebalance,
)
from benchmarks.stdio import BARE, Server, ballast, both

STARTS = 9
ROUNDS, CALLS = 9, 100
MIB = 2**20


def run(console: Console) -> list[Figure]:
    """Measure everything, print it, and give back the lines of the summary."""
    with tempfile.TemporaryDirectory() as directory:
        starts = _starts(Path(directory))
        calls = _calls(Path(directory) / "calls", console)
        later = _after_rebalance(Path(directory) / "rebalance")
    return [*starts, calls, later]


def _starts(directory: Path) -> list[Figure]:
    """From the start of the process to the list of tools, and the memory at that moment."""
    rows = []
    for turn in range(STARTS + 1):
        with Server(BARE) as bare:
            base = _first_list(bare)
        with ballast(directory / f"start-{turn}") as ours:
            rows.append((*base, *_first_list(ours)))
    rows = rows[1:]  # the first reads files that nobody has read yet
    seconds = [(bare, ours) for bare, _, ours, _ in rows]
    memory = [(bare, ours) for _, bare, _, ours in rows]
    return [
        _figure("start to the first tools/list", seconds, 1.4, 1e3, "ms"),
        _figure("memory then", memory, 1.5, 1 / MIB, "MiB"),
    ]


def _first_list(server: Server) -> tuple[float, float]:
    server.tools()
    return perf_counter() - server.begun, float(server.resident_bytes())


def _calls(data_dir: Path, console: Console) -> Figure:
    """Round trips of get_index on an invested index of ten assets."""
    world = make_world(data_dir)
    with both(data_dir) as (bare, ours):
        index_id = funded_index(ours, TEN, 10)
        world.clock.set_speed(REAL)
        rounds = [_round(bare, ours, index_id) for _ in range(ROUNDS)]
    world.close()
    table = Table(title="Round trip over stdio, ms", title_justify="left")
    for column in ("", "p50", "p90", "p99"):
        table.add_column(column, justify="right")
    for name, side in (("bare server, ping", 0), ("ballast, get_index", 1)):
        taken = sorted(seconds for pair in rounds for seconds in pair[side])
        shown = (f"{taken[len(taken) * share // 100] * 1e3:.2f}" for share in (50, 90, 99))
        table.add_row(name, *shown)
    console.print(table)
    medians = [(median(base), median(own)) for base, own in rounds]
    return _figure("get_index, ten assets, round trip p50", medians, 2.0, 1e3, "ms")


def _round(bare: Server, ours: Server, index_id: str) -> tuple[list[float], list[float]]:
    pairs = [
        (bare.seconds("ping", {}), ours.seconds("get_index", {"index_id": index_id}))
        for _ in range(CALLS)
    ]
    return [base for base, _ in pairs], [own for _, own in pairs]


def _after_rebalance(data_dir: Path) -> Figure:
    """Memory of a server that made its store, an index, its investment and a rebalance."""
    world = make_world(data_dir)
    with both(data_dir) as (bare, ours):
        bare.tools()
        index_id = funded_index(ours, ELEVEN, 50)
        timed_rebalance(ours, index_id, ten_leg_plan(ours, index_id, 20))
        memory = [(float(bare.resident_bytes()), float(ours.resident_bytes()))]
    world.close()
    return _figure("memory after a rebalance of ten legs", memory, 1.9, 1 / MIB, "MiB")


def _figure(
    name: str, pairs: list[tuple[float, float]], target: float, scale: float, unit: str
) -> Figure:
    base, ours = (median(side) * scale for side in zip(*pairs, strict=True))
    ratio = median(own / bare for bare, own in pairs)
    return Figure(name, f"{base:.3g} {unit}", f"{ours:.3g} {unit}", ratio, target)


def main() -> None:
    """Print the figures."""
    console = Console()
    console.print(summary(run(console)))


if __name__ == "__main__":
    main()
