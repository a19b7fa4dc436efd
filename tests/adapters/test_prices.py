"""A price is usable or it is refused by name and reason; the others stay usable."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ballast.adapters.coingecko import NOW_LIMITS, CoinGecko, Pace
from ballast.adapters.prices import VenuePrices
from ballast.app.ports import ListedAsset
from ballast.core.index import Asset
from ballast.core.price_gates import PriceGates
from ballast.core.trading import Price
from ballast.errors import BallastError, ErrorCode

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)


class Standing:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.time = NOW

    def now(self):
        return self.time

    def real_seconds(self, domain_seconds):
        return None

    def pass_by(self, **span):
        self.time += timedelta(**span)


class Listing:
    """A venue that lists these prices: asset id to USD and the age of the price in seconds."""

    def __init__(self, clock=None, **prices):
        self.clock = clock or Standing()
        self.prices = prices

    async def list_assets(self):
        now = self.clock.time
        return {
            name: ListedAsset(
                Asset(name, name.upper(), "near", 8),
                Price(name, Decimal(usd), "1click", now - timedelta(seconds=age)),
                None,
            )
            for name, (usd, age) in self.prices.items()
        }

    def kept_assets(self, now):
        return None


async def frozen(prices, asset_ids):
    """The assets that are refused, each with its reason."""
    with pytest.raises(BallastError) as refused:
        await prices.get(asset_ids)
    assert refused.value.code is ErrorCode.PRICE_UNAVAILABLE
    return {one["asset_id"]: one["reason"] for one in refused.value.details["assets"]}


async def dollars(prices, *asset_ids):
    return {name: str(price.usd) for name, price in (await prices.get(asset_ids)).items()}


# --- the venue alone ------------------------------------------------------------------------------


async def test_fresh_positive_prices_come_through_as_they_are():
    prices = VenuePrices(Listing(btc=("67000.5", 120), eth=("3000", -5)), Standing())

    found = await prices.get(["eth", "btc"])

    assert {name: price.usd for name, price in found.items()} == {
        "btc": Decimal("67000.5"),
        "eth": Decimal(3000),
    }


async def test_every_asset_without_a_usable_price_is_named_with_its_reason():
    listing = Listing(
        good=("1", 0),
        old=("1", 121),
        early=("1", -6),
        zero=("0", 0),
        negative=("-1", 0),
        endless=("Infinity", 0),
        huge=("1E+999999", 0),
    )
    names = ["good", "old", "early", "zero", "negative", "endless", "huge", "absent"]

    assert await frozen(VenuePrices(listing, Standing()), names) == {
        "old": "its price was last updated at 2027-01-15 11:57:59 UTC",
        "early": "its price is dated in the future",
        "zero": "the venue gives no price",
        "negative": "the venue gives no price",
        "endless": "the venue gives no price",
        "huge": "the venue gives a price that cannot be one",
        "absent": "the venue does not list it",
    }


async def test_a_list_that_is_asked_again_freezes_its_prices_when_they_have_grown_old():
    clock = Standing()
    listed = await Listing(clock, btc=("67000", 100), eth=("3000", 0)).list_assets()

    class Kept:
        async def list_assets(self):
            return listed

        def kept_assets(self, now):
            return listed

    prices = VenuePrices(Kept(), clock)
    first = await dollars(prices, "btc", "eth")
    clock.pass_by(seconds=20)
    again = await dollars(prices, "btc", "eth")
    clock.pass_by(seconds=1)

    assert first == again == {"btc": "67000", "eth": "3000"}
    assert (await frozen(prices, ["btc", "eth"])).keys() == {"btc"}
    clock.pass_by(seconds=-25)
    assert await dollars(prices, "btc", "eth") == first
    clock.pass_by(seconds=-2)
    assert "future" in (await frozen(prices, ["btc", "eth"]))["eth"]


async def test_a_slow_answer_under_a_fast_clock_makes_no_price_old():
    class Racing(Standing):
        """A clock that runs ten minutes between two looks."""

        moments = iter([NOW, NOW + timedelta(minutes=10)])

        def now(self):
            return next(self.moments)

    listing = Listing(before=("1", 100), meanwhile=("2", -300))

    assert set(await VenuePrices(listing, Racing()).get(["before", "meanwhile"])) == {
        "before",
        "meanwhile",
    }


async def test_the_gates_can_be_set():
    listing = Listing(btc=("1", 121))

    prices = VenuePrices(listing, Standing(), gates=PriceGates(max_age=timedelta(minutes=5)))

    assert await dollars(prices, "btc") == {"btc": "1"}


# --- jumps ----------------------------------------------------------------------------------------


async def test_a_price_that_jumps_is_frozen_and_the_others_are_not():
    listing = Listing(btc=("100", 0), wnear=("5", 0))
    prices = VenuePrices(listing, listing.clock)
    await prices.get(["btc", "wnear"])

    listing.clock.pass_by(seconds=30)
    listing.prices["btc"] = ("130.5", 0)

    assert await frozen(prices, ["btc", "wnear"]) == {
        "btc": "its price jumped from 100 to 130.5 USD and no second source confirms it"
    }
    assert await dollars(prices, "wnear") == {"wnear": "5"}


async def test_a_price_that_jumps_back_is_usable_at_once():
    listing = Listing(btc=("100", 0))
    prices = VenuePrices(listing, listing.clock)
    for usd in ("100", "5", "101"):
        listing.clock.pass_by(seconds=30)
        listing.prices["btc"] = (usd, 0)
        if usd == "5":
            await frozen(prices, ["btc"])
        else:
            assert await dollars(prices, "btc") == {"btc": usd}


async def test_a_price_that_stays_where_it_jumped_to_is_usable_after_the_window():
    listing = Listing(btc=("100", 0))
    prices = VenuePrices(listing, listing.clock)
    await prices.get(["btc"])
    listing.prices["btc"] = ("200", 0)

    listing.clock.pass_by(minutes=5)
    assert set(await frozen(prices, ["btc"])) == {"btc"}
    listing.clock.pass_by(seconds=1)
    assert await dollars(prices, "btc") == {"btc": "200"}


async def test_a_slow_climb_is_a_jump_when_the_window_sees_all_of_it():
    listing = Listing(btc=("100", 0))
    prices = VenuePrices(listing, listing.clock)
    for usd in ("100", "115"):
        listing.prices["btc"] = (usd, 0)
        await prices.get(["btc"])
        listing.clock.pass_by(minutes=2)

    listing.prices["btc"] = ("125", 0)
    assert set(await frozen(prices, ["btc"])) == {"btc"}
    # Two minutes later the first price is out of sight: it is held against 115 alone.
    listing.clock.pass_by(minutes=2)
    assert await dollars(prices, "btc") == {"btc": "125"}


# --- with CoinGecko as the second source ----------------------------------------------------------


class Gecko:
    """CoinGecko's /simple/price as an ASGI application. Coin to USD and age in seconds."""

    def __init__(self, clock, **coins):
        self.clock = clock
        self.coins = coins
        self.status = 200
        self.body = None

    async def __call__(self, scope, receive, send):
        entries = (
            f'"{coin}":{{"usd":{usd},"last_updated_at":{int(self.clock.time.timestamp()) - age}}}'
            for coin, (usd, age) in self.coins.items()
        )
        body = self.body if self.body is not None else "{" + ",".join(entries) + "}"
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": body.encode()})


