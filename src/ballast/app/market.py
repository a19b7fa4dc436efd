"""What can be held, and what it costs now."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from ballast.app.app import App
from ballast.app.assets import ROUTING_PREFIX, chain_of
from ballast.app.inputs import Input
from ballast.app.operation import Call, Output
from ballast.app.ports import ListedAsset
from ballast.app.problems import NO_CURSOR
from ballast.app.views import AssetView

# In a place in this list: symbol, chain and id, in the order of the list.
_POSITION_BARS: Final = 2


def _position_text(text: str | None) -> str | None:
    if text is not None and text.count("|") != _POSITION_BARS:
        raise ValueError(NO_CURSOR)
    return text


class ListAssets(Input):
    """Input of list_assets."""

    search: Annotated[
        str | None,
        Field(max_length=140, description="Part of a symbol or asset id; leave out for all."),
    ] = None
    chain: Annotated[str | None, Field(max_length=40, description="Only on this chain.")] = None
    cursor: Annotated[
        str | None,
        AfterValidator(_position_text),
        Field(max_length=140, description="next_cursor of the page before."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Assets a page.")] = 50


class PricedAsset(AssetView):
    """An asset with its price."""

    decimals: int
    price_usd: str
    price_at: datetime


class AssetPage(Output):
    """A page of assets, sorted by symbol and chain."""

    assets: list[PricedAsset]
    total: int
    next_cursor: str | None


async def list_assets(app: App, call: Call, given: ListAssets) -> AssetPage:
    """List what an index can hold, with chain, id and price in USD. Search by symbol to find out
    which USDC is which."""
    listed = await app.venue.list_assets()
    found = sorted((one for one in listed.values() if _fits(one, given)), key=_position)
    rest = [one for one in found if given.cursor is None or _position(one) > given.cursor]
    page = rest[: given.limit]
    return AssetPage(
        mode=app.mode,
        assets=[_line(one) for one in page],
        total=len(found),
        next_cursor=_position(page[-1]) if len(rest) > given.limit else None,
    )


def _fits(one: ListedAsset, given: ListAssets) -> bool:
    asset = one.asset
    if asset.asset_id.startswith(ROUTING_PREFIX):
        return False
    if given.chain and asset.chain != chain_of(given.chain):
        return False
    word = (given.search or "").strip().casefold()
    return word in asset.symbol.casefold() or word in asset.asset_id.casefold()


def _position(one: ListedAsset) -> str:
    return f"{one.asset.symbol.upper()}|{one.asset.chain}|{one.asset.asset_id}"


def _line(one: ListedAsset) -> PricedAsset:
    return PricedAsset(
        **AssetView.of(one.asset).model_dump(),
        decimals=one.asset.decimals,
        price_usd=f"{one.price.usd:f}",
        price_at=one.price.observed_at,
    )
