"""The book balances, nothing is spent twice, and no change to it goes unseen."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.core.ledger import (
    GENESIS,
    HELD,
    Account,
    ChainedEntry,
    Entry,
    EntryKind,
    Posting,
    apply,
    canonical_bytes,
    chain,
    check_chain,
    fold,
    from_microseconds,
    held,
    microseconds,
    require_balanced,
    swap_refunded_postings,
    swap_settled_postings,
    transfer,
)
from ballast.errors import BallastError, ErrorCode

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
ASSETS = ("nep141:eth", "nep141:usdc", "nep141:btc")

units = st.integers(1, 10**38)
moments = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1 < moment.year < 9999)
transfers = st.builds(
    transfer,
    st.sampled_from(ASSETS),
    units,
    st.sampled_from(Account),
    st.sampled_from(Account),
)
balanced_postings = st.lists(transfers, min_size=1, max_size=4).map(lambda many: sum(many, ()))
texts = st.text(max_size=12)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    return Entry(
        entry_id=draw(texts),
        owner_id=draw(texts),
        index_id=draw(texts),
        kind=draw(st.sampled_from(EntryKind)),
        reference=draw(texts),
        external_key=draw(texts),
        event_at=draw(moments),
        postings=draw(balanced_postings),
    )


def entry(number: int, *postings: Posting) -> Entry:
    kind = EntryKind.SWAP_SENT
    return Entry(f"ent_{number}", "own", "idx", kind, "swp", f"key {number}", NOON, postings)


def chained(written: list[Entry]) -> list[ChainedEntry]:
    links: list[ChainedEntry] = []
    for number, each in enumerate(written, start=1):
        previous = links[-1].hash if links else GENESIS
        links.append(chain(each, number, NOON + timedelta(seconds=number), previous))
    return links


# --- balance --------------------------------------------------------------------------------------


@given(postings=balanced_postings)
def test_moving_money_makes_and_loses_none(postings):
    require_balanced(entry(1, *postings))

    for asset in ASSETS:
        assert sum(posting.units for posting in postings if posting.asset_id == asset) == 0


@given(postings=balanced_postings, off=st.integers(-(10**30), 10**30).filter(bool), data=st.data())
def test_an_entry_that_is_off_by_any_amount_is_never_chained(postings, off, data):
    place = data.draw(st.integers(0, len(postings) - 1))
    wrong = list(postings)
    wrong[place] = replace(wrong[place], units=wrong[place].units + off)

    with pytest.raises(AssertionError):
        chain(entry(1, *wrong), 1, NOON, GENESIS)


def test_two_assets_do_not_make_up_for_each_other():
    swapped = (
        Posting(Account.VENUE, ASSETS[0], 5),
        Posting(Account.AVAILABLE, ASSETS[1], -5),
    )

    with pytest.raises(AssertionError):
        require_balanced(entry(1, *swapped))


def test_an_entry_says_something():
    with pytest.raises(AssertionError):
        require_balanced(entry(1))
    with pytest.raises(AssertionError):
        require_balanced(entry(1, Posting(Account.FEES, ASSETS[0], 0)))


@given(sold=units, bought=units, data=st.data())
def test_a_settled_swap_empties_what_was_in_flight(sold, bought, data):
    returned = data.draw(st.integers(0, sold))
    sell, buy = ASSETS[:2]

    postings = swap_settled_postings(sell, sold, returned, buy, bought)

    after = fold([entry(1, *postings)])
    require_balanced(entry(1, *postings))
    assert after[sell, Account.IN_FLIGHT] == -sold
    assert after.get((sell, Account.AVAILABLE), 0) == returned
    assert after[buy, Account.AVAILABLE] == bought
    assert after.get((sell, Account.VENUE), 0) == sold - returned


@given(sent=units, data=st.data())
def test_what_a_refund_lacks_is_a_fee(sent, data):
    returned = data.draw(st.integers(0, sent))
    sell = ASSETS[0]

    postings = swap_refunded_postings(sell, sent, returned)

    after = fold([entry(1, *postings)])
    require_balanced(entry(1, *postings))
    assert after[sell, Account.IN_FLIGHT] == -sent
    assert after.get((sell, Account.AVAILABLE), 0) == returned
    assert after.get((sell, Account.FEES), 0) == sent - returned


# --- balances -------------------------------------------------------------------------------------


@given(written=st.lists(balanced_postings, max_size=12))
def test_applying_entries_one_by_one_gives_what_adding_everything_up_gives(written):
    balances: dict[tuple[str, Account], int] = {}
    booked: list[Entry] = []
    for number, postings in enumerate(written):
        each = entry(number, *postings)
        with suppress(BallastError):
            balances |= apply(balances, each)
            booked.append(each)
        assert all(balances[key] >= 0 for key in balances if key[1] in HELD)

    assert {key: amount for key, amount in balances.items() if amount} == fold(booked)
    for asset in ASSETS:
        assert sum(amount for key, amount in balances.items() if key[0] == asset) == 0
        here = sum(balances.get((asset, account), 0) for account in HELD)
        assert held(balances).get(asset, 0) == here


@given(have=st.integers(0, 10**38), more=units)
def test_what_is_missing_is_said_exactly(have, more):
    balances = {(ASSETS[0], Account.AVAILABLE): have}
    spend = entry(1, *transfer(ASSETS[0], have + more, Account.AVAILABLE, Account.RESERVED))

    with pytest.raises(BallastError) as refusal:
        apply(balances, spend)

    assert refusal.value.code is ErrorCode.INSUFFICIENT_HOLDINGS
    assert refusal.value.details["missing_units"] == str(more)
    assert balances == {(ASSETS[0], Account.AVAILABLE): have}


def test_the_other_side_of_the_book_may_go_below_zero():
    after = apply({}, entry(1, *transfer(ASSETS[0], 7, Account.OWNER, Account.AVAILABLE)))

    assert after == {(ASSETS[0], Account.OWNER): -7, (ASSETS[0], Account.AVAILABLE): 7}


# --- the chain ------------------------------------------------------------------------------------


@given(written=st.lists(entries(), max_size=6))
def test_an_untouched_chain_is_whole(written):
    assert check_chain(chained(written)) == []


PARTS = (
    *("entry_id", "owner_id", "index_id", "kind", "reference", "external_key", "event_at"),
    *("sequence", "recorded_at", "previous_hash", "hash"),
    *("account", "asset_id", "units", "lost_posting"),
)


@given(written=st.lists(entries(), min_size=1, max_size=4), data=st.data())
def test_any_change_to_any_entry_is_found(written, data):
    links = chained(written)
    place = data.draw(st.integers(0, len(links) - 1))
    link = links[place]
    field = data.draw(st.sampled_from(PARTS))
    links[place] = changed(link, field)
    assert links[place] != link

    assert check_chain(links)


def changed(link: ChainedEntry, field: str) -> ChainedEntry:
    each, first = link.entry, link.entry.postings[0]
    rest = each.postings[1:]
    match field:
        case "event_at":
            moved = replace(each, event_at=each.event_at + timedelta(microseconds=1))
            return replace(link, entry=moved)
        case "recorded_at":
            return replace(link, recorded_at=link.recorded_at + timedelta(microseconds=1))
        case "sequence":
            return replace(link, sequence=link.sequence + 1)
        case "previous_hash" | "hash":
            flipped = "f" if getattr(link, field)[0] == "0" else "0"
            return replace(link, **{field: flipped + getattr(link, field)[1:]})
        case "kind":
            other = next(kind for kind in EntryKind if kind is not each.kind)
            return replace(link, entry=replace(each, kind=other))
        case "units":
            first = replace(first, units=first.units + 1)
        case "account":
            other_account = next(one for one in Account if one is not first.account)
            first = replace(first, account=other_account)
        case "asset_id":
            first = replace(first, asset_id=first.asset_id + "x")
        case "lost_posting":
            return replace(link, entry=replace(each, postings=rest))
        case _:
            return replace(link, entry=replace(each, **{field: getattr(each, field) + "x"}))
    return replace(link, entry=replace(each, postings=(first, *rest)))


@given(written=st.lists(entries(), min_size=2, max_size=6), data=st.data())
def test_an_entry_taken_out_or_moved_is_found(written, data):
    links = chained(written)
    place = data.draw(st.integers(0, len(links) - 2))

    assert check_chain(links[:place] + links[place + 1 :])
    links[place], links[place + 1] = links[place + 1], links[place]
    assert check_chain(links)


@given(one=entries(), other=entries())
def test_different_entries_never_have_the_same_bytes(one, other):
    same = canonical_bytes(one, 1, NOON, GENESIS) == canonical_bytes(other, 1, NOON, GENESIS)

    assert same == (one == other)


def test_the_bytes_that_are_hashed_never_change_from_version_to_version():
    """An old chain must verify for ever: this text and its hash are fixed."""
    each = Entry(
        "ent_1",
        "own_local",
        "idx_1",
        EntryKind.DEPOSIT_CREDITED,
        "dep_1",
        "venue:deposit:1",
        datetime(2027, 1, 15, 12, 0, 0, 1, tzinfo=UTC),
        transfer("nep141:eth.omft.near", 10**19, Account.OWNER, Account.AVAILABLE),
    )

    assert canonical_bytes(each, 1, NOON, GENESIS).decode() == (
        '{"entry_id":"ent_1","event_us":1800014400000001,"external_key":"venue:deposit:1",'
        '"index_id":"idx_1","kind":"deposit_credited","owner_id":"own_local",'
        '"postings":[["owner","nep141:eth.omft.near","-10000000000000000000"],'
        '["available","nep141:eth.omft.near","10000000000000000000"]],'
        f'"previous":"{GENESIS}","recorded_us":1800014400000000,"reference":"dep_1","sequence":1}}'
    )
    assert chain(each, 1, NOON, GENESIS).hash == (
        "cdbcfac67b451b15ecf1d313c3cfb376957cdf413ee3af5597e4ae2a1f399f91"
    )


@given(moment=moments)
def test_time_is_kept_to_the_microsecond_and_in_any_zone(moment):
    assert from_microseconds(microseconds(moment)) == moment
    elsewhere = moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert microseconds(elsewhere) == microseconds(moment)
