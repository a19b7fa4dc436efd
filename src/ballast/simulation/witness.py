"""Who looks on while the product works: at each commit, and at each request on its way outside.

What must hold at every moment cannot be seen between two steps, when all is over. What the witness
sees is read from the database on a connection of its own, so it sees what is committed, and from
the bytes that leave; not from the code that is being watched.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from ballast.app.engine.outcome import BREACH
from ballast.simulation.records import Records

_HALTED: Final = (
    "SELECT key, value FROM meta WHERE value IN ('yes', 'no_new_risk')"
    " AND key BETWEEN 'trading_halted' AND 'trading_halted;'"
)
# What has been signed, of each owner, and of that what buys anything but the base asset.
_SIGNED: Final = (
    "SELECT intents.owner_id, count(*) AS count,"
    " sum(swaps.purpose = 'swap' AND swaps.buy <> indexes.base_asset_id) AS risky"
    " FROM intents JOIN swaps USING (swap_id)"
    " JOIN indexes ON indexes.index_id = intents.index_id GROUP BY 1"
)
# How much has been signed, and how often the venue broke its word: asked at every commit.
_COUNTS: Final = (
    "SELECT (SELECT count(*) FROM intents), (SELECT count(*) FROM swaps WHERE problem = ?)"
)
# How often something of each owner has been sent, or sent again.
_SENDINGS: Final = "SELECT owner_id, sum(attempts) AS count FROM intents GROUP BY 1"
# What a halt of each level is in its row.
_ROW_OF: Final = {"nothing": "yes", "no_new_risk": "no_new_risk"}
_EVERYBODY: Final = "trading_halted"
# Beside the rows: what a file orders.
_ORDERED: Final = "the file"
_SENT: Final = (
    "SELECT intents.*, intents.state AS intent_state, swaps.sell, swaps.input_units,"
    " swaps.deposit_address, swaps.quote_deadline, indexes.account_id FROM intents"
    " JOIN swaps USING (swap_id) JOIN indexes ON indexes.index_id = intents.index_id"
    " WHERE payload = ? AND signature = ?"
)
# What is under way with the venue: after a start this is looked at before anything new is signed.
_OPEN: Final = (
    "SELECT swaps.deposit_address FROM swaps JOIN intents USING (swap_id)"
    " WHERE swaps.state IN ('published', 'attention') AND intents.state <> 'signed'"
)
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

# A service or a node that says what is not so: then what is booked may have to be put right later,
# under a name of its own.
LIES: Final = frozenset(
    {
        "field", "missing-field", "amount-form", "status-word", "status-backwards", "null-amounts",
        "old-balance", "duplicate-keys", "decimals", "move-id", "dropped-token", "lagging-block",
        "reused-address", "refused", "unauthorized",
    }
)  # fmt: skip


class Witness:
    """Looks on, and remembers what went wrong.

    Attributes:
        wrong: what must not have happened.
        wronged: the indexes that a service or a node has told something untrue about.
    """

    def __init__(self, records: Records) -> None:
        self.wrong: list[str] = []
        self.wronged: set[str] = set()
        self._records = records
        self._halted: dict[str, str] = {}
        self._ordered: str | None = None
        self._signed: dict[str, tuple[int, int]] = {}
        self._sendings: dict[str, int] = {}
        self._breaches = 0
        self._unseen: set[str] = set()

    def started(self) -> None:
        """The program begins once more."""
        self._unseen = set(self._records.column(_OPEN))

    def ordered(self, level: str | None) -> None:
        """A file has been left that orders to halt; None: it has been taken away. An order counts
        for every transaction that begins later: for all after the next that is committed."""
        self._ordered = None if level is None else _ROW_OF[level]
        if level is None:
            self._halted.pop(_ORDERED, None)

    def committed(self) -> None:
        """A transaction has just been committed."""
        ((there, breaches),) = self._records.all(_COUNTS, BREACH)
        signed = self._signed_by_now(there)
        halted = {row["key"]: row["value"] for row in self._records.all(_HALTED)}
        if self._ordered is not None:
            halted[_ORDERED] = self._ordered
        for owner_id, (count, risky) in signed.items():
            before, risky_before = self._signed.get(owner_id, (0, 0))
            if count > before:
                self._newly_signed(owner_id, risky > risky_before)
        sendings = self._sent_by_now(halted)
        for owner_id, count in sendings.items():
            if count > self._sendings.get(owner_id, 0) and "yes" in self._levels(owner_id):
                self.wrong.append("Something was sent while trading was halted.")
        if breaches > self._breaches and halted.get(_EVERYBODY) != "yes":
            self.wrong.append("The venue broke its word, and trading was not halted.")
        self._signed, self._halted, self._breaches = signed, halted, breaches
        self._sendings = sendings

    def _signed_by_now(self, there: int) -> dict[str, tuple[int, int]]:
        """Counted anew only when there is another intent: what each is for never changes."""
        if there == sum(count for count, _ in self._signed.values()):
            return self._signed
        return {row["owner_id"]: (row["count"], row["risky"]) for row in self._records.all(_SIGNED)}

    def _newly_signed(self, owner_id: str, risky: bool) -> None:
        """`_halted` is still what it was before this commit."""
        levels = self._levels(owner_id)
        if "yes" in levels:
            self.wrong.append("Something was signed while trading was halted.")
        elif risky and "no_new_risk" in levels:
            self.wrong.append("A purchase was signed while no new risk was to be taken.")
        if self._unseen:
            self.wrong.append(f"Signed before {sorted(self._unseen)} were looked at.")

    def _levels(self, owner_id: str) -> set[str]:
        """What had been halted, for this owner, by the commit before this one."""
        keys = (_EVERYBODY, f"{_EVERYBODY}:{owner_id}", _ORDERED)
        return {self._halted[key] for key in keys if key in self._halted}

    def _sent_by_now(self, halted: Mapping[str, str]) -> dict[str, int]:
        """Counted only around a halt: nothing else is compared."""
        if "yes" not in (*halted.values(), *self._halted.values()):
            return {}
        return {row["owner_id"]: row["count"] for row in self._records.all(_SENDINGS)}

    def sees(self, path: str, query: bytes, body: bytes) -> None:
        """A request is about to leave."""
        if path == "/v0/submit-intent":
            self._sent(json.loads(body)["signedData"])
        elif path == "/v0/status":
            self._unseen.discard(parse_qs(query.decode())["depositAddress"][0])

    def struck(self, kind: str, path: str, query: bytes, body: bytes) -> None:
        """A fault has struck a request. Whoever was lied to about an index may err about it; but
        an offer or a list that is not true must be seen through, and costs nobody anything."""
        if kind in LIES and path in ("/v0/status", "/rpc"):
            self.wronged |= set(self._asked_about(path, query, body))

    def _asked_about(self, path: str, query: bytes, body: bytes) -> list[str]:
        if path == "/v0/status":
            address = parse_qs(query.decode())["depositAddress"][0]
            return self._records.column(
                "SELECT index_id FROM swaps WHERE deposit_address = ?"
                " UNION SELECT index_id FROM deposits WHERE address = ?",
                address,
                address,
            )
        everyone = self._records.all("SELECT index_id, account_id FROM indexes")
        asked = _arguments(body)
        named = [row["index_id"] for row in everyone if row["account_id"] in asked]
        # A latest block is about everybody.
        return named or [row["index_id"] for row in everyone]

    def _sent(self, signed: Mapping[str, Any]) -> None:
        rows = self._records.all(_SENT, signed["payload"], signed["signature"])
        if not rows or rows[0]["intent_state"] not in ("publishing", "unknown", "published"):
            self.wrong.append("What is being sent is not in the database as being sent.")
            return
        row, said = rows[0], json.loads(signed["payload"])
        transfer = {
            "intent": "transfer",
            "receiver_id": row["deposit_address"],
            "tokens": {row["sell"]: row["input_units"]},
        }
        if (said["signer_id"], said["verifying_contract"]) != (row["account_id"], "intents.near"):
            self.wrong.append(f"{row['intent_id']} is signed for somebody else.")
        if said["intents"] != [transfer]:
            self.wrong.append(f"{row['intent_id']} says something else than its swap.")
        ends = (datetime.fromisoformat(said["deadline"]) - _EPOCH) // timedelta(microseconds=1)
        if ends > min(row["quote_deadline"], row["deadline"]):
            self.wrong.append(f"{row['intent_id']} can execute longer than its quote is good.")


def _arguments(body: bytes) -> str:
    """What a view of the contract is asked with."""
    given = json.loads(body)["params"].get("args_base64", "")
    return base64.b64decode(given).decode()
