"""A paper world from a fixed seed, and an index in it that a benchmark trades, over stdio."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import perf_counter

from ballast.bootstrap import Places
from ballast.devnet import Devnet, DevnetOptions, open_devnet
from benchmarks.stdio import Server

START = datetime(2026, 11, 2, tzinfo=UTC)
USDC = "nep141:17208628f84f5d6ad33f0da3bbbeb27ffcb398eac501a31bd6ad2011e36133a1"
TEN = ("BTC", "ETH", "SOL", "DOGE", "XRP", "LTC", "NEAR", "ZEC", "ADA", "LINK")
ELEVEN = (*TEN, "SUI")
LEGS = 10

# What is not timed happens twenty times as fast, as in the demo.
FAST, REAL = Decimal(20), Decimal(1)


def make_world(data_dir: Path) -> Devnet:
    """A devnet with its usual delays: 4 to 12 s from a payment to the settlement."""
    file = Places(data_dir / "paper").devnet
    file.parent.mkdir(parents=True)
    return open_devnet(file, DevnetOptions(start=START, speed=FAST))


def funded_index(server: Server, symbols: Sequence[str], first_percent: int) -> str:
    """The id of an invested index of 10,000 dollars; all assets but the first weigh the same."""
    made = server.call("create_index", name="Basket", targets=targets_of(symbols, first_percent))
    deposit = server.call("deposit_address", index_id=made["index_id"], asset=USDC, amount="10000")
    server.call("send_paper_deposit", deposit_id=deposit["deposit_id"])
    credited = server.follow(deposit["deposit_id"])
    invested = server.follow(credited["follow_up_id"])
    assert invested["state"] == "completed", invested
    return str(made["index_id"])


def ten_leg_plan(server: Server, index_id: str, first_percent: int) -> str:
    """The id of a plan that sells the first of eleven assets into, or buys it with, the rest."""
    server.call("update_index", index_id=index_id, targets=targets_of(ELEVEN, first_percent))
    plan = server.call("preview_rebalance", index_id=index_id, destination="target")
    assert len(plan["swaps"]) == LEGS, plan
    return str(plan["plan_id"])


def timed_rebalance(server: Server, index_id: str, plan_id: str) -> float:
    """Seconds from the call that starts a rebalance to the answer that it is done."""
    begun = perf_counter()
    started = server.call("rebalance_index", index_id=index_id, plan_id=plan_id)
    done = server.follow(started["rebalance_id"])
    taken = perf_counter() - begun
    assert done["state"] == "completed", done
    return taken


def targets_of(symbols: Sequence[str], first_percent: int) -> list[dict[str, object]]:
    """A basket in percent: so much of the first, and the rest in equal parts."""
    each, left = divmod(100 - first_percent, len(symbols) - 1)
    assert not left, "the others weigh the same"
    others = [{"asset": symbol, "percent": each} for symbol in symbols[1:]]
    return [{"asset": symbols[0], "percent": first_percent}, *others]
