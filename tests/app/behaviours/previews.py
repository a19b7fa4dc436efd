"""Rows of a preview: prices that are none, and a venue that is not there, before any plan."""

from __future__ import annotations

from dataclasses import dataclass

from tests.app.behaviours.catalogue import Fault, fault

BTC = "nep141:nbtc.bridge.near"


@dataclass(frozen=True)
class Preview:
    """What a preview of a rebalance answers under these faults.

    Attributes:
        code: of the refusal; empty for a plan.
        words: in the refusal or its reasons.
    """

    name: str
    faults: tuple[Fault, ...]
    code: str
    words: str = ""
    basket: str = "one"


def price(name: str, form: str, words: str, code: str = "price_unavailable") -> Preview:
    """One asset's price has this form."""
    return Preview(name, (fault("tokens", "price", asset_id=BTC, form=form),), code, words)


ROWS = (
    price("a price of zero freezes the index", "zero", "no price"),
    price("a negative price freezes the index", "negative", "no price"),
    price("a price of NaN is no list", "nan", "no usable answer", "venue_unavailable"),
    price("an infinite price is no list", "infinity", "no usable answer", "venue_unavailable"),
    price("a huge price freezes the index", "huge", "cannot be one"),
    price("no price freezes the index", "null", "no price"),
    price("a price that has doubled within minutes freezes the index", "doubled", "jumped"),
    price("a price as text is a price", "text", "", ""),
    Preview("a price ten minutes old freezes the index",
            (fault("tokens", "stale-price", asset_id=BTC, seconds=600),),
            "price_unavailable", "last updated"),
    Preview("a price from the future freezes the index",
            (fault("tokens", "future-price", asset_id=BTC, seconds=600),),
            "price_unavailable", "in the future"),
    Preview("an asset that is not listed freezes the index",
            (fault("tokens", "dropped-token", asset_id=BTC),),
            "price_unavailable", "does not list"),
    Preview("an asset whose decimals change freezes the index",
            (fault("tokens", "decimals", asset_id=BTC),),
            "price_unavailable", "does not list"),
    Preview("an empty list freezes the index", (fault("tokens", "dropped-token"),),
            "price_unavailable", "does not list"),
    Preview("a venue that is not there makes no plan", (fault("any", "lost-request"),),
            "venue_unavailable"),
    Preview("a venue that offers nothing makes a plan of nothing",
            (fault("quote", "refused", message="No liquidity available"),), ""),
)  # fmt: skip
