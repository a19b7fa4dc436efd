"""Prices for use cases that trade, which need all of them, and for those that only show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ballast.app.app import App
from ballast.core.drift import AssetPrice
from ballast.core.index import Asset
from ballast.core.trading import Price
from ballast.errors import BallastError, ErrorCode


async def usable_prices(
    app: App, asset_ids: Iterable[str]
) -> tuple[Mapping[str, Price], dict[str, str]]:
    """Every usable price, and for each asset without one the reason.

    For showing only: a missing price must not hide a holding. What trades asks `app.prices.get`.
    """
    wanted = sorted(asset_ids)
    try:
        return await app.prices.get(wanted), {}
    except BallastError as missing:
        if missing.code is not ErrorCode.PRICE_UNAVAILABLE:
            return {}, dict.fromkeys(wanted, "the venue does not answer")
        reasons = _reasons(missing, wanted)
    rest = [asset_id for asset_id in wanted if asset_id not in reasons]
    if not rest or len(rest) == len(wanted):
        return {}, reasons or dict.fromkeys(wanted, "no usable price")
    try:
        return await app.prices.get(rest), reasons
    except BallastError:
        return {}, dict.fromkeys(wanted, "no usable price")


def _reasons(missing: BallastError, wanted: list[str]) -> dict[str, str]:
    named = missing.details.get("assets")
    if not isinstance(named, list):
        return dict.fromkeys(wanted, "no usable price")
    return {str(one["asset_id"]): str(one["reason"]) for one in named if isinstance(one, dict)}


def price_inputs(prices: Mapping[str, Price], assets: Mapping[str, Asset]) -> dict[str, AssetPrice]:
    """Prices with decimals, as the planning core wants them."""
    return {
        asset_id: AssetPrice(decimals=assets[asset_id].decimals, price=price.usd)
        for asset_id, price in prices.items()
        if asset_id in assets
    }
