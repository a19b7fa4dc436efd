"""Whether the ledger is what the devnet's books say, item by item.

The devnet's books are the truth. Every change of an index's account there belongs to an item: a
swap, a deposit, or a gift from outside. An item that has ended has the same effect in both books,
to the base unit; one that is under way has none in the ledger. Only where the devnet was made to
misbehave may the two differ for a while, and then the difference gets a name in the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from ballast.devnet.network import Network
from ballast.simulation.ledger_check import LedgerCheck, Units, difference
from ballast.simulation.records import Records
from ballast.simulation.witness import Witness

_OPEN_SWAPS: Final = ("planned", "quoted", "signed", "published", "attention")
_ENDED_DEPOSITS: Final = ("credited", "refunded")
# Entries of the devnet by which money comes that no offer promised.
_UNEXPECTED: Final = ("mint", "late-refund", "second-payout")


class BooksCheck:
    """Follows the devnet's books, posting by posting, and holds them against the ledger."""

    def __init__(
        self, records: Records, network: Network, ledger: LedgerCheck, witness: Witness
    ) -> None:
        self._records = records
        self._network = network
        self._ledger = ledger
        self._last_entry = 0
        self._index_of: dict[str, str] = {}
        self._effects: defaultdict[str, Units] = defaultdict(dict)
        self._excused: set[str] = set()
        self._gifted: set[str] = set()
        self._witness = witness

    def check(self) -> list[str]:
        """What is wrong since the last look."""
        wrong = list(self._follow())
        self._excuse()
        swaps = self._records.all("SELECT swap_id, index_id, state, sell, input_units FROM swaps")
        deposits = self._records.all("SELECT deposit_id, index_id, state FROM deposits")
        for row in swaps:
            ended = row["state"] not in _OPEN_SWAPS
            wrong += self._item(row["swap_id"], row["index_id"], ended=ended)
        for row in deposits:
            ended = row["state"] in _ENDED_DEPOSITS
            wrong += self._item(row["deposit_id"], row["index_id"], ended=ended)
        aside: defaultdict[str, Units] = defaultdict(dict)
        for row in swaps:
            if row["state"] in _OPEN_SWAPS:
                units, sell = aside[row["index_id"]], row["sell"]
                units[sell] = units.get(sell, 0) + int(row["input_units"])
        for index_id in self._records.column("SELECT index_id FROM indexes"):
            wrong += self._index(index_id, aside[index_id])
        return wrong

    def differences(self) -> dict[str, Units]:
        """What the devnet says each index holds, less what the ledger says."""
        found = {}
        for row in self._records.all("SELECT index_id, account_id FROM indexes"):
            theirs = self._network.books.holdings(row["account_id"])
            gap = difference(theirs, self._ledger.held[row["index_id"]])
            if gap:
                found[row["index_id"]] = gap
        return found

    def is_excused(self, index_id: str) -> bool:
        """Whether the world outside has done or told something of this index that is not so, or
        that no offer promised."""
        return index_id in self._excused | self._gifted | self._witness.wronged

    def _follow(self) -> Iterator[str]:
        rows = self._network.store.all(
            "SELECT n, kind, ref, account, asset_id, amount FROM postings"
            " JOIN entries ON entries.n = postings.entry_n"
            " WHERE n > ? AND substr(account, 1, 2) = '0x' ORDER BY n",
            self._last_entry,
        )
        for row in rows:
            self._last_entry = int(row["n"])
            item = self._item_of(row["kind"], row["ref"])
            if item is None:
                yield f"The devnet moved money of ours by {row['kind']} {row['ref']}, unknown here."
                continue
            if row["kind"] in _UNEXPECTED or self._watch_is_over(item):
                self._gifted.add(self._index_of_account(row["account"]))
            units, asset = self._effects[item], row["asset_id"]
            units[asset] = units.get(asset, 0) + int(row["amount"])

    def _item_of(self, kind: str, reference: str) -> str | None:
        """Which swap or deposit an entry of the devnet belongs to: it must be known here."""
        if kind == "mint":
            return "gift"
        if kind == "intent":
            sql, value = "SELECT swap_id FROM intents WHERE intent_hash = ?", reference
        else:
            number = int(reference.removeprefix("swap-"))
            row = self._network.store.one("SELECT address, memo FROM swaps WHERE n = ?", number)
            found = self._records.column(
                "SELECT deposit_id FROM deposits WHERE address = ? AND coalesce(memo, '') = ?",
                row["address"],
                row["memo"],
            )
            if found:
                return str(found[0])
            sql, value = "SELECT swap_id FROM intents WHERE receiver_id = ?", row["address"]
        found = self._records.column(sql, value)
        return str(found[0]) if len(found) == 1 else None

    def _watch_is_over(self, item: str) -> bool:
        """An address is watched for a week after its deposit has ended; whatever comes by it later
        is booked as sent in from outside."""
        sql = "SELECT 1 FROM deposits WHERE deposit_id = ? AND ended_at IS NOT NULL"
        return bool(self._records.column(f"{sql} AND due_at IS NULL", item))

    def _index_of_account(self, account: str) -> str:
        if account not in self._index_of:
            (found,) = self._records.column(
                "SELECT index_id FROM indexes WHERE account_id = ?", account
            )
            self._index_of[account] = found
        return self._index_of[account]

    def _excuse(self) -> None:
        """Note which indexes the world outside has wronged."""
        for row in self._network.store.all(
            "SELECT address, memo FROM swaps WHERE fate IS NOT NULL"
        ):
            self._excused.update(
                self._records.column(
                    "SELECT index_id FROM intents WHERE receiver_id = ?"
                    " UNION SELECT index_id FROM deposits WHERE address = ?",
                    row["address"],
                    row["address"],
                )
            )

    def _item(self, item: str, index_id: str, *, ended: bool) -> Iterator[str]:
        booked, moved = self._ledger.effects.get(item, {}), self._effects.get(item, {})
        if not ended and any(booked.values()):
            yield f"{item} is under way, and the ledger has booked {booked} for it."
        gap = difference(booked, moved) if ended else {}
        if gap and not self.is_excused(index_id):
            yield f"{item} has ended; booked was {booked}, moved was {moved}."
        # Whatever the venue says: what never came is not booked, unless a gift was taken for it.
        elif index_id not in self._gifted and any(units > 0 for units in gap.values()):
            yield f"{item} has ended; booked was {booked}, and only {moved} moved."

    def _index(self, index_id: str, wanted: Units) -> Iterator[str]:
        aside = self._ledger.set_aside(index_id)
        if difference(aside, wanted):
            yield f"{index_id} has set aside {aside}, its open swaps account for {wanted}."
        if self.is_excused(index_id):
            return
        named = {one: units for one, units in self._ledger.named[index_id].items() if units}
        if named or self._ledger.unexplained(index_id):
            yield f"{index_id} has booked {named} as a difference, and there was none."
