"""What an asset has cost: prices as they were seen, gaps filled in from a second source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Final

from pydantic import Field

from ballast.app.app import App
from ballast.app.assets import DEFAULT_BASE, resolve_asset
from ballast.app.fields import AssetName, Moment
from ballast.app.inputs import Input
from ballast.app.operation import Call, Output
from ballast.app.ports import ListedAsset
from ballast.app.problems import Wrong
from ballast.app.views import AssetView, View
from ballast.core.index import Asset
from ballast.core.trading import Price
from ballast.errors import BallastError, ErrorCode

DEFAULT_SPAN: Final = timedelta(days=1)
# Up to this span the second source has hourly prices, beyond it daily ones.
# (CoinGecko API reference, /coins/{id}/market_chart/range)
HOURLY_SPAN: Final = timedelta(days=90)


class GetPrices(Input):
    """Input of get_prices."""

    asset: AssetName
    chain: Annotated[str | None, Field(max_length=40, description="Its chain.")] = None
    since: Annotated[
        Moment | None,
        Field(description="From when on, ISO 8601 with a zone; by default a day before until."),
    ] = None
    until: Annotated[Moment | None, Field(description="Before when, likewise; by default now.")] = (
        None
    )
    cursor: Annotated[Moment | None, Field(description="next_cursor of the page before.")] = None
    limit: Annotated[int, Field(ge=10, le=500, description="Prices a page.")] = 100

    def together(self, named: frozenset[str]) -> Iterable[str]:
        """A span of time runs forwards."""
        if self.since and self.until and self.since >= self.until:
            yield "since must be before until"


class SeenPrice(View):
    """One observation."""

    at: datetime
    usd: str
    source: str


class PricePage(Output):
    """A page of prices, oldest first. `problem`: why gaps could not be filled."""

    asset: AssetView
    since: datetime
    until: datetime
    prices: list[SeenPrice]
    filled_in: int
    problem: str
    next_cursor: datetime | None


async def check_prices(app: App, call: Call, given: GetPrices, wrong: Wrong) -> None:
    """What is wrong with a question for prices."""
    if given.asset:
        with wrong.about("asset"):
            await _asset(app, given)


async def get_prices(app: App, call: Call, given: GetPrices) -> PricePage:
    """Prices of an asset between two times as Ballast saw them, with their source, oldest first.
    Gaps are filled in from CoinGecko where that is set up. Only what was looked at is there."""
    until = given.until or app.clock.now()
    since = given.since or until - DEFAULT_SPAN
    asset, listed = await _asset(app, given)
    start = max(given.cursor, since) if given.cursor else since
    kept = await _kept(app, asset, start, until, given.limit)
    filled, problem = 0, ""
    if app.history is not None and listed is not None and _has_gap(kept, start, until, given):
        filled, problem = await _fill_in(app, listed, start, until)
        kept = await _kept(app, asset, start, until, given.limit)
    page, next_cursor = _page(kept, given.limit)
    return PricePage(
        mode=app.mode,
        asset=AssetView.of(asset),
        since=since,
        until=until,
        prices=[
            SeenPrice(at=one.observed_at, usd=f"{one.usd:f}", source=one.source) for one in page
        ],
        filled_in=filled,
        problem=problem,
        next_cursor=next_cursor,
    )


async def _asset(app: App, given: GetPrices) -> tuple[Asset, ListedAsset | None]:
    """The asset that is meant, also one that has left the venue's list, by its id."""
    listed: Mapping[str, ListedAsset] = await app.venue.list_assets()
    async with app.store.read() as reader:
        known = await reader.get_assets([given.asset])
    if given.asset in known and given.asset not in listed:
        return known[given.asset], None
    asset = resolve_asset(given.asset, listed, base_asset_id=DEFAULT_BASE, chain=given.chain)
    return asset, listed[asset.asset_id]


async def _kept(
    app: App, asset: Asset, start: datetime, until: datetime, limit: int
) -> list[Price]:
    """One more than a page, so that the end of a page is known from the end of all."""
    async with app.store.read() as reader:
        return await reader.list_observations(asset.asset_id, start, until, limit + 1)


def _has_gap(kept: list[Price], start: datetime, until: datetime, given: GetPrices) -> bool:
    """Whether two neighbours are further apart than the second source's prices would be."""
    step = timedelta(hours=1) if until - start <= HOURLY_SPAN else timedelta(days=1)
    times = [start, *(one.observed_at for one in kept)]
    if len(kept) <= given.limit:
        times.append(until)
    return any(later - earlier > 2 * step for earlier, later in pairwise(times))


async def _fill_in(
    app: App, listed: ListedAsset, start: datetime, until: datetime
) -> tuple[int, str]:
    """Keep what the second source knows of this time; how much, or why nothing."""
    assert app.history is not None, "asked for only where there is one"
    try:
        found = await app.history.history(listed, start, until)
    except BallastError as refusal:
        if refusal.code is not ErrorCode.PRICE_UNAVAILABLE:
            raise
        return 0, refusal.message
    async with app.store.transaction() as tx:
        await tx.add_observations(found)
    return len(found), ""


def _page(kept: list[Price], limit: int) -> tuple[list[Price], datetime | None]:
    """A page and where the next begins. Prices of one moment stay together: two sources at most
    have one each."""
    if len(kept) <= limit:
        return kept, None
    begins = kept[limit].observed_at
    return [one for one in kept[:limit] if one.observed_at < begins], begins
