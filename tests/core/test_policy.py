"""When an index trades by itself, when it does not, and what it says about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ballast.core.drift import AssetPrice, DriftReport, measure_drift
from ballast.core.money import PICO
from ballast.core.policy import (
    Band,
    Method,
    Past,
    Policy,
    Purchase,
    ReasonCode,
    Verdict,
    cost_gate,
    decide,
    validate_policy,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=365)
WEEKLY = Policy(method=Method.CALENDAR, interval_days=7)
HYBRID = Policy(method=Method.HYBRID, interval_days=7)
DATED = Policy(method=Method.CALENDAR, schedule="weekly")


def drifted(cents: int) -> DriftReport:
    """Two equal targets; `a` holds so many of 1,000 cents, and 600 is its band's edge."""
    prices = dict.fromkeys("ab", AssetPrice(2, Decimal(1)))
    band = Policy().band
    return measure_drift({"a": cents, "b": 1_000 - cents}, prices, {"a": 1, "b": 1}, band)


INSIDE, OUTSIDE = drifted(600), drifted(601)


def verdict(policy: Policy, report: DriftReport, last: datetime | None = LONG_AGO) -> Verdict:
    past = Past(agreed_at=LONG_AGO, rebalanced_at=last, ended_at=last)
    return decide(policy, report, now=NOW, past=past)


def test_the_default_acts_when_an_asset_leaves_its_band() -> None:
    assert verdict(Policy(), INSIDE) == Verdict(False, ReasonCode.WITHIN_BANDS)
    assert verdict(Policy(), OUTSIDE) == Verdict(
        True, ReasonCode.BAND_BREACHED, breached=("a", "b")
    )


def test_the_default_acts_on_an_index_that_never_traded() -> None:
    assert verdict(Policy(), OUTSIDE, last=None).trade


def test_method_none_never_acts_but_says_what_is_outside() -> None:
    found = verdict(Policy(method=Method.NONE), OUTSIDE)

    assert found == Verdict(False, ReasonCode.METHOD_NONE, breached=("a", "b"))


@pytest.mark.parametrize("report", [INSIDE, OUTSIDE])
def test_a_calendar_acts_on_its_date_whatever_the_drift(report: DriftReport) -> None:
    early = verdict(WEEKLY, report, NOW - timedelta(days=7) + timedelta(seconds=1))
    due = verdict(WEEKLY, report, NOW - timedelta(days=7))

    assert (early.trade, early.reason) == (False, ReasonCode.NOT_DUE)
    assert early.next_due == NOW + timedelta(seconds=1)
    assert (due.trade, due.reason) == (True, ReasonCode.CALENDAR_DUE)
    assert verdict(WEEKLY, report, None).trade


def test_hybrid_acts_outside_a_band_but_not_before_its_date() -> None:
    early, due = NOW - timedelta(days=6), NOW - timedelta(days=7)

    assert verdict(HYBRID, OUTSIDE, early).reason is ReasonCode.NOT_DUE
    assert verdict(HYBRID, OUTSIDE, early).next_due == NOW + timedelta(days=1)
    assert verdict(HYBRID, INSIDE, due).reason is ReasonCode.WITHIN_BANDS
    assert verdict(HYBRID, OUTSIDE, due).reason is ReasonCode.BAND_BREACHED


def test_a_breach_waits_for_the_cooldown() -> None:
    policy = Policy(cooldown_seconds=600)

    waiting = verdict(policy, OUTSIDE, NOW - timedelta(seconds=599))
    rested = verdict(policy, OUTSIDE, NOW - timedelta(seconds=600))

    assert waiting == Verdict(
        False, ReasonCode.COOLDOWN, NOW + timedelta(seconds=1), breached=("a", "b")
    )
    assert rested.trade


def test_within_bands_is_said_even_during_the_cooldown() -> None:
    assert verdict(Policy(), INSIDE, NOW).reason is ReasonCode.WITHIN_BANDS


