"""The audit's chains: nothing is changed, taken out, put in or moved without its showing."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import SecretStr

from ballast.core.audit import (
    NO_HEAD,
    REDACTED,
    AuditLink,
    AuditRecord,
    Head,
    KeyedSeal,
    canonical_bytes,
    digest_of_earlier,
    facts_text,
    link,
    wrong_with,
)
from ballast.core.ids import IdKind
from ballast.core.ledger import GENESIS

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
SEAL = KeyedSeal(b"one key of 32 bytes, or so it is")
OTHER = KeyedSeal(b"another key, which nobody here has")
SEALS = {SEAL.key_id: SEAL}


def record(number: int) -> AuditRecord:
    return AuditRecord(
        f"aud_{number}", "own_1", NOON, "create_index", "mcp", "digest", "done", f"idx_{number}"
    )


def chain_of(*records: AuditRecord, seal: KeyedSeal = SEAL) -> list[AuditLink]:
    links: list[AuditLink] = []
    after = NO_HEAD
    for one in records:
        links.append(link(one, "own_1", after, seal))
        after = Head(links[-1].sequence, links[-1].hash)
    return links


def wrong(links: list[AuditLink]) -> list[str]:
    heads = [NO_HEAD, *(Head(one.sequence, one.hash) for one in links)]
    return [
        found
        for one, after in zip(links, heads, strict=False)
        if (found := wrong_with(one, after, SEALS))
    ]


CHAIN = chain_of(*map(record, range(4)))


def test_an_untouched_chain_holds_and_begins_at_one():
    assert wrong(CHAIN) == []
    assert [one.sequence for one in CHAIN] == [1, 2, 3, 4]
    assert CHAIN[0].previous_hash == GENESIS


def test_the_hash_is_hmac_sha256_over_the_canonical_bytes():
    one = CHAIN[1]
    content = canonical_bytes(one.record, "own_1", 2, CHAIN[0].hash, SEAL.key_id)

    assert one.hash == hmac.new(SEAL.key, content, hashlib.sha256).hexdigest()
    assert content == (
        b'{"at_us":1800014400000000,"audit_id":"aud_1","caller":"mcp","credential_id":null,'
        b'"facts":"{}","input_digest":"digest","key_id":"%s","operation":"create_index",'
        b'"outcome":"done","owner_id":"own_1","previous":"%s","reference":"idx_1","sequence":2,'
        b'"stream":"own_1"}' % (SEAL.key_id.encode(), CHAIN[0].hash.encode())
    )


@pytest.mark.parametrize("name", [one.name for one in fields(AuditRecord)])
def test_a_change_of_any_column_shows(name):
    before = getattr(CHAIN[1].record, name)
    after = before + timedelta(microseconds=1) if name == "at" else f"{before}x"
    changed = replace(CHAIN[1], record=replace(CHAIN[1].record, **{name: after}))

    assert "was changed" in wrong([CHAIN[0], changed, *CHAIN[2:]])[0]


@pytest.mark.parametrize("name", ["stream", "sequence", "previous_hash", "key_id", "hash"])
def test_a_change_of_its_place_shows(name):
    before = getattr(CHAIN[1], name)
    changed = replace(CHAIN[1], **{name: 7 if name == "sequence" else f"f{before[1:]}f"})

    assert wrong([CHAIN[0], changed, *CHAIN[2:]])


@pytest.mark.parametrize(
    "touched",
    [
        [CHAIN[0], *CHAIN[2:]],
        CHAIN[1:],
        [CHAIN[1], CHAIN[0], *CHAIN[2:]],
        [*CHAIN[:2], CHAIN[1], *CHAIN[2:]],
        chain_of(*map(record, range(4)), seal=OTHER),
        [*CHAIN[:3], link(record(9), "own_1", Head(3, CHAIN[2].hash), OTHER)],
    ],
    ids=["taken out", "first taken out", "swapped", "doubled", "all forged", "last forged"],
)
def test_what_is_taken_out_moved_or_forged_shows(touched):
    assert wrong(touched)


def test_nobody_without_the_key_makes_a_row_that_fits_even_under_its_id():
    forged = link(record(9), "own_1", Head(4, CHAIN[3].hash), OTHER)
    content = canonical_bytes(forged.record, "own_1", 5, CHAIN[3].hash, SEAL.key_id)
    plain = replace(forged, key_id=SEAL.key_id, hash=hashlib.sha256(content).hexdigest())

    assert "was not written by Ballast" in wrong([*CHAIN, plain])[0]


def test_rows_from_before_are_counted_and_told_apart_whatever_their_order():
    rows = [record(number) for number in range(3)]

    assert digest_of_earlier(rows) == digest_of_earlier(reversed(rows))
    assert digest_of_earlier(rows) != digest_of_earlier(rows[1:])
    assert digest_of_earlier(rows) != digest_of_earlier([*rows[:2], replace(rows[2], caller="x")])


def test_a_head_is_written_and_read():
    head = Head.of_text(f" 12:{'ab' * 16}\n")

    assert str(Head(12, "ab" * 32)) == str(head) == f"12:{'ab' * 16}"
    for text in ("", "12", ":", f"x:{'ab' * 16}", "12:abc", f"²:{'ab' * 16}"):
        with pytest.raises(ValueError, match="sequence:hash"):
            Head.of_text(text)


def test_facts_are_canonical_and_secrets_are_not_written():
    facts = {
        "units": 10**30,
        "at": NOON,
        "kind": IdKind.INDEX,
        "price": Decimal("1.50"),
        "deep": [{"password": SecretStr("hunter2")}],
        "no": None,
        "yes": True,
    }

    written = {
        "at": "2027-01-15T12:00:00+00:00",
        "deep": [{"password": REDACTED}],
        "kind": "idx",
        "no": None,
        "price": "1.50",
        "units": str(10**30),
        "yes": True,
    }

    assert facts_text(facts) == json.dumps(written, separators=(",", ":"))
    assert "one key" not in repr(SEAL)
    with pytest.raises(TypeError):
        facts_text({"raw": b"bytes"})
    with pytest.raises(TypeError):
        facts_text({"share": 0.5})
