"""Whether the ledger holds: sums, chain, nothing held below zero, balances equal to postings."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping

from ballast.core.ledger import (
    GENESIS,
    HELD,
    Account,
    Entry,
    EntryKind,
    Posting,
    chain,
    from_microseconds,
)
from ballast.simulation.records import Records

NAMES = (EntryKind.OUTSIDE_DEPOSIT, EntryKind.DIFFERENCE_FOUND, EntryKind.CORRECTION)
Units = dict[str, int]


class LedgerCheck:
    """Follows the ledger of every index, entry by entry; each is read once, when it is new.

    Attributes:
        effects: what each item (a swap or a deposit) has changed in what its index holds, by item
            and asset; base units.
        named: what was booked of differences that belong to no item, by index and asset.
        held: what each index holds by its postings, by index and asset.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._last_row = 0
        self._heads: dict[str, tuple[int, str]] = {}
        self._balances: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self.effects: defaultdict[str, Units] = defaultdict(dict)
        self.named: defaultdict[str, Units] = defaultdict(dict)
        self.held: defaultdict[str, Units] = defaultdict(dict)

    def check(self) -> list[str]:
        """What is wrong since the last look."""
        fresh = self._records.all(
            "SELECT rowid, * FROM entries WHERE rowid > ? ORDER BY rowid", self._last_row
        )
        wrong = [problem for row in fresh for problem in self._follow(row)]
        if fresh:
            self._last_row = int(fresh[-1]["rowid"])
            wrong += self._cached_balances()
        (there,) = self._records.column("SELECT count(*) FROM entries")
        known = sum(sequence for sequence, _ in self._heads.values())
        if there != known:
            wrong.append(f"There are {there} ledger entries, and {known} were seen being written.")
        return wrong

    def changed(self) -> list[str]:
        """What is not as it was when it was first read: all of it is read once more."""
        anew = LedgerCheck(self._records)
        wrong = anew.check()
        if (anew._balances, anew._heads) != (self._balances, self._heads):
            wrong.append("What had been posted was changed afterwards.")
        return wrong

    def unexplained(self, index_id: str) -> Units:
        """What an index is missing without an explanation, by asset."""
        return {
            asset: units
            for (index, asset, account), units in self._balances.items()
            if index == index_id and account == Account.UNEXPLAINED and units
        }

    def set_aside(self, index_id: str) -> Units:
        """What an index has reserved and in flight, by asset."""
        found: defaultdict[str, int] = defaultdict(int)
        for (index, asset, account), units in self._balances.items():
            if index == index_id and account in (Account.RESERVED, Account.IN_FLIGHT) and units:
                found[asset] += units
        return dict(found)

    def _follow(self, row: sqlite3.Row) -> Iterator[str]:
        entry = self._entry(row)
        sequence, head = self._heads.get(entry.index_id, (0, GENESIS))
        sums: defaultdict[str, int] = defaultdict(int)
        for posting in entry.postings:
            sums[posting.asset_id] += posting.units
        if not entry.postings or any(sums.values()):
            yield f"The postings of {entry.entry_id} do not sum to zero."
            return
        link = chain(entry, sequence + 1, from_microseconds(row["recorded_at"]), head)
        if (row["sequence"], row["previous_hash"], row["hash"]) != (sequence + 1, head, link.hash):
            yield f"Entry {entry.entry_id} has not its place in the chain of {entry.index_id}."
        self._heads[entry.index_id] = row["sequence"], row["hash"]
        self._add_up(entry)

    def _entry(self, row: sqlite3.Row) -> Entry:
        postings = self._records.all(
            "SELECT * FROM postings WHERE entry_id = ? ORDER BY position", row["entry_id"]
        )
        return Entry(
            entry_id=row["entry_id"],
            owner_id=row["owner_id"],
            index_id=row["index_id"],
            kind=EntryKind(row["kind"]),
            reference=row["reference"],
            external_key=row["external_key"],
            event_at=from_microseconds(row["event_at"]),
            postings=tuple(
                Posting(Account(one["account"]), one["asset_id"], int(one["units"]))
                for one in postings
            ),
        )

    def _add_up(self, entry: Entry) -> None:
        for posting in entry.postings:
            asset, units = posting.asset_id, posting.units
            self._balances[entry.index_id, asset, posting.account] += units
            if posting.account in HELD:
                _add(self.held[entry.index_id], asset, units)
                if entry.kind in NAMES:
                    _add(self.named[entry.index_id], asset, units)
                else:
                    _add(self.effects[entry.reference], asset, units)

    def _cached_balances(self) -> Iterator[str]:
        cached = {
            (row["index_id"], row["asset_id"], row["account"]): int(row["units"])
            for row in self._records.all("SELECT * FROM balances")
        }
        for key in cached.keys() | self._balances.keys():
            if cached.get(key, 0) != self._balances.get(key, 0):
                yield f"The balance {key} is {cached.get(key, 0)}, and no sum of postings."
            if key[2] in HELD and self._balances.get(key, 0) < 0:
                yield f"The balance {key} is below zero."


def _add(units: Units, asset_id: str, more: int) -> None:
    units[asset_id] = units.get(asset_id, 0) + more


def difference(one: Mapping[str, int], other: Mapping[str, int]) -> Units:
    """By how much the first has more, asset by asset; what is equal is left out."""
    gaps = {asset: one.get(asset, 0) - other.get(asset, 0) for asset in one.keys() | other.keys()}
    return {asset: gaps[asset] for asset in sorted(gaps) if gaps[asset]}