def test_a_calendar_of_dates_acts_on_the_first_one_that_is_not_dealt_with():
    policy = Policy(method=Method.CALENDAR, schedule="weekly", cooldown_seconds=0)
    monday = datetime(2026, 2, 23, tzinfo=UTC)
    agreed = Past(agreed_at=monday - timedelta(days=1))

    before = decide(policy, INSIDE, now=monday - timedelta(seconds=1), past=agreed)
    late = decide(policy, INSIDE, now=monday + timedelta(days=30), past=agreed)
    done = decide(policy, INSIDE, now=NOW, past=replace(agreed, ran_at=monday))

    assert (before.reason, before.next_due) == (ReasonCode.NOT_DUE, monday)
    assert late.reason is ReasonCode.CALENDAR_DUE
    assert (done.reason, done.next_due) == (ReasonCode.NOT_DUE, monday + timedelta(days=7))


def test_dates_from_before_the_policy_was_agreed_count_for_nothing():
    policy = Policy(method=Method.CALENDAR, schedule="monthly")

    found = decide(policy, INSIDE, now=NOW, past=Past(agreed_at=NOW, ran_at=LONG_AGO))

    assert (found.trade, found.next_due) == (False, datetime(2026, 4, 1, tzinfo=UTC))


def test_the_cooldown_counts_from_a_rebalance_that_moved_nothing_as_well():
    policy = Policy(cooldown_seconds=600)
    past = Past(agreed_at=LONG_AGO, rebalanced_at=LONG_AGO, ended_at=NOW)

    found = decide(policy, OUTSIDE, now=NOW, past=past)

    assert (found.reason, found.next_due) == (ReasonCode.COOLDOWN, NOW + timedelta(seconds=600))


@pytest.mark.parametrize("policy", [Policy(), WEEKLY, HYBRID])
def test_an_index_that_holds_nothing_does_not_trade(policy: Policy) -> None:
    prices = {"a": AssetPrice(2, Decimal(1))}
    empty = measure_drift({}, prices, {"a": 1}, policy.band)

    assert verdict(policy, empty) == Verdict(False, ReasonCode.NOTHING_HELD)


@pytest.mark.parametrize(("fee", "passes"), [(0, True), (10, True), (11, False)])
def test_the_cost_gate_compares_fees_with_the_value(fee: int, *, passes: bool) -> None:
    one_percent = Policy(max_cost_bps=100)

    assert cost_gate(one_percent, fee * PICO, 1_000 * PICO) is passes
    assert cost_gate(one_percent, fee * PICO + 1, 1_000 * PICO) is (passes and fee < 10)


def test_without_a_cost_gate_any_cost_passes() -> None:
    assert cost_gate(replace(Policy(), max_cost_bps=None), 10**30, 1)


@pytest.mark.parametrize("policy", [Policy(), WEEKLY, HYBRID, Policy(method=Method.NONE)])
def test_sound_policies_have_no_problems(policy: Policy) -> None:
    assert validate_policy(policy) == []


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (Policy(method=Method.CALENDAR), "give schedule or interval_days"),
        (Policy(method=Method.HYBRID), "give schedule or interval_days"),
        (replace(WEEKLY, schedule="daily"), "not both"),
        (Policy(interval_days=7), "interval_days has no use with the method drift"),
        (Policy(schedule="daily"), "schedule has no use with the method drift"),
        (replace(DATED, schedule="yearly"), "one of daily, weekly"),
        (replace(DATED, schedule="61 0 * * *"), "cannot be read"),
        (replace(DATED, schedule="weekly", timezone="Europe/Nowhere"), "no time zone"),
        (Policy(purchase=Purchase(PICO, "now and then")), "purchase_schedule must be one of"),
        (Policy(purchase=Purchase(PICO // 2, "daily")), "at least the minimum swap"),
        (replace(WEEKLY, interval_days=0), "from 1 to"),
        (Policy(band=Band(None, None)), "band_relative_percent, or both"),
        (Policy(band=Band(0, None)), "band_absolute_percent must be"),
        (Policy(band=Band(None, 10_001)), "band_relative_percent must be"),
        (Policy(cooldown_seconds=-1), "cooldown_minutes must be"),
        (Policy(minimum_swap_pico=0), "minimum_swap_usd"),
        (Policy(max_cost_bps=0), "max_cost_percent"),
    ],
)
def test_each_problem_is_named(policy: Policy, said: str) -> None:
    (problem,) = validate_policy(policy)

    assert said in " ".join(problem)


def test_all_problems_are_named_at_once() -> None:
    wrong = Policy(Method.CALENDAR, band=Band(0, 0), cooldown_seconds=-1, minimum_swap_pico=0)

    assert len(validate_policy(wrong)) == 5
