"""What a check saw, as data and in a sentence."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ballast.app.planning import Situation
from ballast.app.rebalances import price_fact
from ballast.core.drift import AssetDrift, edge_values
from ballast.core.money import dollars, format_percent_ppm
from ballast.core.wording import usd_shown

_DIGITS = Decimal("1e-8")
_CENTS_FROM = 10
_NOT_OFF = "0.00"


def figures(seen: Situation) -> dict[str, object]:
    """The figures of an exact look, JSON-ready: value, drift, prices, and where the asset that is
    furthest out would leave its band."""
    facts: dict[str, object] = {
        "value_usd": dollars(seen.drift.value_pico),
        "largest_drift_percent": format_percent_ppm(seen.drift.max_absolute_ppm),
        "prices": {asset: price_fact(price) for asset, price in seen.prices.items()},
        "drift_ppm": {one.asset_id: str(one.absolute_drift_ppm) for one in seen.drift.assets},
    }
    one = furthest(seen)
    return facts if one is None else facts | {"furthest": _furthest_facts(seen, one)}


def furthest(seen: Situation) -> AssetDrift | None:
    """The asset that uses most of its band; None when nothing has one."""
    banded = [one for one in seen.drift.assets if one.band_ppm]
    return (
        max(banded, key=lambda one: abs(one.absolute_drift_ppm) * 10**6 // one.band_ppm)
        if (banded and seen.drift.value_pico)
        else None
    )


def standing_sentence(seen: Situation) -> str:
    """How far out the furthest asset is, and the prices at which it would leave its band."""
    one = furthest(seen)
    if one is None:
        return "It holds nothing."
    symbol = seen.assets[one.asset_id].symbol
    allowed = f"with {format_percent_ppm(one.band_ppm)} allowed"
    points = format_percent_ppm(abs(one.absolute_drift_ppm))
    if points == _NOT_OFF:
        return f"None is 0.01 points off its target; {symbol} is furthest out, {allowed}." + (
            _trip_sentence(seen, one)
        )
    side = "above" if one.absolute_drift_ppm >= 0 else "below"
    standing = f"Furthest out is {symbol}: {points} points {side} its target, {allowed}"
    if is_beyond(one):
        worth = abs(one.absolute_drift_ppm) * seen.drift.value_pico // 10**6
        least = usd_shown(seen.index.policy.minimum_swap_pico)
        return f"{standing}; that is {usd_shown(worth)}, and the least swap is worth {least}."
    return f"{standing}.{_trip_sentence(seen, one)}"


def is_beyond(one: AssetDrift) -> bool:
    """Whether an asset is outside its band, if only by too little for a swap."""
    return abs(one.absolute_drift_ppm) > one.band_ppm


def outside_sentence(seen: Situation) -> str:
    """Each asset outside its band, and by how much."""
    words = [
        f"{seen.assets[one.asset_id].symbol} is {format_percent_ppm(abs(one.absolute_drift_ppm))} "
        f"points {'above' if one.absolute_drift_ppm >= 0 else 'below'} its target, with "
        f"{format_percent_ppm(one.band_ppm)} allowed"
        for one in seen.drift.assets
        if one.breached
    ]
    return f"{'; '.join(words)}." if words else standing_sentence(seen)


def moment(at: datetime) -> str:
    """A time as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _trip_sentence(seen: Situation, one: AssetDrift) -> str:
    lower, upper = trip_prices(seen, one)
    ways = [
        f"{word} {_price_words(price)}"
        for word, price in (("below", lower), ("above", upper))
        if price is not None
    ]
    if one.breached or not ways:
        return ""
    return f" It would leave its band at a price {' or '.join(ways)}, the others unchanged."


def _price_words(usd: Decimal) -> str:
    """A price in dollars: cents from ten dollars on, below that five digits."""
    return f"${usd:,.2f}" if usd >= _CENTS_FROM else f"${usd.quantize(_DIGITS):.5g}"


def trip_prices(seen: Situation, one: AssetDrift) -> tuple[Decimal | None, Decimal | None]:
    """Prices at which an asset leaves its band while nothing else moves, rounded to 8 decimals;
    None where there is none."""
    if not one.value_pico:
        return None, None
    usd = seen.prices[one.asset_id].usd
    lower, upper = (
        None if edge is None else (usd * edge / one.value_pico).quantize(_DIGITS)
        for edge in edge_values(one, seen.drift.value_pico)
    )
    return lower, upper


def _furthest_facts(seen: Situation, one: AssetDrift) -> dict[str, object]:
    lower, upper = trip_prices(seen, one)
    return {
        "asset_id": one.asset_id,
        "symbol": seen.assets[one.asset_id].symbol,
        "drift_percent": format_percent_ppm(one.absolute_drift_ppm),
        "band_percent": format_percent_ppm(one.band_ppm),
        "outside": is_beyond(one),
        "leaves_band_below_usd": None if lower is None else f"{lower:f}",
        "leaves_band_above_usd": None if upper is None else f"{upper:f}",
    }
