"""Ledger entries per second, beside the same inserts written straight on aiosqlite.

Each entry of two postings is a transaction of its own, FULL synchronous: the entry, its postings
and the two balances. The store also checks, chains and hashes it. Run as
`python -m benchmarks.ledger`.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import aiosqlite
from rich.console import Console

from ballast.adapters.store import SqlStore, open_store
from ballast.app.ports import KeyEnvelope
from ballast.core.index import Asset, Index
from ballast.core.ledger import Account, Entry, EntryKind, transfer
from ballast.core.limits import Limits
from ballast.core.policy import Policy
from ballast.core.states import IndexState
from benchmarks.figures import Figure, summary

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
ENTRIES = 250
ROUNDS = 5
READS = 2_000
TARGET = 0.25


async def fill(store: SqlStore) -> None:
    """Ten assets in an index, each with a balance."""
    assets = [
        Asset(f"nep141:asset-{number}.near", f"A{number}", "near", 18) for number in range(10)
    ]
    targets = {asset.asset_id: 1_000 for asset in assets}
    index = Index(
        "idx_1", "own_local", "Ten", "paper", "0xabc", assets[0].asset_id, targets, 100,
        Policy(), Limits(), IndexState.ACTIVE, 1, NOW, NOW, None, None,
    )  # fmt: skip
    async with store.transaction() as tx:
        for asset in assets:
            await tx.add_asset(asset)
        await tx.add_index(index, KeyEnvelope("idx_1", "0xabc", "key", b"nonce", b"ciphertext"))
        for asset in assets:
            await tx.post(entry(f"first {asset.asset_id}", asset.asset_id), NOW)


def entry(name: str, asset_id: str = "nep141:asset-0.near") -> Entry:
    """A deposit of 10 whole units of 18 decimals."""
    return Entry(
        f"ent_{name}", "own_local", "idx_1", EntryKind.DEPOSIT_CREDITED, "dep_1", f"key {name}",
        NOW, transfer(asset_id, 10**19, Account.OWNER, Account.AVAILABLE),
    )  # fmt: skip


async def post(store: SqlStore, first: int) -> float:
    """Entries per second of the store."""
    begun = time.perf_counter()
    for number in range(first, first + ENTRIES):
        async with store.transaction() as tx:
            await tx.post(entry(str(number)), NOW)
    return ENTRIES / (time.perf_counter() - begun)


async def write_raw(connection: aiosqlite.Connection, first: int) -> float:
    """Entries per second of the bare inserts, into the same tables."""
    begun = time.perf_counter()
    for number in range(first, first + ENTRIES):
        name = f"raw_{number}"
        await connection.execute("BEGIN IMMEDIATE")
        await connection.execute(
            "INSERT INTO entries VALUES"
            " (?, 'own_local', 'idx_1', ?, 'deposit_credited', 'dep_1', ?, 1, 1, ?, ?)",
            (name, 1_000_000 + number, name, "0" * 64, "f" * 64),
        )
        await connection.executemany(
            "INSERT INTO postings VALUES (?, ?, 'own_local', ?, 'nep141:asset-0.near', ?)",
            [(name, 0, "owner", str(-(10**19))), (name, 1, "available", str(10**19))],
        )
        await connection.executemany(
            "INSERT INTO balances VALUES ('idx_1', 'nep141:asset-0.near', ?, 'own_local', ?)"
            " ON CONFLICT DO UPDATE SET units = excluded.units",
            [("owner", str(-number * 10**19)), ("available", str(number * 10**19))],
        )
        await connection.commit()
    return ENTRIES / (time.perf_counter() - begun)


async def read(store: SqlStore) -> float:
    """Milliseconds to read an index with its balances, median."""
    taken = []
    for _ in range(READS):
        begun = time.perf_counter()
        async with store.read() as reader:
            assert await reader.get_index_and_balances("own_local", "idx_1") is not None
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1_000


async def measure(directory: Path) -> tuple[list[tuple[float, float]], float]:
    """Raw and store entries per second in turns, each in a file of its own, and a read."""
    ours, bare = directory / "store.db", directory / "raw.db"
    store = await open_store(ours)
    await fill(store)
    for_raw = await open_store(bare)
    await fill(for_raw)
    await for_raw.close()
    async with aiosqlite.connect(bare, isolation_level=None) as connection:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            await connection.execute(f"PRAGMA {pragma}")
        pairs = []
        for turn in range(ROUNDS):
            posted = await post(store, turn * ENTRIES)
            pairs.append((await write_raw(connection, turn * ENTRIES), posted))
    millis = await read(store)
    assert await store.check() == []
    await store.close()
    return pairs, millis


def run(console: Console) -> list[Figure]:
    """Measure, print, and give back the lines of the summary."""
    with tempfile.TemporaryDirectory() as directory:
        pairs, millis = asyncio.run(measure(Path(directory)))
    console.print("Ledger, one entry of two postings per transaction, FULL synchronous, per s:")
    for written, posted in pairs:
        console.print(f"  raw aiosqlite {written:6.0f}   store {posted:6.0f}")
    console.print(f"  reading an index of ten assets with its balances: {millis:.2f} ms")
    written, posted = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(posted / written for written, posted in pairs)
    return [
        Figure(
            "ledger entries / the same inserts on raw aiosqlite",
            f"{written:.0f} /s",
            f"{posted:.0f} /s",
            ratio,
            TARGET,
            limit="least",
        )
    ]


def main() -> None:
    """Print the figures."""
    console = Console()
    console.print(summary(run(console)))


if __name__ == "__main__":
    main()
