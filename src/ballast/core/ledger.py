"""The book: double entry per asset, one hash chain per index, never changed once written."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from ballast.errors import BallastError, ErrorCode


class Account(StrEnum):
    """Where an index's money is, seen from the index.

    owner, venue, fees and unexplained are the other side of the book and may be negative.
    """

    AVAILABLE = "available"
    RESERVED = "reserved"
    IN_FLIGHT = "in_flight"
    OWNER = "owner"
    VENUE = "venue"
    FEES = "fees"
    UNEXPLAINED = "unexplained"


HELD: Final = (Account.AVAILABLE, Account.RESERVED, Account.IN_FLIGHT)


class EntryKind(StrEnum):
    """What happened."""

    DEPOSIT_CREDITED = "deposit_credited"
    DEPOSIT_RETURNED = "deposit_returned"
    SWAP_RESERVED = "swap_reserved"
    SWAP_SENT = "swap_sent"
    SWAP_SETTLED = "swap_settled"
    SWAP_REFUNDED = "swap_refunded"
    SWAP_RELEASED = "swap_released"
    SWAP_WRITTEN_OFF = "swap_written_off"
    PAYOUT_SENT = "payout_sent"
    OUTSIDE_DEPOSIT = "outside_deposit"
    DIFFERENCE_FOUND = "difference_found"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Posting:
    """One line: an amount moves into (positive) or out of (negative) an account."""

    account: Account
    asset_id: str
    units: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact, before it has its place in the chain.

    Attributes:
        reference: id of the swap or deposit it belongs to.
        external_key: what makes an outside fact one fact (venue, kind, id); booked once.
        event_at: when it happened outside; recording time is added when it is written.
    """

    entry_id: str
    owner_id: str
    index_id: str
    kind: EntryKind
    reference: str
    external_key: str
    event_at: datetime
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class ChainedEntry:
    """An entry in its place: gapless sequence number, recording time, hash of the one before."""

    entry: Entry
    sequence: int
    recorded_at: datetime
    previous_hash: str
    hash: str


GENESIS: Final = "0" * 64
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Balances = Mapping[tuple[str, Account], int]


