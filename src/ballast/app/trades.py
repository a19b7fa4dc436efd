"""What was traded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ballast.app.app import App
from ballast.app.assets import resolve_asset
from ballast.app.fields import AssetName, IndexId, Moment, RebalanceId
from ballast.app.inputs import Input
from ballast.app.naming import no_such_index
from ballast.app.operation import Call, Output
from ballast.app.ports import Reader, TradeFilter
from ballast.app.problems import Wrong
from ballast.app.progress import swap_views
from ballast.app.views import SwapView
from ballast.core.states import SwapState


class TradeHistory(Input):
    """Input of trade_history."""

    index_id: IndexId
    asset: Annotated[
        AssetName | None, Field(description="Only swaps that sold or bought this asset.")
    ] = None
    rebalance_id: Annotated[
        RebalanceId | None, Field(description="Only the swaps of this rebalance.")
    ] = None
    state: Annotated[
        Literal["settled", "open", "not_settled"] | None,
        Field(description="settled; open: still running; not_settled: refunded or failed."),
    ] = None
    since: Annotated[Moment | None, Field(description="Made at or after this time.")] = None
    until: Annotated[Moment | None, Field(description="Made before this time.")] = None
    cursor: Annotated[
        str | None,
        Field(pattern=r"^swp_[0-9A-Z]{26}$", description="next_cursor of the page before."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Swaps a page.")] = 20


class TradePage(Output):
    """A page of swaps, newest first."""

    index_id: str
    swaps: list[SwapView]
    next_cursor: str | None


_STATES = {
    "settled": (SwapState.SETTLED,),
    "not_settled": (SwapState.REFUNDED, SwapState.FAILED, SwapState.WRITTEN_OFF),
    "open": (
        SwapState.PLANNED,
        SwapState.QUOTED,
        SwapState.SIGNED,
        SwapState.PUBLISHED,
        SwapState.ATTENTION,
    ),
}


async def check_trades(app: App, call: Call, given: TradeHistory, wrong: Wrong) -> None:
    """What is wrong with a question for trades."""
    if given.index_id:
        async with app.store.read_short() as reader:
            if await reader.get_index(call.owner_id, given.index_id) is None:
                wrong.add("index_id", no_such_index(given.index_id))
    with wrong.about("asset"):
        await _asset_id(app, given.asset)


async def trade_history(app: App, call: Call, given: TradeHistory) -> TradePage:
    """List the swaps of an index, newest first, with amounts, values and states. Filter by asset,
    rebalance, state and time; next_cursor leads to older ones."""
    async with app.store.read() as reader:
        if await reader.get_index(call.owner_id, given.index_id) is None:
            raise no_such_index(given.index_id)
    wanted = TradeFilter(
        index_id=given.index_id,
        asset_id=await _asset_id(app, given.asset),
        rebalance_id=given.rebalance_id,
        states=_STATES[given.state] if given.state else (),
        since=given.since,
        until=given.until,
        after=given.cursor,
        limit=given.limit + 1,
    )
    async with app.store.read() as reader:
        return await _page(app, reader, call.owner_id, given, wanted)


async def _asset_id(app: App, word: str | None) -> str | None:
    if word is None:
        return None
    listed = await app.venue.list_assets()
    return resolve_asset(word, listed, base_asset_id=None).asset_id


async def _page(
    app: App, reader: Reader, owner_id: str, given: TradeHistory, wanted: TradeFilter
) -> TradePage:
    found = await reader.list_swaps(owner_id, wanted)
    page = found[: given.limit]
    assets = await reader.get_assets(sorted({a for one in page for a in (one.sell, one.buy)}))
    return TradePage(
        mode=app.mode,
        index_id=given.index_id,
        swaps=await swap_views(reader, page, assets),
        next_cursor=page[-1].swap_id if len(found) > given.limit else None,
    )
