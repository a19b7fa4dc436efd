"""Everything that must hold inside the database, looked at from the rows alone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ballast.adapters.store import queries as q
from ballast.adapters.store.reader import Balances, SqlReader
from ballast.core.ledger import HELD, ChainedEntry, check_chain, fold

if TYPE_CHECKING:
    from ballast.adapters.store.session import Queries


async def check_store(session: Queries) -> list[str]:
    """Everything wrong, as sentences; empty when the store is whole."""
    reader = SqlReader(session)
    wrong = [
        f"A posting of entry {row['entry_id']} has another owner than its entry."
        for row in await session.rows(q.FOREIGN_POSTINGS)
    ]
    totals: dict[str, int] = defaultdict(int)
    for row in await session.rows(q.BOOKED_INDEXES):
        index_id = row["index_id"]
        entries = await reader.list_entries(index_id)
        cached = await reader.balances(index_id)
        wrong += (
            check_chain(entries)
            + check_entries(entries)
            + check_balances(index_id, entries, cached)
        )
        for (asset_id, _), units in cached.items():
            totals[asset_id] += units
    wrong += [
        f"All accounts of {asset_id} together make {units}, not 0."
        for asset_id, units in sorted(totals.items())
        if units
    ]
    return wrong


def check_entries(entries: list[ChainedEntry]) -> list[str]:
    """What is wrong with single entries: no postings, or postings that do not cancel out."""
    wrong: list[str] = []
    for link in entries:
        entry = link.entry
        if not entry.postings:
            wrong.append(f"Entry {entry.entry_id} has no postings.")
        sums: dict[str, int] = defaultdict(int)
        for posting in entry.postings:
            sums[posting.asset_id] += posting.units
        wrong += [
            f"The postings of entry {entry.entry_id} in {asset_id} make {units}, not 0."
            for asset_id, units in sums.items()
            if units
        ]
    return wrong


def check_balances(index_id: str, entries: list[ChainedEntry], cached: Balances) -> list[str]:
    """Where the cached balances differ from the sum of the postings, or are below zero."""
    folded = fold(link.entry for link in entries)
    wrong: list[str] = []
    for key in sorted(folded.keys() | cached.keys()):
        asset_id, account = key
        place = f"{account.value} of {asset_id} in index {index_id}"
        if folded.get(key, 0) != cached.get(key, 0):
            wrong.append(
                f"The balance of {place} is {cached.get(key, 0)}; "
                f"its postings make {folded.get(key, 0)}."
            )
        if account in HELD and folded.get(key, 0) < 0:
            wrong.append(f"The postings of {place} make {folded[key]}, below zero.")
    return wrong