def joined(listing, *, log=None, **coins):
    """The venue with CoinGecko beside it, which is asked each time."""
    gecko = Gecko(listing.clock, **coins)
    second = CoinGecko(
        pace=Pace(refresh_seconds=0, spacing_seconds=0, rest_seconds=0),
        limits=replace(NOW_LIMITS, attempts=1, failures_to_open=1000),
        app=gecko,
    )
    return gecko, VenuePrices(listing, listing.clock, second=second, log=log)


async def test_one_asset_that_disagrees_is_frozen_and_the_price_is_the_venues():
    listing = Listing(btc=("100", 0), wnear=("5", 0), pepe=("1", 0))
    _, prices = joined(listing, bitcoin=("105.01", 0), near=("5.25", 0))

    assert await frozen(prices, ["btc", "wnear", "pepe"]) == {
        "btc": "its price of 100 USD does not agree with 105.01 USD of coingecko"
    }
    assert await dollars(prices, "wnear", "pepe") == {"wnear": "5", "pepe": "1"}


async def test_a_jump_that_the_second_source_sees_too_is_no_reason_to_stop():
    listing = Listing(btc=("100", 0))
    gecko, prices = joined(listing, bitcoin=("100", 0))
    await prices.get(["btc"])

    listing.clock.pass_by(seconds=30)
    listing.prices["btc"] = ("70", 0)
    assert await frozen(prices, ["btc"]) == {
        "btc": "its price of 70 USD does not agree with 100 USD of coingecko"
    }
    gecko.coins["bitcoin"] = ("71", 0)
    assert await dollars(prices, "btc") == {"btc": "70"}


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 429},
        {"status": 503},
        {"status": 401},
        {"body": "[]"},
        {"body": '{"bitcoin":{"usd":"'},
        {"body": '{"bitcoin":{"usd":-1,"last_updated_at":1}}'},
        {"coins": {}},
        {"coins": {"bitcoin": ("700", 121)}},
        {"coins": {"bitcoin": ("700", -6)}},
    ],
    ids=str,
)
async def test_a_second_source_in_trouble_stops_nothing_and_confirms_nothing(trouble):
    listing = Listing(btc=("100", 0))
    gecko, prices = joined(listing)
    for name, value in trouble.items():
        setattr(gecko, name, value)

    assert await dollars(prices, "btc") == {"btc": "100"}
    listing.prices["btc"] = ("125", 0)
    assert await frozen(prices, ["btc"]) == {
        "btc": "its price jumped from 100 to 125 USD and no second source confirms it"
    }


