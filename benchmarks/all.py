"""Every benchmark, one after another, and one table at the end: `make bench`.

    python -m benchmarks.all

Each compares itself with a base line in the same run, so that the ratios can be held against those
of another machine. Nothing here fails for being slow: a figure that misses its target says so.
"""

from __future__ import annotations

from rich.console import Console

from benchmarks import http, ledger, mcp_stdio, planning, rebalance, takeover, webhooks
from benchmarks.figures import Bench, Figure, summary

BENCHES: tuple[tuple[str, Bench], ...] = (
    ("Planning and the drift screen", planning.run),
    ("The ledger", ledger.run),
    ("The tool server", mcp_stdio.run),
    ("REST and MCP over HTTP", http.run),
    ("Rebalances", rebalance.run),
    ("Webhooks", webhooks.run),
    ("Another engine", takeover.run),
)


def main() -> None:
    """Print the figures of every benchmark, and all of them together."""
    console = Console()
    figures: list[Figure] = []
    for title, run in BENCHES:
        console.rule(title)
        figures += run(console)
    console.rule("Together")
    console.print(summary(figures))


if __name__ == "__main__":
    main()
