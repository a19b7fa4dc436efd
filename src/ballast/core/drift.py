"""How far an index is from its targets: three measures, and which assets are outside their bands.

Shares are reported in parts per million, rounded half up. Whether a band is breached is decided on
the exact fractions, never on the rounded shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ballast.core.money import BPS, PPM, value_pico
from ballast.core.policy import Band


@dataclass(frozen=True, slots=True)
class AssetPrice:
    """What an amount of an asset is worth.

    Attributes:
        decimals: of the asset: base units in a whole unit as a power of ten.
        price: USD per whole unit, finite and positive.
    """

    decimals: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class AssetDrift:
    """One asset's distance from its target.

    Attributes:
        units: held, in base units.
        value_pico: of what is held, in pico-dollars, rounded down.
        weight_ppm: actual share of the index's value.
        target_ppm: share it should have; 0 for an asset that was removed.
        absolute_drift_ppm: actual minus target share.
        relative_drift_ppm: that drift as a share of the target; None when the target is 0.
        band_ppm: drift allowed to either side; 0 when the target is 0.
        breached: outside its band, by a value that is worth a swap.
    """

    asset_id: str
    units: int
    value_pico: int
    weight_ppm: int
    target_ppm: int
    absolute_drift_ppm: int
    relative_drift_ppm: int | None
    band_ppm: int
    breached: bool


@dataclass(frozen=True, slots=True)
class DriftReport:
    """An index's drift at one set of prices.

    Attributes:
        value_pico: of all holdings, in pico-dollars.
        assets: held or targeted, sorted by id.
        max_absolute_ppm: the largest absolute drift, unsigned.
        max_relative_ppm: the largest relative drift, unsigned, of assets with a target.
        turnover_ppm: half the sum of absolute drifts: the share of the value that must be sold to
            reach the targets. Times the fee, it is the cost.
    """

    value_pico: int
    assets: tuple[AssetDrift, ...]
    max_absolute_ppm: int
    max_relative_ppm: int
    turnover_ppm: int

    @property
    def breached(self) -> tuple[str, ...]:
        """Ids of the assets outside their bands, sorted."""
        return tuple(asset.asset_id for asset in self.assets if asset.breached)


def edge_values(one: AssetDrift, total_pico: int) -> tuple[int | None, int | None]:
    """What an asset would be worth at the lower and the upper edge of its band, in pico-dollars
    rounded down, if only its own price moved.

    With the rest worth r and an edge at the share e, that is r x e / (1 - e). None where a band
    has no such edge: a share of 0 or less, or of all.
    """
    rest = total_pico - one.value_pico
    edges = (one.target_ppm - one.band_ppm, one.target_ppm + one.band_ppm)
    lower, upper = (rest * edge // (PPM - edge) if 0 < edge < PPM else None for edge in edges)
    return lower, upper


def measure_drift(
    holdings: Mapping[str, int],
    prices: Mapping[str, AssetPrice],
    targets: Mapping[str, int],
    band: Band,
    *,
    dust_pico: int = 0,
) -> DriftReport:
    """Compare what is held with the targets.

    Args:
        holdings: base units by asset id.
        prices: for every asset held or targeted.
        targets: integer weights on any common scale, such as 10,000. An asset that is held but
            not targeted has target 0.
        band: its narrower limit counts. An asset with target 0 has no band.
        dust_pico: a difference worth less than this, in pico-dollars, breaches nothing: it is too
            little to be swapped.

    Returns:
        A report in which nothing drifts when nothing is held.

    Raises:
        ValueError: no targets, a negative amount, a missing price, or a band without a limit.
    """
    values = value_holdings(holdings, prices, targets)
    total, scale = sum(values.values()), sum(targets.values())
    if scale <= 0 or min(targets.values()) < 0:
        raise ValueError("targets must be weights of zero or more with a positive sum")
    measured = tuple(
        _measure(
            asset,
            holdings.get(asset, 0),
            value,
            total,
            targets.get(asset, 0),
            scale,
            band,
            dust_pico,
        )
        for asset, value in values.items()
    )
    gaps = _gaps(values, targets, total, scale)
    return DriftReport(
        value_pico=total,
        assets=measured,
        max_absolute_ppm=_largest(asset.absolute_drift_ppm for asset in measured),
        max_relative_ppm=_largest(asset.relative_drift_ppm or 0 for asset in measured),
        turnover_ppm=_ppm(sum(abs(gap) for gap in gaps), 2 * total * scale),
    )


def value_holdings(
    holdings: Mapping[str, int], prices: Mapping[str, AssetPrice], targets: Mapping[str, int]
) -> dict[str, int]:
    """Value in pico-dollars, rounded down, of every asset held or targeted, sorted by id.

    Raises:
        ValueError: a negative amount, or no price for an asset.
    """
    values = {}
    for asset in sorted({*holdings, *targets}):
        units, quoted = holdings.get(asset, 0), prices.get(asset)
        if units < 0 or quoted is None:
            raise ValueError(f"{asset} needs a price and an amount of zero or more")
        values[asset] = value_pico(units, quoted.decimals, quoted.price) if units else 0
    return values


def band_limit(weight: int, scale: int, band: Band) -> int:
    """Drift allowed to an asset as a numerator over 10,000 x `scale`; 0 when its weight is 0.

    Raises:
        ValueError: the band has no limit.
    """
    limits = []
    if band.absolute_bps is not None:
        limits.append(band.absolute_bps * scale)
    if band.relative_bps is not None:
        limits.append(band.relative_bps * weight)
    if not limits:
        raise ValueError("a band needs an absolute or a relative limit")
    return min(limits) if weight else 0


def is_breached(value: int, total: int, weight: int, scale: int, limit: int, dust: int) -> bool:
    """Whether a value's share of a total is outside its band, exactly.

    |value/total - weight/scale| > limit/(10,000 x scale), without dividing, and the difference is
    worth at least `dust`.
    """
    gap = abs(value * scale - weight * total)
    return gap * BPS > limit * total and gap >= dust * scale


def _measure(
    asset: str,
    units: int,
    value: int,
    total: int,
    weight: int,
    scale: int,
    band: Band,
    dust: int,
) -> AssetDrift:
    gap = (value * scale - weight * total) if total else 0
    limit = band_limit(weight, scale, band)
    return AssetDrift(
        asset_id=asset,
        units=units,
        value_pico=value,
        weight_ppm=_ppm(value, total),
        target_ppm=_ppm(weight, scale),
        absolute_drift_ppm=_ppm(gap, total * scale),
        relative_drift_ppm=_ppm(gap, total * weight) if weight else None,
        band_ppm=_ppm(limit, BPS * scale),
        breached=is_breached(value, total, weight, scale, limit, dust),
    )


def _gaps(
    values: Mapping[str, int], targets: Mapping[str, int], total: int, scale: int
) -> list[int]:
    return [value * scale - targets.get(asset, 0) * total for asset, value in values.items()]


def _largest(drifts: Iterable[int]) -> int:
    return max((abs(drift) for drift in drifts), default=0)


def _ppm(part: int, whole: int) -> int:
    """A share in parts per million, rounded half up; 0 of nothing."""
    return (2 * part * PPM + whole) // (2 * whole) if whole else 0