async def test_a_second_source_never_stands_in_for_the_venue():
    listing = Listing(btc=("100", 121))
    _, prices = joined(listing, bitcoin=("100", 0), near=("5", 0))

    assert set(await frozen(prices, ["btc", "wnear"])) == {"btc", "wnear"}


# --- kept as they were seen -----------------------------------------------------------------------


class Log:
    """Keeps what it is given; can be made to fail, or to take its time."""

    def __init__(self, error=None, gate=None):
        self.kept = []
        self.error = error
        self.gate = gate

    async def keep(self, observations):
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        self.kept.append([(one.asset_id, one.source, str(one.usd)) for one in observations])


async def test_what_was_usable_is_kept_from_both_sources_and_what_was_not_is_not():
    listing = Listing(btc=("100", 0), wnear=("5", 0), usdc=("1", 0), usdt=("0", 0))
    log = Log()
    _, prices = joined(
        listing, log=log, bitcoin=("101", 0), near=("9", 0), **{"usd-coin": ("1", 200)}
    )

    await frozen(prices, ["btc", "wnear", "usdc", "usdt"])
    await prices.close()

    assert [sorted(one) for one in log.kept] == [
        [
            ("btc", "1click", "100"),
            ("btc", "coingecko", "101"),
            ("usdc", "1click", "1"),
            ("wnear", "coingecko", "9"),
        ]
    ]


async def test_an_asset_is_kept_once_a_minute_of_the_domain_clock():
    listing = Listing(btc=("100", 0), wnear=("5", 0))
    log = Log()
    prices = VenuePrices(listing, listing.clock, log=log)

    async def look(*names, **later):
        listing.clock.pass_by(**later)
        await prices.get(names)
        await prices.close()
        return [asset_id for asset_id, _, _ in log.kept[-1]], len(log.kept)

    assert await look("btc") == (["btc"], 1)
    assert await look("btc", seconds=59) == (["btc"], 1)
    assert await look("btc", "wnear") == (["wnear"], 2)
    assert await look("btc", "wnear", seconds=1) == (["btc"], 3)
    assert await look("btc", "wnear", seconds=59) == (["wnear"], 4)


async def test_a_log_that_fails_disturbs_no_price_and_is_tried_again():
    listing = Listing(btc=("100", 0))
    log = Log(error=OSError("disk full"))
    prices = VenuePrices(listing, listing.clock, log=log)

    assert await dollars(prices, "btc") == {"btc": "100"}
    await prices.close()
    log.error = None
    listing.clock.pass_by(minutes=1)
    assert await dollars(prices, "btc") == {"btc": "100"}
    await prices.close()

    assert log.kept == [[("btc", "1click", "100")]]


async def test_a_log_that_hangs_delays_no_price_and_closing_lets_it_finish():
    listing = Listing(btc=("100", 0))
    log = Log(gate=asyncio.Event())
    prices = VenuePrices(listing, listing.clock, log=log)

    for _ in range(3):
        async with asyncio.timeout(60):
            assert await dollars(prices, "btc") == {"btc": "100"}
        listing.clock.pass_by(minutes=1)
    assert log.kept == []

    log.gate.set()
    await prices.close()
    assert log.kept == [[("btc", "1click", "100")]]
