"""`GET /v0/tokens`. Source: the 1Click API reference."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ballast.devnet.market import grid_time
from ballast.devnet.network import Network
from ballast.devnet.tokens import Token
from ballast.devnet.wire import Call, Reply, iso_millis


def tokens(network: Network, call: Call) -> Reply:
    """Every listed asset with its price at the latest refresh on a fixed grid of times."""
    refreshed = grid_time(call.now)
    prices = {token.coin: network.market.price(token.coin, refreshed) for token in network.tokens()}
    listed = [_listing(token, float(prices[token.coin]), refreshed) for token in network.tokens()]
    return Reply(200, listed)


def _listing(token: Token, price: float, refreshed: datetime) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "assetId": token.asset_id,
        "decimals": token.decimals,
        "blockchain": token.blockchain,
        "symbol": token.symbol,
        "price": price,
        "priceUpdatedAt": iso_millis(refreshed),
    }
    if token.contract_address is not None:
        fields["contractAddress"] = token.contract_address
    return fields
