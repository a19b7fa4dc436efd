"""The demo's chart and its comparison of books, by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from ballast.demo.chart import ASCII, Sample, drift_chart
from ballast.demo.day_script import HOUR, HOURS, UNATTENDED
from ballast.demo.outcome import BookLine, Outcome, compare_books
from ballast.demo.receiver import Receiver
from ballast.demo.timeline import day_chart

START = datetime(2023, 1, 2, tzinfo=UTC)

days = st.lists(st.integers(0, 400), min_size=1, max_size=400).map(
    lambda heights: [
        Sample(START + timedelta(days=day), height, height > 100)
        for day, height in enumerate(heights)
    ]
)


def band_line(chart: str) -> str:
    [line] = [line for line in chart.splitlines() if line.startswith("  band")]
    return line


@given(samples=days, width=st.integers(30, 120))
def test_a_breach_shows_however_narrow_the_chart(samples, width):
    chart = drift_chart(samples, width).plain

    assert ("█" in band_line(chart)) == any(sample.of_band > 100 for sample in samples)


@given(samples=days, width=st.integers(30, 120))
def test_the_chart_keeps_to_its_width(samples, width):
    assert max(map(len, drift_chart(samples, width).plain.splitlines()[:-1])) <= width


def test_higher_drift_is_drawn_higher():
    low, high = (
        drift_chart([Sample(START, of_band, breached=False)], 40).plain for of_band in (20, 90)
    )

    assert low.count("█") < high.count("█")


def test_a_rebalance_is_marked_once():
    samples = [
        Sample(START + timedelta(days=day), 50, breached=False, rebalanced=day == 3)
        for day in range(6)
    ]

    assert drift_chart(samples, 80).plain.count("▲") == 1


def test_a_console_without_unicode_gets_plain_characters():
    samples = [Sample(START, 130, breached=True, rebalanced=True)]

    assert drift_chart(samples, 80, ASCII).plain.isascii()


def test_a_day_is_drawn_with_a_column_for_every_hour_and_the_words_of_its_marks():
    rows = [("Keen", "..^r"), ("Sleeper", "pppp")]

    chart = day_chart("ETH", [Decimal(9), Decimal(5)], rows, ASCII).plain

    assert chart.isascii()
    assert "Keen       . . ^ r" in chart
    assert "^ traded   . nothing to do   r rests   p paused" in chart
    assert "quiet hours" not in chart


def test_the_prices_of_the_day_move_evenly_from_one_step_to_the_next():
    assert UNATTENDED.prices_at(Decimal(4)) == {
        "BTC": Decimal("59800.00"),
        "ETH": Decimal("1830.00"),
    }
    assert UNATTENDED.prices_csv().count("\n") == 1 + 2 * (2 * HOURS + 1)
    assert UNATTENDED.midnight - UNATTENDED.start < HOUR


def test_the_receiver_believes_only_what_is_signed_with_its_secret():
    receiver, body = Receiver(), '{"type":"index.rebalanced","data":{}}'
    secret, other = ("whsec_" + letter * 32 for letter in "AB")
    now = datetime.now(UTC)

    def sent(by: str) -> dict[str, str]:
        return {
            "webhook-id": "evt_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(by).sign("evt_1", now, body),
        }

    assert not receiver.take(sent(secret), body.encode())
    receiver.secret = secret
    assert not receiver.take(sent(other), body.encode())
    assert receiver.take(sent(secret), body.encode())
    assert receiver.take(sent(secret), body.encode())
    assert (list(receiver.taken), receiver.refused) == (["evt_1"], 2)
    assert receiver.sees_through(receiver.taken["evt_1"])


def test_books_are_compared_for_every_asset_that_either_side_knows():
    holdings = [
        {"symbol": "BTC", "asset_id": "btc", "amount_units": "5"},
        {"symbol": "ETH", "asset_id": "eth", "amount_units": "7"},
    ]

    lines = compare_books(holdings, {"btc": 5, "doge": 3})

    assert lines == [BookLine("BTC", 5, 5), BookLine("ETH", 7, 0), BookLine("doge", 0, 3)]
    outcome = Outcome("a story")
    outcome.add_books(lines, ["An entry does not balance."])
    assert len(outcome.problems) == 3