def microseconds(moment: datetime) -> int:
    """A moment as integer microseconds since 1970 UTC, exactly."""
    return (moment - EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The moment back from integer microseconds."""
    return EPOCH + value * _MICROSECOND


def require_balanced(entry: Entry) -> None:
    """Check that the postings of an entry sum to exactly zero per asset.

    Raises:
        AssertionError: our own mistake; such an entry is never written.
    """
    sums: dict[str, int] = defaultdict(int)
    for posting in entry.postings:
        assert posting.units != 0, f"an empty posting in {entry.entry_id}"
        sums[posting.asset_id] += posting.units
    assert entry.postings, f"{entry.entry_id} has no postings"
    assert not any(sums.values()), f"{entry.entry_id} does not sum to zero"


def canonical_bytes(entry: Entry, sequence: int, recorded_at: datetime, previous: str) -> bytes:
    """What is hashed: JSON with sorted keys, amounts as text, times as integer microseconds."""
    body = {
        "entry_id": entry.entry_id,
        "event_us": microseconds(entry.event_at),
        "external_key": entry.external_key,
        "index_id": entry.index_id,
        "kind": entry.kind.value,
        "owner_id": entry.owner_id,
        "postings": [[p.account.value, p.asset_id, str(p.units)] for p in entry.postings],
        "previous": previous,
        "recorded_us": microseconds(recorded_at),
        "reference": entry.reference,
        "sequence": sequence,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chain(entry: Entry, sequence: int, recorded_at: datetime, previous: str) -> ChainedEntry:
    """Give an entry its place after the one whose hash is `previous` (GENESIS for the first)."""
    require_balanced(entry)
    digest = hashlib.sha256(canonical_bytes(entry, sequence, recorded_at, previous)).hexdigest()
    return ChainedEntry(entry, sequence, recorded_at, previous, digest)


def apply(balances: Balances, entry: Entry) -> dict[tuple[str, Account], int]:
    """The balances an entry touches, after it.

    Raises:
        BallastError: `insufficient_holdings` when available, reserved or in-flight of an asset
            would fall below zero.
    """
    after: dict[tuple[str, Account], int] = {}
    for posting in entry.postings:
        key = (posting.asset_id, posting.account)
        after[key] = after.get(key, balances.get(key, 0)) + posting.units
    for (asset_id, account), units in after.items():
        if account in HELD and units < 0:
            raise BallastError(
                ErrorCode.INSUFFICIENT_HOLDINGS,
                f"The index has not enough of this asset in {account.value}.",
                asset_id=asset_id,
                account=account.value,
                missing_units=str(-units),
            )
    return after


def transfer(
    asset_id: str, units: int, source: Account, destination: Account
) -> tuple[Posting, ...]:
    """Two postings that move an amount from one account to another."""
    return (Posting(source, asset_id, -units), Posting(destination, asset_id, units))


def swap_settled_postings(
    sell: str, sold_units: int, returned_units: int, buy: str, bought_units: int
) -> tuple[Posting, ...]:
    """Postings of a settled swap: what was sent goes to the venue, what came is available.

    Args:
        sell: asset sold; its amount stands in in_flight.
        sold_units: all that was in flight.
        returned_units: part of it that came back (an excess refund), 0 as a rule.
        buy: asset bought.
        bought_units: what arrived.
    """
    kept = sold_units - returned_units
    lines = transfer(sell, kept, Account.IN_FLIGHT, Account.VENUE) if kept else ()
    if returned_units:
        lines += transfer(sell, returned_units, Account.IN_FLIGHT, Account.AVAILABLE)
    return lines + transfer(buy, bought_units, Account.VENUE, Account.AVAILABLE)


def payout_sent_postings(
    asset_id: str, sent_units: int, returned_units: int
) -> tuple[Posting, ...]:
    """Postings of a delivered payout: what was sent is the owner's again, an excess is back.

    The network fee is inside the quote, so it is an attribute of the payout and no posting.
    """
    lines = transfer(asset_id, sent_units - returned_units, Account.IN_FLIGHT, Account.OWNER)
    if returned_units:
        lines += transfer(asset_id, returned_units, Account.IN_FLIGHT, Account.AVAILABLE)
    return lines


def swap_refunded_postings(sell: str, sent_units: int, returned_units: int) -> tuple[Posting, ...]:
    """Postings of a refund: what came back is available, what did not is a fee."""
    lines: tuple[Posting, ...] = ()
    if returned_units:
        lines += transfer(sell, returned_units, Account.IN_FLIGHT, Account.AVAILABLE)
    if sent_units > returned_units:
        lines += transfer(sell, sent_units - returned_units, Account.IN_FLIGHT, Account.FEES)
    return lines


def swap_written_off_postings(
    sell: str, sent_units: int, returned_units: int, buy: str, bought_units: int
) -> tuple[Posting, ...]:
    """Postings of a swap that its owner has ended: as settled if anything was bought; otherwise
    what did not come back is unexplained."""
    if bought_units:
        return swap_settled_postings(sell, sent_units, returned_units, buy, bought_units)
    lines: tuple[Posting, ...] = ()
    if returned_units:
        lines += transfer(sell, returned_units, Account.IN_FLIGHT, Account.AVAILABLE)
    if sent_units > returned_units:
        lost = sent_units - returned_units
        lines += transfer(sell, lost, Account.IN_FLIGHT, Account.UNEXPLAINED)
    return lines


def held(balances: Balances) -> dict[str, int]:
    """Per asset: available + reserved + in flight; what the ledger says the index holds."""
    totals: dict[str, int] = defaultdict(int)
    for (asset_id, account), units in balances.items():
        if account in HELD:
            totals[asset_id] += units
    return {asset_id: units for asset_id, units in totals.items() if units}


def fold(entries: Iterable[Entry]) -> dict[tuple[str, Account], int]:
    """Balances from nothing, by adding up every posting."""
    totals: dict[tuple[str, Account], int] = defaultdict(int)
    for entry in entries:
        for posting in entry.postings:
            totals[(posting.asset_id, posting.account)] += posting.units
    return {key: units for key, units in totals.items() if units}


def check_chain(entries: Sequence[ChainedEntry]) -> list[str]:
    """Everything wrong with one index's chain, as sentences; empty when it is whole."""
    wrong: list[str] = []
    previous = GENESIS
    for place, link in enumerate(entries, start=1):
        if link.sequence != place:
            wrong.append(f"Entry {link.entry.entry_id} has number {link.sequence}, not {place}.")
        if link.previous_hash != previous:
            wrong.append(f"Entry {link.entry.entry_id} does not follow the entry before it.")
        again = canonical_bytes(link.entry, link.sequence, link.recorded_at, link.previous_hash)
        if hashlib.sha256(again).hexdigest() != link.hash:
            wrong.append(f"Entry {link.entry.entry_id} was changed after it was written.")
        previous = link.hash
    return wrong
