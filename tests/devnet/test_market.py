"""Prices: a pure function of seed or file and of time."""

from __future__ import annotations

import itertools
import math
import statistics
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ballast.devnet import DevnetError
from ballast.devnet.market import (
    MOTIONS,
    ReplayMarket,
    SimulatedMarket,
    default_replay_start,
    grid_time,
    read_replay,
)
from tests.devnet.world import START, World

DAY = timedelta(days=1)
PRICES = """
from datetime import UTC, datetime, timedelta
from ballast.devnet.market import SimulatedMarket
start = datetime(2026, 12, 1, tzinfo=UTC)
market = SimulatedMarket(7, start)
print([str(market.price(c, start + timedelta(seconds=s)))
       for c in ("BTC", "ETH", "USDC") for s in (0, 1, 59, 86400, 10**7)])
"""


def test_every_process_sees_the_same_prices():
    runs = [
        subprocess.run([sys.executable, "-c", PRICES], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]

    market = SimulatedMarket(7, START)
    here = [
        str(market.price(coin, START + timedelta(seconds=seconds)))
        for coin in ("BTC", "ETH", "USDC")
        for seconds in (0, 1, 59, 86400, 10**7)
    ]
    assert [run.stdout.strip() for run in runs] == [str(here)] * 2


def test_the_order_of_questions_makes_no_difference():
    times = [START + timedelta(hours=hours) for hours in range(50)]
    forwards = [SimulatedMarket(3, START).price("ETH", at) for at in times]
    backwards = [SimulatedMarket(3, START).price("ETH", at) for at in reversed(times)]

    assert forwards == backwards[::-1]


def daily_returns(coin: str, seed: int) -> list[float]:
    market = SimulatedMarket(seed, START)
    prices = [float(market.price(coin, START + day * DAY)) for day in range(730)]
    return [math.log(after / before) for before, after in itertools.pairwise(prices)]


@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL"])
def test_a_coin_is_as_volatile_as_it_says(coin):
    found = statistics.stdev(daily_returns(coin, seed=5)) * math.sqrt(365)

    # The standard error of a volatility from 729 returns is 1/sqrt(2 * 729) of it, under 3 %.
    assert found == pytest.approx(MOTIONS[coin].volatility, rel=0.1)


def test_coins_move_together_but_not_as_one():
    btc, eth = daily_returns("BTC", seed=5), daily_returns("ETH", seed=5)

    expected = MOTIONS["BTC"].market_share * MOTIONS["ETH"].market_share
    assert statistics.correlation(btc, eth) == pytest.approx(expected, abs=0.06)


def test_short_steps_are_as_volatile_as_long_ones():
    market = SimulatedMarket(5, START)
    prices = [float(market.price("BTC", START + timedelta(seconds=s))) for s in range(2000)]
    steps = [math.log(after / before) for before, after in itertools.pairwise(prices)]

    yearly = statistics.stdev(steps) * math.sqrt(365 * 86_400)
    assert yearly == pytest.approx(MOTIONS["BTC"].volatility, rel=0.1)


def test_a_stablecoin_stays_within_a_tenth_of_a_percent_of_a_dollar():
    market = SimulatedMarket(5, START)
    prices = [market.price("USDC", START + timedelta(hours=hours)) for hours in range(2000)]

    assert all(abs(price - 1) < Decimal("0.0015") for price in prices)
    assert len(set(prices)) > 1000


def test_prices_move_on_a_grid_and_carry_its_time():
    at = datetime(2026, 12, 1, 10, 0, 59, 999_999, tzinfo=UTC)

    assert grid_time(at) == datetime(2026, 12, 1, 10, 0, 30, tzinfo=UTC)


async def test_listed_prices_are_refreshed_as_time_passes(world):
    first = (await world.get("/v0/tokens")).json()
    await world.advance(29)
    assert (await world.get("/v0/tokens")).json() == first

    await world.advance(1)

    second = (await world.get("/v0/tokens")).json()
    assert {each["priceUpdatedAt"] for each in second} == {"2026-12-01T00:00:30.000Z"}
    assert second[0]["price"] != first[0]["price"]


def write_replay(path, *lines):
    path.write_text("time,asset,price\n" + "\n".join(lines) + "\n")
    return path


def test_a_replay_shows_the_last_close_and_nothing_of_the_next(tmp_path):
    file = write_replay(
        tmp_path / "prices.csv",
        "2024-01-02T08:00:00+08:00,BTC,42000.5",
        "2024-01-02T08:00:00Z,BTC,43000",
    )
    market = ReplayMarket(read_replay(file))

    def price_at(hour: int, second: int = 0) -> Decimal:
        return market.price("BTC", datetime(2024, 1, 2, hour, 0, second, tzinfo=UTC))

    assert price_at(0) == price_at(7, 59) == Decimal("42000.5")
    assert price_at(8) == price_at(20) == Decimal(43000)
    assert market.price("USDC", START) == 1
    assert not market.lists("ETH")


@pytest.mark.parametrize(
    "line",
    [
        "2024-01-01T00:00:00,BTC,1",  # no zone
        "yesterday,BTC,1",
        "2024-01-01T00:00:00Z,BTC,0",
        "2024-01-01T00:00:00Z,BTC,NaN",
        "2024-01-01T00:00:00Z,BTC,-5",
        "2024-01-01T00:00:00Z,BTC,0.0000000000001",
        "2024-01-01T00:00:00Z,,1",
        "2024-01-01T00:00:00Z,BTC",
    ],
)
def test_a_bad_replay_row_is_named_by_its_line(tmp_path, line):
    file = write_replay(tmp_path / "bad.csv", "2024-01-01T00:00:00Z,ETH,1", line)

    with pytest.raises(DevnetError, match="line 3"):
        read_replay(file)


def test_an_empty_or_missing_replay_file_is_refused(tmp_path):
    with pytest.raises(DevnetError, match="has no rows"):
        read_replay(write_replay(tmp_path / "empty.csv"))
    with pytest.raises(DevnetError, match="No such file"):
        read_replay(tmp_path / "missing.csv")


def test_the_shipped_year_is_whole():
    rows = read_replay(None)

    assert {row.coin for row in rows} == {"BTC", "ETH"}
    assert min(row.at for row in rows) == datetime(2023, 1, 1, 8, tzinfo=UTC)
    assert max(row.at for row in rows) == datetime(2024, 1, 1, tzinfo=UTC)
    for coin, lowest, highest in (("BTC", 16_000, 45_000), ("ETH", 1_100, 2_500)):
        prices = [row.price for row in rows if row.coin == coin]
        assert len(prices) == 1094
        assert lowest < min(prices) < max(prices) < highest


async def test_a_replayed_devnet_lists_what_its_file_prices_and_the_stablecoins(tmp_path):
    world = World.open(tmp_path / "devnet.db", market="replay", start=None)

    listed = (await world.get("/v0/tokens")).json()

    assert world.devnet.clock.now() == default_replay_start(read_replay(None))
    assert {each["symbol"] for each in listed} == {
        *("BTC", "WBTC", "cbBTC", "ETH", "USDC", "USDT", "DAI")
    }
    prices = {each["symbol"]: each["price"] for each in listed}
    assert (prices["BTC"], prices["USDC"]) == (16721.28, 1.0)
    world.devnet.close()
