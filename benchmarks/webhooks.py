"""What a hundred webhooks cost a trade while their receiver hangs.

    python -m benchmarks.webhooks

The rebalance of ten legs of `benchmarks.rebalance`, in the real server over stdio, on the devnet
with its usual delays at normal speed: with nobody to tell, and with a hundred webhooks whose
receiver takes every connection and never answers, in turns. Each is set beside its own slowest leg,
as the delays differ from one to the next.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from ballast.devnet import Devnet
from benchmarks.figures import Figure, summary
from benchmarks.paper import (
    ELEVEN,
    FAST,
    REAL,
    funded_index,
    make_world,
    ten_leg_plan,
    timed_rebalance,
)
from benchmarks.rebalance import new_legs
from benchmarks.stdio import Server, ballast

WEBHOOKS = 100
# The first asset's share before, and after each rebalance; every other one is beside webhooks.
SHARES = (50, 20, 50, 20, 50)
TARGET = 1.05
SETTINGS = {"BALLAST_WEBHOOK_LOOPBACK": "true", "BALLAST_TOOLSETS": "webhooks"}


class Receiver(ThreadingHTTPServer):
    """Answers 204 at once, or takes the message and never answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.hangs = False
        self.taken = 0
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take one message."""
        receiver = self.server
        assert isinstance(receiver, Receiver)
        receiver.taken += 1
        if receiver.hangs:
            receiver.over.wait()
        else:
            self.send_response(204)
            self.end_headers()

    def log_message(self, format: str, *given: Any) -> None:
        """Nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on loopback."""
    with Receiver() as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        yield receiver
        receiver.over.set()
        receiver.shutdown()


def run(console: Console) -> list[Figure]:
    """Measure, print it, and give back the line of the summary."""
    with tempfile.TemporaryDirectory() as directory, receiving() as receiver:
        world = make_world(Path(directory))
        with ballast(Path(directory), SETTINGS) as server:
            alone, beside = _in_turns(world, server, receiver, console)
        world.close()
    return [
        Figure(
            f"rebalance of ten legs beside {WEBHOOKS} webhooks that hang",
            f"without, {median(alone):.3f} of its slowest leg",
            f"{median(beside):.3f}",
            median(beside) / median(alone),
            TARGET,
        )
    ]


def _in_turns(
    world: Devnet, server: Server, receiver: Receiver, console: Console
) -> tuple[list[float], list[float]]:
    table = Table(title="Rebalances of ten legs at normal speed", title_justify="left")
    for column in ("webhooks", "messages that hung", "whole, s", "slowest leg, s", "ratio"):
        table.add_column(column, justify="right")
    index_id = funded_index(server, ELEVEN, SHARES[0])
    taken: dict[int, list[float]] = {0: [], WEBHOOKS: []}
    for turn, share in enumerate(SHARES[1:]):
        count = WEBHOOKS * (turn % 2)
        webhooks = _webhooks(server, receiver, count)
        plan_id = ten_leg_plan(server, index_id, share)
        before = receiver.taken
        with new_legs(world) as legs:
            world.clock.set_speed(REAL)
            whole = timed_rebalance(server, index_id, plan_id)
            world.clock.set_speed(FAST)
        assert not count or receiver.taken > before, "the receiver was told of nothing"
        taken[count].append(whole / max(legs))
        row = (f"{count}", f"{receiver.taken - before}", f"{whole:.2f}", f"{max(legs):.2f}")
        table.add_row(*row, f"{taken[count][-1]:.3f}")
        for webhook_id in webhooks:
            server.call("delete_webhook", webhook_id=webhook_id)
    console.print(table)
    return taken[0], taken[WEBHOOKS]


def _webhooks(server: Server, receiver: Receiver, count: int) -> list[str]:
    receiver.hangs = False
    made = [server.call("create_webhook", url=receiver.url) for _ in range(count)]
    receiver.hangs = True
    return [one["webhook_id"] for one in made]


def main() -> None:
    """Print the figure."""
    console = Console()
    console.print(summary(run(console)))


if __name__ == "__main__":
    main()
