"""How long nobody is the engine after the process that was it is killed.

    python -m benchmarks.takeover

Two servers on one data directory; the one that leads dies by SIGKILL, the other is asked again and
again until it leads. A process that stands by tries for the lock every second, so half a second on
the average and a second at most are that interval; the rest is ours.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from rich.console import Console

from ballast.bootstrap.engine import TAKEOVER_INTERVAL
from benchmarks.figures import Figure, summary
from benchmarks.stdio import Server, ballast

ROUNDS = 7


def run(console: Console) -> list[Figure]:
    """Kill the engine several times over."""
    with tempfile.TemporaryDirectory() as directory:
        taken = _rounds(Path(directory))
    console.print(f"seconds: {', '.join(f'{one:.2f}' for one in taken)}")
    base = f"standing by tries every {TAKEOVER_INTERVAL:g} s"
    ours = f"{median(taken):.2f} s, at most {max(taken):.2f} s"
    return [Figure("engine killed, until another one leads", base, ours)]


def _rounds(data_dir: Path) -> list[float]:
    taken: list[float] = []
    leader = ballast(data_dir)
    _until_it_leads(leader)
    for _ in range(ROUNDS):
        standing_by = ballast(data_dir)
        while _engine(standing_by) != "standing_by":
            sleep(0.02)
        leader.kill()
        killed = perf_counter()
        _until_it_leads(standing_by)
        taken.append(perf_counter() - killed)
        leader = standing_by
    leader.kill()
    return taken


def _until_it_leads(server: Server) -> None:
    while _engine(server) != "leading":
        sleep(0.01)


def _engine(server: Server) -> str:
    return str(server.call("get_status")["engine"])


def main() -> None:
    """Print the figure."""
    console = Console()
    console.print(summary(run(console)))


if __name__ == "__main__":
    main()
