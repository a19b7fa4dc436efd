"""Three measures of drift, and the exact line between inside and outside a band."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.core.drift import AssetPrice, DriftReport, measure_drift
from ballast.core.money import BPS, PPM
from ballast.core.planning import PlanInput
from ballast.core.policy import Band
from tests.core.planning_cases import USD, bands, plan_inputs, values_of

CENT = AssetPrice(2, Decimal(1))
FIVE_TWENTY_FIVE = Band(absolute_bps=500, relative_bps=2_500)


def measure(band: Band, targets: dict[str, int], **cents: int) -> DriftReport:
    prices = dict.fromkeys((*targets, *cents), CENT)
    return measure_drift(cents, prices, targets, band)


def test_the_measures_of_a_simple_index() -> None:
    report = measure(FIVE_TWENTY_FIVE, {"a": 5_000, "b": 4_000, "c": 1_000}, a=56, b=38, c=6)

    assert report.value_pico == USD
    assert {d.asset_id: d.absolute_drift_ppm for d in report.assets} == {
        "a": 60_000,
        "b": -20_000,
        "c": -40_000,
    }
    assert {d.asset_id: d.relative_drift_ppm for d in report.assets} == {
        "a": 120_000,
        "b": -50_000,
        "c": -400_000,
    }
    assert report.max_absolute_ppm == 60_000
    assert report.max_relative_ppm == 400_000
    assert report.turnover_ppm == 60_000


def test_the_narrower_limit_of_a_band_counts() -> None:
    report = measure(FIVE_TWENTY_FIVE, {"a": 5_000, "b": 4_000, "c": 1_000}, a=56, b=38, c=6)

    # a is 6 points off, more than 5; c is 4 points off, but 40 % of its target.
    assert report.breached == ("a", "c")
    assert [drift.band_ppm for drift in report.assets] == [50_000, 50_000, 25_000]


@pytest.mark.parametrize(
    ("cents", "outside"),
    [(60_000, ()), (60_001, ("a", "b")), (40_000, ()), (39_999, ("a", "b"))],
)
def test_the_edge_of_a_band_is_inside(cents: int, outside: tuple[str, ...]) -> None:
    ten_points = Band(absolute_bps=1_000, relative_bps=None)

    report = measure(ten_points, {"a": 1, "b": 1}, a=cents, b=100_000 - cents)

    assert report.breached == outside


def test_a_breach_is_seen_where_rounded_shares_are_equal() -> None:
    band = Band(absolute_bps=None, relative_bps=2_000)
    edge, total = 6 * 10**20, 10**21

    at_edge = measure(band, {"a": 1, "b": 1}, a=edge, b=total - edge)
    past_it = measure(band, {"a": 1, "b": 1}, a=edge + 1, b=total - edge - 1)

    assert at_edge.breached == ()
    assert past_it.breached == ("a", "b")
    assert at_edge.assets[0].weight_ppm == past_it.assets[0].weight_ppm == 600_000


def test_an_asset_without_a_target_is_outside_unless_it_is_dust() -> None:
    holdings, targets = {"a": 10_000, "gone": 50}, {"a": 1}
    prices = {"a": CENT, "gone": CENT}
    band = Band(absolute_bps=10_000, relative_bps=None)

    strict = measure_drift(holdings, prices, targets, band)
    lenient = measure_drift(holdings, prices, targets, band, dust_pico=USD)

    assert strict.breached == ("gone",)
    assert strict.assets[1].relative_drift_ppm is None
    assert strict.assets[1].band_ppm == 0
    assert lenient.breached == ()


def test_nothing_drifts_where_nothing_is_held() -> None:
    report = measure(FIVE_TWENTY_FIVE, {"a": 1, "b": 1})

    assert report.value_pico == 0
    assert report.breached == ()
    assert report.max_absolute_ppm == report.max_relative_ppm == report.turnover_ppm == 0


@pytest.mark.parametrize(
    ("holdings", "targets", "band", "said"),
    [
        ({"a": 1}, {}, FIVE_TWENTY_FIVE, "targets"),
        ({"a": 1}, {"a": -1, "b": 2}, FIVE_TWENTY_FIVE, "targets"),
        ({"a": -1}, {"a": 1}, FIVE_TWENTY_FIVE, "zero or more"),
        ({"unpriced": 1}, {"a": 1}, FIVE_TWENTY_FIVE, "unpriced needs a price"),
        ({"a": 1}, {"a": 1}, Band(None, None), "absolute or a relative"),
    ],
)
def test_facts_that_make_no_sense_are_refused(
    holdings: dict[str, int], targets: dict[str, int], band: Band, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        measure_drift(holdings, {"a": CENT, "b": CENT}, targets, band)


@given(facts=plan_inputs(), band=bands)
def test_the_report_is_what_fractions_say(facts: PlanInput, band: Band) -> None:
    report = measure_drift(facts.holdings, facts.prices, facts.targets, band)

    values, scale = values_of(facts, facts.holdings), sum(facts.targets.values())
    total = sum(values.values())
    assert report.value_pico == total
    if total:
        drifts = {
            asset: Fraction(value, total) - Fraction(facts.targets.get(asset, 0), scale)
            for asset, value in values.items()
        }
        half = Fraction(1, 2)
        for drift in report.assets:
            assert abs(drift.absolute_drift_ppm - drifts[drift.asset_id] * PPM) <= half
            allowed = exact_band(facts.targets.get(drift.asset_id, 0), scale, band)
            assert drift.breached == (abs(drifts[drift.asset_id]) > allowed)
        assert abs(report.turnover_ppm - sum(map(abs, drifts.values())) / 2 * PPM) <= half
        assert abs(report.max_absolute_ppm - max(map(abs, drifts.values())) * PPM) <= half


def exact_band(weight: int, scale: int, band: Band) -> Fraction:
    limits = []
    if band.absolute_bps is not None:
        limits.append(Fraction(band.absolute_bps, BPS))
    if band.relative_bps is not None:
        limits.append(Fraction(band.relative_bps * weight, BPS * scale))
    return min(limits) if weight else Fraction(0)


@given(facts=plan_inputs(), band=bands, factor=st.integers(2, 10**6))
def test_drift_does_not_depend_on_the_scale_of_the_weights(
    facts: PlanInput, band: Band, factor: int
) -> None:
    finer = {asset: weight * factor for asset, weight in facts.targets.items()}

    assert measure_drift(facts.holdings, facts.prices, finer, band) == measure_drift(
        facts.holdings, facts.prices, facts.targets, band
    )
