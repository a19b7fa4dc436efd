"""Prices of the past: those that were seen, those that a second source fills in, page by page."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from ballast.core.trading import Price
from ballast.errors import BallastError, ErrorCode

BTC = "nep141:nbtc.bridge.near"
HOUR = timedelta(hours=1)


class Elsewhere:
    """A second source with a price for every hour; it counts how often it is asked."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.asked = []

    async def history(self, listed, start, end):
        self.asked.append((start, end))
        if self.fault:
            raise BallastError(ErrorCode.PRICE_UNAVAILABLE, self.fault)
        moment = start.replace(minute=0, second=0, microsecond=0) + HOUR
        found = []
        while moment < end:
            found.append(Price(listed.asset.asset_id, Decimal(90_000), "elsewhere", moment))
            moment += HOUR
        return found


async def seen(world, count, source="near_intents"):
    """Prices a minute apart, the last a minute ago; their texts."""
    now = world.app.clock.now()
    found = [
        Price(BTC, Decimal(91_000 + number), source, now - timedelta(minutes=count - number))
        for number in range(count)
    ]
    async with world.app.store.transaction() as tx:
        await tx.add_asset((await world.app.venue.list_assets())[BTC].asset)
        await tx.add_observations(found)
    return [f"{one.usd:f}" for one in found]


async def test_prices_are_as_they_were_seen_with_their_source_oldest_first(world):
    wanted = await seen(world, 5)

    page = await world.call("get_prices", asset=BTC)

    assert [one.usd for one in page.prices] == wanted
    assert {one.source for one in page.prices} == {"near_intents"}
    assert page.next_cursor is None
    assert page.asset.symbol == "BTC"


async def test_pages_lose_and_repeat_nothing_also_where_two_sources_speak_at_once(world):
    await seen(world, 35)
    await seen(world, 35, source="elsewhere")
    found, cursor = [], None
    for _ in range(20):
        page = await world.call("get_prices", asset=BTC, limit=11, cursor=cursor)
        assert len(page.prices) <= 11
        found += [(one.at, one.source, one.usd) for one in page.prices]
        cursor = page.next_cursor and page.next_cursor.isoformat()
        if cursor is None:
            break

    assert len(found) == len(set(found)) == 70
    assert [at for at, _, _ in found] == sorted(at for at, _, _ in found)


async def test_a_time_holds_its_beginning_and_not_its_end(world):
    await seen(world, 10)
    page = await world.call("get_prices", asset=BTC)
    since, until = page.prices[2].at, page.prices[7].at

    part = await world.call(
        "get_prices", asset=BTC, since=since.isoformat(), until=until.isoformat()
    )

    assert part.prices == page.prices[2:7]


async def test_gaps_are_filled_in_once_from_the_second_source(world):
    world.app.history = Elsewhere()
    since = (world.app.clock.now() - timedelta(days=2)).isoformat()

    first = await world.call("get_prices", asset=BTC, since=since)
    again = await world.call("get_prices", asset=BTC, since=since)

    assert first.filled_in == 48
    assert {one.source for one in first.prices} == {"elsewhere"}
    assert again.prices == first.prices
    assert again.filled_in == 0
    assert len(world.app.history.asked) == 1


async def test_a_second_source_that_is_silent_spoils_nothing_and_is_said(world):
    wanted = await seen(world, 3)
    world.app.history = Elsewhere("CoinGecko gave no prices: it is busy.")

    page = await world.call("get_prices", asset=BTC)

    assert [one.usd for one in page.prices] == wanted
    assert page.problem == "CoinGecko gave no prices: it is busy."


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"asset": "NOSUCH"}, "unknown_asset"),
        ({"asset": "USDT"}, "ambiguous_asset"),
        ({"asset": BTC, "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
         "invalid_input"),
        ({"asset": BTC, "since": "2026-01-02 00:00"}, "invalid_input"),
        ({"asset": BTC, "limit": 5}, "invalid_input"),
    ],
)  # fmt: skip
async def test_a_question_that_cannot_be_answered_is_refused(world, arguments, code):
    assert (await world.refused("get_prices", **arguments)).code == code


async def test_what_trading_looked_at_is_what_is_kept(world):
    index = await world.funded_index()
    await world.app.prices.close()

    page = await world.call("get_prices", asset=BTC)

    told = await world.call("explain", index_id=index.index_id)
    [used] = [one.facts["prices"][BTC] for one in told.decisions if "prices" in one.facts]
    assert used["usd"] in [one.usd for one in page.prices]
    assert {one.source for one in page.prices} == {used["source"]}
