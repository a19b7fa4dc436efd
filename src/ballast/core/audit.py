"""The audit: what was done, refused and signed, in chains that nobody without the key can forge.

Each row holds the hash of the row before it in its stream, and its own hash is keyed (HMAC-SHA256):
whoever writes to the database without the key can neither change a row, nor take one out, nor put
one in, without its showing. Rows cut off the end leave no gap; against that, heads of streams are
noted in other streams (`NOTE_HEADS`), and printed for whoever keeps one outside.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Final, Protocol

from ballast.core.ledger import GENESIS, microseconds

NOTE_HEADS: Final = "note_heads"
MAKE_KEY: Final = "make_audit_key"
NO_FACTS: Final = "{}"
REDACTED: Final = "**********"
# Hex digits of a hash in a head that is written.
_WRITTEN: Final = 32
_KEY_ID: Final = b"ballast audit key id"


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One thing that was done, refused, or seen.

    Attributes:
        operation: what, in the form of an operation's name.
        caller: the face it came through, or who in Ballast itself.
        input_digest: of the operation's input; empty for what is no operation.
        outcome: `done`, or the code of the refusal.
        reference: the id of what it is about.
        credential_id: the key or session that was shown; None for the owner at the machine.
        facts: canonical JSON, made by `facts_text`.
    """

    audit_id: str
    owner_id: str
    at: datetime
    operation: str
    caller: str
    input_digest: str
    outcome: str
    reference: str
    credential_id: str | None = None
    facts: str = NO_FACTS


@dataclass(frozen=True, slots=True)
class AuditLink:
    """A record in its place.

    Attributes:
        stream: what it is in order with: the index or other thing that its transaction was about,
            or its owner.
        sequence: its place there, from 1 without a gap.
        previous_hash: hash of the row before it; GENESIS for the first.
        key_id: which key made `hash`.
    """

    record: AuditRecord
    stream: str
    sequence: int
    previous_hash: str
    key_id: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a stream. Written as `sequence:hash`, with half of the hash: enough for nobody to
    find another one, and too little to be taken for a key and left out of a log."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash[:_WRITTEN]}"

    @classmethod
    def of_text(cls, text: str) -> Head:
        """What `str` wrote, with that half; ValueError for anything else."""
        sequence, colon, digest = text.strip().partition(":")
        if not (colon and sequence.isascii() and sequence.isdecimal() and len(digest) == _WRITTEN):
            raise ValueError("a head is written as sequence:hash")
        return cls(int(sequence), digest)


NO_HEAD: Final = Head(0, GENESIS)


@dataclass(frozen=True, slots=True)
class AuditKey:
    """A key that rows are hashed with, as it is kept: encrypted under the master key."""

    key_id: str
    sealed: str
    made_at: datetime


class Seal(Protocol):
    """Makes the keyed hash of a row."""

    @property
    def key_id(self) -> str:
        """Which key it is; tells nothing about it."""
        ...

    def hash_of(self, content: bytes) -> str:
        """64 hex digits."""
        ...


@dataclass(frozen=True, slots=True)
class KeyedSeal:
    """A seal that has its key. Its text does not show it."""

    key: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """Which key it is: a keyed hash that tells nothing about it."""
        return hmac.digest(self.key, _KEY_ID, hashlib.sha256).hex()[:16]

    def hash_of(self, content: bytes) -> str:
        """HMAC-SHA256, in hex."""
        return hmac.digest(self.key, content, hashlib.sha256).hex()


def link(record: AuditRecord, stream: str, after: Head, seal: Seal) -> AuditLink:
    """Give a record its place behind the head of a stream."""
    content = canonical_bytes(record, stream, after.sequence + 1, after.hash, seal.key_id)
    digest = seal.hash_of(content)
    return AuditLink(record, stream, after.sequence + 1, after.hash, seal.key_id, digest)


def canonical_bytes(
    record: AuditRecord, stream: str, sequence: int, previous: str, key_id: str
) -> bytes:
    """What is hashed: every column, as JSON with sorted keys, times as integer microseconds."""
    return _canonical(
        {
            **_columns(record),
            "key_id": key_id,
            "previous": previous,
            "sequence": sequence,
            "stream": stream,
        }
    )


def _columns(record: AuditRecord) -> dict[str, object]:
    return {
        "at_us": microseconds(record.at),
        "audit_id": record.audit_id,
        "caller": record.caller,
        "credential_id": record.credential_id,
        "facts": record.facts,
        "input_digest": record.input_digest,
        "operation": record.operation,
        "outcome": record.outcome,
        "owner_id": record.owner_id,
        "reference": record.reference,
    }


def _canonical(body: object) -> bytes:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest_of_earlier(records: Iterable[AuditRecord]) -> tuple[int, str]:
    """How many rows there are from the time before there were chains, and what they say: SHA-256
    over all of them by id."""
    rows = sorted(records, key=lambda one: one.audit_id)
    return len(rows), hashlib.sha256(_canonical([_columns(one) for one in rows])).hexdigest()


def facts_text(facts: Mapping[str, object]) -> str:
    """Facts as canonical JSON. What is secret by its type is not written.

    Raises:
        TypeError: for a type that has no form there; nothing is written by guessing.
    """
    return _canonical({name: _plain(value) for name, value in facts.items()}).decode()


def _plain(value: object) -> object:
    if hasattr(value, "get_secret_value"):
        return REDACTED
    match value:
        case Enum():
            return value.value
        case None | bool() | str():
            return value
        case int() | Decimal():
            return str(value)
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            raise TypeError(f"{type(value).__name__} is not written into the audit")


def wrong_with(link: AuditLink, after: Head, seals: Mapping[str, Seal]) -> str:
    """What is wrong with a row that should stand behind a head; empty when nothing is.

    Args:
        seals: the keys that open, by id.
    """
    place = f"Audit row {link.sequence} of {link.stream}"
    if link.sequence != after.sequence + 1:
        return f"{place} should be row {after.sequence + 1}: rows are missing before it."
    if link.previous_hash != after.hash:
        return f"{place} does not follow the row before it."
    seal = seals.get(link.key_id)
    if seal is None:
        return f"{place} cannot be checked: its key {link.key_id} does not open here."
    content = canonical_bytes(
        link.record, link.stream, link.sequence, link.previous_hash, link.key_id
    )
    if not hmac.compare_digest(seal.hash_of(content), link.hash):
        return f"{place} was changed, or was not written by Ballast."
    return ""
