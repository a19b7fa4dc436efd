"""The devnet's own double-entry books: the referee in every test.

Accounts are text. Those inside the verifier contract bear their NEAR account id; all others hold a
colon, which no account id can, so that no intent ever reaches them:

- `system:issuance` is the only one below zero: what it owes is the minted supply;
- `system:solver` trades against swaps, `system:fees` takes 1Click's fee, `system:spread` the
  market makers' margin, `system:network` what chains charge;
- `outside:<chain>` is the outside wallet on a chain, `chain:<chain>:<address>` any address there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ballast.devnet.store import Store

ISSUANCE: Final = "system:issuance"
SOLVER: Final = "system:solver"
FEES: Final = "system:fees"
SPREAD: Final = "system:spread"
NETWORK: Final = "system:network"


def outside_wallet(chain: str) -> str:
    """The account of the wallet that plays the world outside, on one chain."""
    return f"outside:{chain}"


def chain_account(chain: str, address: str, memo: str = "") -> str:
    """The account of an address on a chain; an address shared by memo is one account per memo."""
    return f"chain:{chain}:{address}" + (f":{memo}" if memo else "")


@dataclass(frozen=True, slots=True)
class Move:
    """`units` base units of one asset go from one account to another; zero or more."""

    source: str
    target: str
    asset_id: str
    units: int


class Books:
    """Balances and the entries they come from. Writing methods run inside `store.write()`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def balance(self, account: str, asset_id: str) -> int:
        """Base units held; zero if the account never held the asset."""
        row = self._store.one(
            "SELECT amount FROM balances WHERE account = ? AND asset_id = ?", account, asset_id
        )
        return int(row["amount"]) if row else 0

    def balance_at(self, account: str, asset_id: str, at_us: int) -> int:
        """Base units held at an earlier time, added up from the postings."""
        rows = self._store.all(
            "SELECT amount FROM postings JOIN entries ON entries.n = postings.entry_n"
            " WHERE account = ? AND asset_id = ? AND at_us <= ?",
            account,
            asset_id,
            at_us,
        )
        return sum(int(row["amount"]) for row in rows)

    def holdings(self, account: str) -> dict[str, int]:
        """Every asset that an account holds, in the order of asset ids, zeros left out."""
        rows = self._store.all(
            "SELECT asset_id, amount FROM balances WHERE account = ? ORDER BY asset_id", account
        )
        return {row["asset_id"]: int(row["amount"]) for row in rows if row["amount"] != "0"}

    def post(self, kind: str, ref: str, at_us: int, moves: Iterable[Move]) -> None:
        """Book one fact. Postings of an asset sum to zero because every move has two ends.

        The issuance account covers what the solver and the outside wallets lack: both stand for
        a market that is deeper than any basket here.
        """
        changes: dict[tuple[str, str], int] = defaultdict(int)
        for move in moves:
            assert move.units >= 0, "a move goes one way"
            changes[move.source, move.asset_id] -= move.units
            changes[move.target, move.asset_id] += move.units
        self._cover_shortfalls(changes)
        self._write(kind, ref, at_us, {key: units for key, units in changes.items() if units})

    def _cover_shortfalls(self, changes: dict[tuple[str, str], int]) -> None:
        for (account, asset_id), change in list(changes.items()):
            if account == SOLVER or account.startswith("outside:"):
                lacking = max(0, -(self.balance(account, asset_id) + change))
                changes[account, asset_id] += lacking
                changes[ISSUANCE, asset_id] -= lacking

    def _write(
        self, kind: str, ref: str, at_us: int, changes: Mapping[tuple[str, str], int]
    ) -> None:
        self._store.run("INSERT INTO entries (at_us, kind, ref) VALUES (?, ?, ?)", at_us, kind, ref)
        entry_n = self._store.one("SELECT last_insert_rowid()")[0]
        for (account, asset_id), units in sorted(changes.items()):
            after = self.balance(account, asset_id) + units
            assert after >= 0 or account == ISSUANCE, f"{account} would fall below zero"
            self._store.run(
                "INSERT INTO postings VALUES (?, ?, ?, ?)", entry_n, account, asset_id, str(units)
            )
            self._store.run(
                "INSERT INTO balances VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET amount = excluded.amount",
                account,
                asset_id,
                str(after),
            )

    def balances(self) -> dict[str, dict[str, int]]:
        """Every account with what it holds, zeros left out."""
        found: dict[str, dict[str, int]] = {}
        for row in self._store.all("SELECT * FROM balances ORDER BY account, asset_id"):
            if row["amount"] != "0":
                found.setdefault(row["account"], {})[row["asset_id"]] = int(row["amount"])
        return found

    def supply_in_contract(self, asset_id: str) -> int:
        """Base units of an asset held by all accounts inside the verifier contract."""
        rows = self._store.all(
            "SELECT amount FROM balances WHERE asset_id = ? AND instr(account, ':') = 0", asset_id
        )
        return sum(int(row["amount"]) for row in rows)

    def supply(self) -> dict[str, int]:
        """Base units ever minted of each asset."""
        return {asset_id: -units for asset_id, units in self.holdings(ISSUANCE).items()}

    def faults(self) -> list[str]:
        """What is wrong with the books, in sentences; empty when they are whole.

        Adds up every posting again: entries sum to zero per asset, balances equal their postings,
        nobody but the issuance is below zero, and what all hold is what was minted.
        """
        by_entry: dict[tuple[int, str], int] = defaultdict(int)
        by_account: dict[tuple[str, str], int] = defaultdict(int)
        for row in self._store.all("SELECT * FROM postings"):
            by_entry[row["entry_n"], row["asset_id"]] += int(row["amount"])
            by_account[row["account"], row["asset_id"]] += int(row["amount"])
        found = [f"Entry {n} does not balance in {a}." for (n, a), sum_ in by_entry.items() if sum_]
        return found + self._balance_faults(by_account)

    def _balance_faults(self, by_account: Mapping[tuple[str, str], int]) -> list[str]:
        found, total = [], defaultdict[str, int](int)
        rows = self._store.all("SELECT * FROM balances")
        for row in rows:
            account, asset_id, units = row["account"], row["asset_id"], int(row["amount"])
            total[asset_id] += units
            if units != by_account.get((account, asset_id), 0):
                found.append(
                    f"The balance of {account} in {asset_id} is not the sum of its postings."
                )
            if units < 0 and account != ISSUANCE:
                found.append(f"{account} is below zero in {asset_id}.")
        if len(rows) != len(by_account):
            found.append("Balances and postings name different accounts.")
        return found + [
            f"{a} does not sum to the minted supply." for a, sum_ in total.items() if sum_
        ]
