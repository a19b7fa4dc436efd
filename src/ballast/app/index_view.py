"""An index as people read it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ballast.app.app import App
from ballast.app.by_itself import by_itself
from ballast.app.limit_words import limits_as_words
from ballast.app.operation import Output
from ballast.app.pricing import usable_prices
from ballast.app.views import (
    AssetView,
    HoldingView,
    PolicyView,
    percent_of,
    price_text,
    target_percent,
)
from ballast.core.index import Asset, Index
from ballast.core.ledger import HELD, Account, Balances, held
from ballast.core.money import dollars, format_amount, format_percent_bps, value_pico
from ballast.core.states import IndexState
from ballast.core.trading import Price
from ballast.errors import BallastError


class IndexView(Output):
    """An index with its holdings and settings."""

    index_id: str
    name: str
    state: str
    value_usd: str | None
    holdings: list[HoldingView]
    base_asset: AssetView
    buffer_percent: str
    policy: PolicyView
    limits: dict[str, str]
    by_itself: str
    account_id: str
    created_at: datetime
    last_rebalanced_at: datetime | None
    next_step: str


async def known_assets(app: App, asset_ids: set[str]) -> dict[str, Asset]:
    """Assets by id: from the venue's list while it is at hand, else from the store."""
    try:
        listed = await app.venue.list_assets()
    except BallastError:
        listed = {}
    assets = {one: listed[one].asset for one in asset_ids if one in listed}
    missing = sorted(asset_ids - assets.keys())
    if missing:
        async with app.store.read() as reader:
            assets.update(await reader.get_assets(missing))
    return assets


@dataclass(slots=True)
class _LastView:
    """A view, and all that it was made of; `units` are held, by asset, as `balances` say."""

    index: Index
    balances: Balances
    units: Mapping[str, int]
    prices: Mapping[str, Price]
    view: IndexView
    busy: bool


_last_views: OrderedDict[str, _LastView] = OrderedDict()
_MOST_VIEWS: Final = 256


async def view_now(app: App, index: Index, balances: Balances) -> tuple[IndexView, bool]:
    """An index as people see it, at the prices of now; and whether anything is set aside for swaps
    that have not ended.

    The view that was shown last is shown again while the index, its balances and the prices are
    the same: whoever looks often finds the same prices for as long as the venue's list is kept.
    What an asset is called comes with its price, from the same list.
    """
    before = _last_views.get(index.index_id)
    units = before.units if before and before.balances is balances else held(balances)
    prices, _ = await usable_prices(app, units)
    if before and (before.index, before.balances, before.prices) == (index, balances, prices):
        # The same prices of a newer list: to compare them with themselves again costs nothing.
        before.prices = prices
        return before.view, before.busy
    assets = await known_assets(app, {*index.targets, index.base_asset_id, *units})
    view, busy = index_view(index, balances, assets, prices), _is_busy(balances)
    if prices:
        _last_views[index.index_id] = _LastView(index, balances, units, prices, view, busy)
        _last_views.move_to_end(index.index_id)
        if len(_last_views) > _MOST_VIEWS:
            _last_views.popitem(last=False)
    return view, busy


def index_view(
    index: Index,
    balances: Mapping[tuple[str, Account], int],
    assets: Mapping[str, Asset],
    prices: Mapping[str, Price],
) -> IndexView:
    """An index as people see it. Without a price for everything held there is no total."""
    units = held(balances)
    values = {
        one: value_pico(units[one], assets[one].decimals, prices[one].usd)
        for one in units
        if one in prices
    }
    total = sum(values.values()) if values.keys() == units.keys() else None
    shown = [*index.targets, *sorted(({index.base_asset_id} | set(units)) - set(index.targets))]
    return IndexView(
        mode=index.mode,
        index_id=index.index_id,
        name=index.name,
        state=index.state.value,
        value_usd=None if total is None else dollars(total),
        holdings=[
            HoldingView(
                asset_id=one,
                symbol=assets[one].symbol,
                chain=assets[one].chain,
                amount=format_amount(units.get(one, 0), assets[one].decimals),
                amount_units=str(units.get(one, 0)),
                price_usd=price_text(prices.get(one)),
                value_usd=dollars(values[one]) if one in values else None,
                weight_percent=percent_of(values.get(one, 0), total) if total else None,
                target_percent=target_percent(index, one),
            )
            for one in shown
        ],
        base_asset=AssetView.of(assets[index.base_asset_id]),
        buffer_percent=format_percent_bps(index.buffer_bps),
        policy=PolicyView.of(index.policy),
        limits=limits_as_words(index.limits),
        by_itself=by_itself(index.policy),
        account_id=index.account_id,
        created_at=index.created_at,
        last_rebalanced_at=index.last_rebalanced_at,
        next_step=_next_step(index, balances),
    )


def _is_busy(balances: Mapping[tuple[str, Account], int]) -> bool:
    """Whether anything is set aside for swaps that have not ended."""
    return any(units for (_, account), units in balances.items() if account in HELD[1:])


def _next_step(index: Index, balances: Mapping[tuple[str, Account], int]) -> str:
    if index.state is IndexState.PENDING:
        return "Call deposit_address to get an address to fund it."
    if index.state is IndexState.ARCHIVED:
        return "Archived: read-only."
    if _is_busy(balances):
        return "A rebalance is running: trade_history and get_progress show it."
    if index.state is IndexState.PAUSED:
        return "Paused: call resume_index to let it trade."
    return "Call get_drift to see how far it is from its targets."
