"""What limits count, what they refuse, and that they say everything at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.core.limits import (
    DAY,
    MONTH,
    Limits,
    Run,
    Spending,
    Used,
    check_run,
    needs_person,
    used,
    widened,
)
from ballast.core.money import PICO
from ballast.core.trading import RebalanceKind
from ballast.errors import BallastError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WIDE = Limits()
NOTHING = Used()


def run_of(*dollars, kind=RebalanceKind.REBALANCE, cost=0, index=1_000_000, buys=()):
    return Run(
        kind=kind,
        swaps_pico=tuple(one * PICO for one in dollars),
        cost_pico=cost * PICO,
        index_pico=index * PICO,
        buys=frozenset(buys),
    )


def refused(index, owner, run, here=NOTHING, everywhere=NOTHING):
    with pytest.raises(BallastError) as refusal:
        check_run(index, owner, run, here, everywhere)
    assert refusal.value.code.value == "limit_exceeded"
    return refusal.value


def only(refusal):
    (limit,) = refusal.details["limits"]
    return limit


def test_a_limit_counts_what_was_spent_before():
    limits = replace(WIDE, max_swap_pico=100 * PICO, max_day_pico=250 * PICO)

    check_run(limits, WIDE, run_of(100, 100), Used(day_pico=50 * PICO), NOTHING)
    day = refused(limits, WIDE, run_of(100, 100), Used(day_pico=50 * PICO + 1))
    swap = refused(limits, WIDE, run_of(101))

    assert (only(day)["limit"], only(day)["of"]) == ("per_day", "index")
    assert only(day)["left_usd"] == "200.00"
    assert only(swap)["limit"] == "per_swap"


def test_the_owners_limit_holds_over_all_indexes_together():
    owner = replace(WIDE, max_day_pico=300 * PICO)
    elsewhere = Used(day_pico=250 * PICO)

    check_run(WIDE, owner, run_of(50), NOTHING, elsewhere)
    refusal = refused(WIDE, owner, run_of(51), NOTHING, elsewhere)

    assert (only(refusal)["limit"], only(refusal)["of"]) == ("per_day", "owner")
    assert "over all indexes" in refusal.message


def test_what_may_not_be_bought_is_named():
    limits = replace(WIDE, allowed_assets=("btc",))
    run = replace(run_of(1), buys=frozenset({"eth", "btc", "ada"}))

    refusal = refused(limits, WIDE, run)

    assert refusal.message == "The limits do not allow to buy ada, eth."
    assert only(refusal)["assets"] == ["ada", "eth"]


def test_everything_that_is_broken_is_said_at_once():
    limits = Limits(
        max_swap_pico=10 * PICO,
        max_day_pico=10 * PICO,
        max_month_pico=10 * PICO,
        max_run_bps=1,
        max_cost_month_pico=PICO,
        allowed_assets=("btc",),
    )

    refusal = refused(limits, WIDE, run_of(11, cost=2, index=100, buys={"btc", "eth"}))

    assert [one["limit"] for one in refusal.details["limits"]] == [
        "per_swap", "per_day", "per_month", "cost_per_month", "per_run", "allowed_assets",
    ]  # fmt: skip
    assert refusal.details["limits"][-1]["assets"] == ["eth"]


def test_what_was_asked_is_said_once_with_all_that_is_in_its_way():
    tight = replace(WIDE, max_day_pico=10 * PICO, max_month_pico=1_234 * PICO)

    refusal = refused(tight, tight, run_of(1_000, 1_000))

    assert refusal.message == (
        "Swaps of $2,000.00 are above the $10.00 left of the daily limit, the $1,234.00 left of "
        "the 30-day limit, the $10.00 left of the daily limit over all indexes and the $1,234.00 "
        "left of the 30-day limit over all indexes."
    )
    assert refusal.details.keys() == {"limits"}


def test_there_is_room_when_the_last_of_the_limits_has_some():
    limits = replace(WIDE, max_day_pico=10 * PICO, max_month_pico=10 * PICO)
    spent = used([Spending("idx", NOW, 10 * PICO, 0)], NOW)

    refusal = refused(limits, WIDE, run_of(1), spent)

    assert refusal.message.count("There is room") == 1
    assert f"from {NOW + MONTH:%Y-%m-%d %H:%M} UTC on." in refusal.message


@pytest.mark.parametrize("kind", RebalanceKind)
def test_only_a_rebalance_is_held_to_a_share_of_the_index(kind):
    limits = replace(WIDE, max_run_bps=2_500)
    run = run_of(300, kind=kind, index=1_000)

    if kind is RebalanceKind.REBALANCE:
        assert only(refused(limits, WIDE, run))["limit"] == "per_run"
    else:
        check_run(limits, WIDE, run, NOTHING, NOTHING)


def test_a_list_of_assets_says_what_may_be_bought():
    limits = replace(WIDE, allowed_assets=("btc", "eth"))

    check_run(limits, WIDE, run_of(1, buys={"btc"}), NOTHING, NOTHING)
    check_run(WIDE, WIDE, run_of(1, buys={"anything"}), NOTHING, NOTHING)

    assert only(refused(limits, WIDE, run_of(1, buys={"doge"})))["assets"] == ["doge"]


@given(
    ages=st.lists(st.tuples(st.integers(0, 45 * 86_400), st.integers(0, 10**18)), max_size=20),
)
def test_what_is_older_than_its_window_counts_no_more(ages):
    spent = [
        Spending("idx", NOW - timedelta(seconds=age), value, value // 100) for age, value in ages
    ]

    so_far = used(spent, NOW)

    assert so_far.day_pico == sum(v for age, v in ages if timedelta(seconds=age) < DAY)
    assert so_far.month_pico == sum(v for age, v in ages if timedelta(seconds=age) < MONTH)
    assert so_far.cost_month_pico == sum(
        v // 100 for age, v in ages if timedelta(seconds=age) < MONTH
    )


@given(
    ages=st.lists(st.tuples(st.integers(0, 29 * 86_400), st.integers(1, 900)), max_size=20),
    asked=st.integers(1, 1_000),
)
def test_a_refusal_says_from_when_on_there_is_room_and_not_a_microsecond_later(ages, asked):
    spent = [Spending("idx", NOW - timedelta(seconds=age), value * PICO, 0) for age, value in ages]
    limits = replace(WIDE, max_day_pico=900 * PICO)
    so_far = used(spent, NOW)
    if so_far.day_pico + asked * PICO <= limits.max_day_pico:
        return

    refusal = refused(limits, WIDE, run_of(asked), so_far)

    if asked > 900:
        assert only(refusal)["room_from"] is None
        return
    at = datetime.fromisoformat(only(refusal)["room_from"])
    shown = at if not (at.second or at.microsecond) else at + timedelta(minutes=1)
    assert f"There is room for that from {shown:%Y-%m-%d %H:%M} UTC on." in refusal.message
    check_run(limits, WIDE, run_of(asked), used(spent, at), NOTHING)
    refused(limits, WIDE, run_of(asked), used(spent, at - timedelta(microseconds=1)))


@given(
    values=st.lists(st.integers(1, 500), min_size=1, max_size=30),
    day=st.integers(1, 2_000),
    owner_day=st.integers(1, 2_000),
)
def test_no_order_of_runs_spends_more_than_a_day_allows(values, day, owner_day):
    index, owner = replace(WIDE, max_day_pico=day), replace(WIDE, max_day_pico=owner_day)
    gone = 0
    for value in values:
        run = Run(RebalanceKind.INVEST, (value,), 0, 10**9, frozenset())
        try:
            check_run(index, owner, run, Used(day_pico=gone), Used(day_pico=gone))
        except BallastError:
            continue
        gone += value

    assert gone <= min(day, owner_day)


def test_a_large_run_needs_a_person_by_the_narrower_of_both_limits():
    narrow = replace(WIDE, confirm_above_pico=100 * PICO)

    assert not needs_person(narrow, WIDE, run_of(60, 40))
    assert needs_person(narrow, WIDE, run_of(60, 41))
    assert needs_person(WIDE, narrow, run_of(60, 41))
    assert not needs_person(WIDE, WIDE, run_of(60, 41))


@pytest.mark.parametrize(
    ("before", "after", "wider"),
    [
        ({}, {"max_swap_pico": 1}, []),
        ({"max_swap_pico": 1}, {"max_swap_pico": 2}, ["max_swap_pico"]),
        ({"max_fee_bps": 1}, {"max_fee_bps": 2, "max_day_pico": 4}, ["max_fee_bps"]),
        ({}, {"allowed_assets": ("btc",)}, []),
        ({"allowed_assets": ("btc", "eth")}, {"allowed_assets": ("btc",)}, []),
        ({"allowed_assets": ("btc",)}, {"allowed_assets": ("btc", "eth")}, ["allowed_assets"]),
        ({"allowed_assets": ("btc",)}, {"allowed_assets": ()}, ["allowed_assets"]),
    ],
)  # fmt: skip
def test_what_would_allow_more_is_noticed(before, after, wider):
    assert widened(replace(WIDE, **before), replace(WIDE, **{**before, **after})) == wider
