"""The market as a pass over very many indexes sees it: usable prices, each asked for once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ballast.app.app import App
from ballast.app.ports import WatchedBasket, WatchedIndex
from ballast.app.pricing import price_inputs, usable_prices
from ballast.core.drift import AssetPrice
from ballast.core.index import Asset, planning_targets


class Market:
    """Usable prices of a pass, and what the pages it learns of hold of what has one.

    Attributes:
        prices: of assets that have a usable one.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._asked: set[str] = set()
        self._assets: dict[str, Asset] = {}
        self._listed: frozenset[str] = frozenset()
        self._targets: dict[WatchedBasket, dict[str, int]] = {}
        self._wanted: dict[WatchedBasket, frozenset[str]] = {}
        self.prices: dict[str, AssetPrice] = {}

    async def learn(self, page: Iterable[WatchedIndex]) -> None:
        """Ask for what these indexes hold or should hold and nobody has asked for yet."""
        self._listed = frozenset(await self._app.venue.list_assets())
        baskets = {one.basket for one in page}
        self._targets = {basket: planning_targets(basket) for basket in baskets}
        self._wanted = {
            basket: frozenset({*targets, basket.base_asset_id})
            for basket, targets in self._targets.items()
        }
        held = {asset for one in page for asset in one.held}
        wanted = (held & self._listed).union(*self._wanted.values()) - self._asked
        if not wanted:
            return
        self._asked |= wanted
        async with self._app.store.read() as reader:
            self._assets |= await reader.get_assets(sorted(wanted))
        prices, _ = await usable_prices(self._app, wanted)
        self.prices |= price_inputs(prices, self._assets)

    def targets(self, one: WatchedIndex) -> Mapping[str, int]:
        """Weights of an index of the page, with its cash buffer worked in."""
        return self._targets[one.basket]

    def counted(self, one: WatchedIndex) -> Mapping[str, int]:
        """What an index of the page holds, without what the venue no longer lists and it does not
        want: base units by asset."""
        if one.held.keys() <= self.prices.keys():
            return one.held
        counts = self._listed | self._wanted[one.basket]
        return {asset: units for asset, units in one.held.items() if asset in counts}

    def knows(self, one: WatchedIndex) -> bool:
        """Whether there is a price for all that it wants and that is counted of it."""
        priced = self.prices.keys()
        return self._wanted[one.basket] <= priced and self.counted(one).keys() <= priced
