"""CoinGecko's HTTP API, played by a small ASGI application, through the real HTTP client."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from ballast.adapters.coingecko import (
    DEMO_PACE,
    KEYLESS_PACE,
    NOW_LIMITS,
    PRO_PACE,
    CoinGecko,
    CoinGeckoPlan,
    Pace,
    coin_of,
)
from ballast.app.ports import ListedAsset
from ballast.core.index import Asset
from ballast.core.trading import Price
from ballast.errors import BallastError, ErrorCode

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
STAMP = int(NOW.timestamp())
AT_ONCE = Pace(refresh_seconds=60, spacing_seconds=0)
QUICK = replace(NOW_LIMITS, first_wait_seconds=0.001)


class Gecko:
    """Answers from `prices` (coin to JSON text of its entry), or as told in `answers`."""

    def __init__(self, **prices):
        self.prices = prices
        self.answers = []  # of (status, headers, body), used up one by one
        self.requests = []

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "http"
        query = {name: one for name, [one] in parse_qs(scope["query_string"].decode()).items()}
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        loop = asyncio.get_running_loop()
        self.requests.append((scope["path"], query, headers, loop.time()))
        status, extra, body = self.answers.pop(0) if self.answers else self.spot(query)
        lines = [(name.encode(), value.encode()) for name, value in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body.encode()})

    def spot(self, query):
        known = {coin: self.prices[coin] for coin in query["ids"].split(",") if coin in self.prices}
        return 200, {}, "{" + ",".join(f'"{coin}":{entry}' for coin, entry in known.items()) + "}"

    @property
    def asked_for(self):
        return [query["ids"].split(",") for _, query, _, _ in self.requests]


def spot(usd, at=STAMP):
    return f'{{"usd": {usd}, "last_updated_at": {at}}}'


def listed(symbol, chain, asset_id=None):
    asset_id = asset_id or f"{symbol}-on-{chain}".lower()
    price = Price(asset_id, Decimal(1), "1click", NOW)
    return ListedAsset(Asset(asset_id, symbol, chain, 8), price, None)


BTC, ETH, SOL = listed("BTC", "near"), listed("ETH", "eth"), listed("SOL", "sol")


def client(app, plan=CoinGeckoPlan.DEMO, **given):
    return CoinGecko(plan, **{"pace": AT_ONCE, "limits": QUICK, "app": app} | given)


# --- where it asks, and with which key ------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "key", "host", "header"),
    [
        (CoinGeckoPlan.DEMO, None, "api.coingecko.com", None),
        (CoinGeckoPlan.DEMO, "demo-key", "api.coingecko.com", "x-cg-demo-api-key"),
        (CoinGeckoPlan.PRO, "pro-key", "pro-api.coingecko.com", "x-cg-pro-api-key"),
    ],
)
async def test_each_plan_has_its_host_and_its_header(plan, key, host, header):
    gecko = Gecko(bitcoin=spot("67000"))

    await client(gecko, plan, key=key and SecretStr(key)).look([BTC])

    [(path, _, headers, _)] = gecko.requests
    assert path == "/api/v3/simple/price"
    assert headers["host"] == host
    keys = {name: value for name, value in headers.items() if name.startswith("x-cg-")}
    assert keys == ({header: key} if header else {})


async def test_another_address_of_the_api_can_be_set():
    gecko = Gecko(bitcoin=spot("67000"))

    await client(gecko, base_url="http://mirror.invalid/cg/").look([BTC])

    [(path, _, headers, _)] = gecko.requests
    assert (headers["host"], path) == ("mirror.invalid", "/cg/simple/price")


def test_the_pro_plan_without_a_key_and_an_address_that_is_none_are_refused():
    for given in ({"plan": CoinGeckoPlan.PRO}, {"base_url": "api.coingecko.com"}):
        with pytest.raises(BallastError) as refused:
            CoinGecko(**given)
        assert refused.value.code is ErrorCode.SETTINGS_INVALID


def test_no_pace_asks_more_than_its_plan_allows_in_a_minute():
    assert 60 / KEYLESS_PACE.spacing_seconds <= 10
    assert 60 / DEMO_PACE.spacing_seconds <= 30
    assert 60 / PRO_PACE.spacing_seconds <= 250


# --- which coin an asset is -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "chain", "coin"),
    [
        ("BTC", "near", "bitcoin"),
        ("BTC", "btc", "bitcoin"),
        ("ETH", "base", "ethereum"),
        ("wNEAR", "near", "near"),
        ("cbBTC", "base", "coinbase-wrapped-btc"),
        ("USDC", "near", "usd-coin"),
        ("USDT", "tron", "tether"),
        ("USDT", "bsc", None),  # issued by Binance, not by Tether
        ("BTC", "sol", None),
        ("ETH", "fogo", None),
        ("PEPE", "eth", None),
        ("bitcoin", "near", None),
    ],
)
def test_a_coin_is_known_by_symbol_and_chain_and_never_guessed(symbol, chain, coin):
    assert coin_of(listed(symbol, chain)) == coin


# --- prices now -----------------------------------------------------------------------------------


async def test_prices_come_exact_with_their_own_time_under_the_id_of_the_asset():
    gecko = Gecko(bitcoin=spot("67187.3358936566"), solana=spot("140", STAMP - 75))

    found = await client(gecko).look([BTC, SOL, ETH, listed("PEPE", "eth")])

    assert found == {
        "btc-on-near": Price("btc-on-near", Decimal("67187.3358936566"), "coingecko", NOW),
        "sol-on-sol": Price("sol-on-sol", Decimal(140), "coingecko", NOW - timedelta(seconds=75)),
    }
    [(_, query, _, _)] = gecko.requests
    assert query == {
        "ids": "bitcoin,ethereum,solana",
        "vs_currencies": "usd",
        "include_last_updated_at": "true",
        "precision": "full",
    }


async def test_one_coin_on_many_chains_is_asked_for_once():
    gecko = Gecko(ethereum=spot("3000"))

    found = await client(gecko).look([ETH, listed("ETH", "base"), listed("ETH", "arb")])

    assert gecko.asked_for == [["ethereum"]]
    assert {price.usd for price in found.values()} == {Decimal(3000)}
    assert set(found) == {"eth-on-eth", "eth-on-base", "eth-on-arb"}


async def test_nothing_is_asked_when_no_coin_is_known():
    gecko = Gecko()

    assert await client(gecko).look([listed("PEPE", "eth")]) == {}
    assert gecko.requests == []


async def test_many_coins_are_asked_for_in_calls_of_the_size_allowed():
    gecko = Gecko(bitcoin=spot(1), ethereum=spot(2), solana=spot(3))

    found = await client(gecko, pace=replace(AT_ONCE, ids_per_call=2)).look([SOL, ETH, BTC])

    assert gecko.asked_for == [["bitcoin", "ethereum"], ["solana"]]
    assert len(found) == 3


async def test_what_was_read_a_moment_ago_is_not_asked_for_again():
    gecko = Gecko(bitcoin=spot(1), ethereum=spot(2))
    source = client(gecko)

    first = await source.look([BTC, SOL])
    gecko.prices["bitcoin"] = spot(100)
    assert await source.look([BTC, SOL]) == first
    await source.look([BTC, ETH])

    # Not even a coin that CoinGecko does not know.
    assert gecko.asked_for == [["bitcoin", "solana"], ["ethereum"]]


async def test_what_is_old_is_read_again_together_with_everything_else_that_is_old():
    gecko = Gecko(bitcoin=spot(1), ethereum=spot(2))
    source = client(gecko, pace=replace(AT_ONCE, refresh_seconds=0))

    await source.look([BTC])
    gecko.prices["bitcoin"] = spot(100)
    await source.look([ETH])
    found = await source.look([BTC])

    assert gecko.asked_for == [["bitcoin"], ["ethereum", "bitcoin"], ["bitcoin", "ethereum"]]
    assert found["btc-on-near"].usd == 100


async def test_several_callers_at_once_ask_once():
    gecko = Gecko(bitcoin=spot(1))
    source = client(gecko)

    found = await asyncio.gather(*(source.look([BTC]) for _ in range(5)))

    assert len(gecko.requests) == 1
    assert all(one["btc-on-near"].usd == 1 for one in found)


async def test_calls_keep_their_distance():
    gecko = Gecko(bitcoin=spot(1), ethereum=spot(2), solana=spot(3))
    source = client(gecko, pace=Pace(refresh_seconds=60, spacing_seconds=0.05, ids_per_call=1))
    began = asyncio.get_running_loop().time()

    assert len(await source.look([BTC, ETH, SOL])) == 3

    _, second, third = (time - began for *_, time in gecko.requests)
    assert second >= 0.05
    assert third >= 0.1


# --- when it fails --------------------------------------------------------------------------------


async def test_a_short_wait_that_it_asks_for_is_waited():
    gecko = Gecko(bitcoin=spot(1))
    gecko.answers = [(429, {"Retry-After": "0"}, "{}")]
    source = client(gecko)

    assert set(await source.look([BTC])) == {"btc-on-near"}
    assert len(gecko.requests) == 2
    assert source.fault is None


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((429, {"Retry-After": "60"}, "{}"), "it asks to be left alone (429)"),
        ((401, {}, '{"status":{"error_code":10002}}'), "it answered with status 401"),
        ((403, {}, "<html>"), "it answered with status 403"),
        ((302, {"Location": "https://elsewhere.invalid"}, ""), "it answered with status 302"),
        ((200, {}, "[]"), "its answer is not what was asked for"),
        ((200, {}, "null"), "its answer is not what was asked for"),
    ],
)
async def test_when_it_fails_it_is_absent_and_left_alone_for_a_while(answer, fault):
    gecko = Gecko(bitcoin=spot(1))
    gecko.answers = [answer]
    source = client(gecko)

    assert await source.look([BTC]) == {}
    assert source.fault == fault
    assert await source.look([BTC]) == {}
    assert len(gecko.requests) == 1


@pytest.mark.parametrize("body", ['{"bitcoin": {"usd": 1', '{"bitcoin": NaN}', "\xff", ""])
async def test_an_answer_that_is_no_json_is_none(body):
    gecko = Gecko()
    gecko.answers = [(200, {}, body), (200, {}, body)]

    assert await client(gecko).look([BTC]) == {}


async def test_an_outage_leaves_the_last_price_with_its_age():
    gecko = Gecko(bitcoin=spot(1, STAMP - 50))
    source = client(gecko, pace=replace(AT_ONCE, refresh_seconds=0))
    before = await source.look([BTC])
    gecko.answers = [(503, {}, "")] * 2

    assert await source.look([BTC]) == before
    assert before["btc-on-near"].observed_at == NOW - timedelta(seconds=50)
    assert source.fault == "it answered with status 503"


async def test_after_its_rest_it_is_asked_again_and_counts_again():
    gecko = Gecko(bitcoin=spot(1))
    gecko.answers = [(401, {}, "{}")]
    source = client(gecko, pace=replace(AT_ONCE, rest_seconds=0))

    assert await source.look([BTC]) == {}
    assert set(await source.look([BTC])) == {"btc-on-near"}
    assert source.fault is None


@pytest.mark.parametrize(
    "entry",
    [
        "null",
        "{}",
        "[]",
        "7",
        '{"usd": null, "last_updated_at": 1}',
        '{"usd": 1}',
        '{"usd": 1, "last_updated_at": null}',
        '{"usd": 1, "last_updated_at": "1768478400"}',
        '{"usd": 1, "last_updated_at": 1768478400.5}',
        '{"usd": 1, "last_updated_at": -1}',
        '{"usd": 1, "last_updated_at": 99999999999999}',
        '{"usd": "1", "last_updated_at": 1768478400}',
        '{"usd": "NaN", "last_updated_at": 1768478400}',
        '{"usd": true, "last_updated_at": 1768478400}',
        '{"usd": 0, "last_updated_at": 1768478400}',
        '{"usd": -1.5, "last_updated_at": 1768478400}',
        '{"usd": 1e999999999, "last_updated_at": 1768478400}',
    ],
)
async def test_one_senseless_price_is_absent_and_the_others_are_not(entry):
    gecko = Gecko(bitcoin=entry, ethereum=spot("3000.5"))

    found = await client(gecko).look([BTC, ETH])

    assert {asset_id: price.usd for asset_id, price in found.items()} == {
        "eth-on-eth": Decimal("3000.5")
    }


# --- prices of the past ---------------------------------------------------------------------------


def chart(*points):
    return 200, {}, '{"prices": ' + json.dumps(points) + ', "market_caps": []}'


async def test_the_past_comes_in_order_exact_and_within_what_was_asked():
    first = STAMP * 1000
    gecko = Gecko()
    gecko.answers = [
        chart(
            [first + 7_200_000, 42493.27],
            [first - 1, 1.0],
            [first, 42261],
            [first + 3_600_500, 42261.0406175669],
            [first + 7_200_001, 9.0],
        )
    ]

    found = await client(gecko).history(BTC, NOW, NOW + timedelta(hours=2))

    assert found == (
        Price("btc-on-near", Decimal(42261), "coingecko", NOW),
        Price(
            "btc-on-near",
            Decimal("42261.0406175669"),
            "coingecko",
            NOW + timedelta(hours=1, milliseconds=500),
        ),
        Price("btc-on-near", Decimal("42493.27"), "coingecko", NOW + timedelta(hours=2)),
    )
    [(path, query, _, _)] = gecko.requests
    assert path == "/api/v3/coins/bitcoin/market_chart/range"
    assert query == {
        "vs_currency": "usd",
        "from": str(STAMP),
        "to": str(STAMP + 7200),
        "precision": "full",
    }


async def test_part_seconds_of_a_span_are_asked_for_whole():
    gecko = Gecko()
    gecko.answers = [chart()]
    half = timedelta(milliseconds=500)

    assert await client(gecko).history(BTC, NOW + half, NOW + timedelta(seconds=1) + half) == ()

    query = gecko.requests[0][1]
    assert (query["from"], query["to"]) == (str(STAMP), str(STAMP + 2))


async def test_points_without_a_sensible_price_are_left_out_and_doubles_are_one():
    at = STAMP * 1000
    gecko = Gecko()
    gecko.answers = [
        chart([at, None], [at + 1, 0], [at + 2, -1], [at + 3], ["x", 1], 5, [at, 7], [at, 7])
    ]

    found = await client(gecko).history(BTC, NOW, NOW + timedelta(seconds=1))

    assert [(price.usd, price.observed_at) for price in found] == [(Decimal(7), NOW)]


@pytest.mark.parametrize(
    ("asset", "answer", "fault"),
    [
        (listed("PEPE", "eth"), None, "it is not known which coin this is"),
        # Further back than the demo plan reaches.
        (
            BTC,
            (401, {}, '{"error":{"status":{"error_code":10012}}}'),
            "it answered with status 401",
        ),
        (BTC, (404, {}, '{"error":"coin not found"}'), "it answered with status 404"),
        (BTC, (200, {}, '{"prices": null}'), "its answer is not what was asked for"),
        (BTC, (200, {}, "[]"), "its answer is not what was asked for"),
        (BTC, (429, {"Retry-After": "60"}, ""), "it asks to be left alone (429)"),
    ],
)
async def test_a_past_that_cannot_be_had_is_refused_with_the_reason(asset, answer, fault):
    gecko = Gecko(bitcoin=spot(1))
    gecko.answers = [answer] if answer else []
    source = client(gecko)

    with pytest.raises(BallastError) as refused:
        await source.history(asset, NOW - timedelta(days=400), NOW)

    assert refused.value.code is ErrorCode.PRICE_UNAVAILABLE
    assert refused.value.details["fault"] == fault
    # The past is one thing, prices now another.
    assert set(await source.look([BTC])) == {"btc-on-near"}
