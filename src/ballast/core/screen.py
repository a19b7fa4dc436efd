"""Watching many indexes: which may have an asset outside its band at the latest prices.

The one place in the core where floating point is allowed. It decides nothing: it never misses an
index that `measure_drift` would flag, may name a few more, and what it names is measured exactly
before anything is traded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ballast.core.drift import AssetPrice
from ballast.core.money import BPS, scale
from ballast.core.policy import Band

_Floats = NDArray[np.float64]
_Slots = NDArray[np.int32]
_Places = NDArray[np.int64]

# Indexes looked at together: a handful of columns of this many floats stay in the cache.
_BLOCK: Final = 4_096

# A value is compared with its bound moved inwards by this share of the index's value (thousands of
# times what the floats can be off by) and by a billionth of a dollar (a thousand times what
# rounding values down to pico-dollars can be, for up to a thousand assets).
_SHARE_SLACK: Final = 1e-9
_DOLLAR_SLACK: Final = 1e-9

# Shares that no value is below or above: the bounds of what cannot leave its band that way.
_NO_FLOOR: Final = -1.0
_NO_CEILING: Final = 2.0
# A limit that no drift reaches, also as a share of the smallest target. Not infinity: of an asset
# without a target that would be no number.
_UNLIMITED: Final = 1e12


@dataclass(frozen=True, slots=True)
class Watched:
    """One index as the screen sees it.

    Attributes:
        holdings: base units by asset id.
        targets: weights on any scale.
        buffer: an asset that is only a cash buffer: it breaches nothing below twice its target.
    """

    holdings: Mapping[str, int]
    targets: Mapping[str, int]
    band: Band
    buffer: str | None = None


class Screen:
    """Holdings and bounds of many indexes, laid out for one fast pass over all of them.

    Arrays are asset-major: row k holds the k-th asset of every index. An index with fewer assets
    has empty slots: nothing held, and bounds that nothing breaks.

    Args:
        watched: the indexes; their positions are what `breached` answers with.
        decimals: of every asset held or targeted.

    Raises:
        KeyError: an asset without decimals.
    """

    def __init__(self, watched: Sequence[Watched], decimals: Mapping[str, int]) -> None:
        self._assets = tuple(sorted(decimals))
        lines = _Lines(watched, {asset: place for place, asset in enumerate(self._assets)})
        scales = np.array([float(scale(decimals[asset])) for asset in self._assets])
        lows, highs = lines.bounds()
        shape = (max(lines.counts, default=0), len(watched))
        at = lines.slots()
        self._places: _Slots = np.zeros(shape, dtype=np.int32)
        self._places[at] = lines.places
        self._amounts: _Floats = np.zeros(shape)
        self._amounts[at] = np.array(lines.units, dtype=np.float64) / scales[lines.places]
        self._lows: _Floats = np.full(shape, _NO_FLOOR)
        self._lows[at] = lows
        self._highs: _Floats = np.full(shape, _NO_CEILING)
        self._highs[at] = highs

    def breached(self, prices: Mapping[str, AssetPrice]) -> list[int]:
        """Positions of the indexes that may have an asset outside its band, rising.

        Args:
            prices: for every asset the screen was given decimals of.

        Raises:
            KeyError: an asset without a price.
        """
        quoted = np.array([float(prices[asset].price) for asset in self._assets])
        count = self._amounts.shape[1]
        starts = range(0, count, _BLOCK)
        flags = [self._flags(quoted, slice(start, start + _BLOCK)) for start in starts]
        return [int(i) for i in np.flatnonzero(np.concatenate(flags))] if flags else []

    def _flags(self, quoted: _Floats, block: slice) -> NDArray[np.bool_]:
        values = quoted.take(self._places[:, block])
        values *= self._amounts[:, block]
        totals = values.sum(axis=0)
        slack = totals * _SHARE_SLACK + _DOLLAR_SLACK
        low = values - self._lows[:, block] * totals
        high = self._highs[:, block] * totals - values
        nearest = np.minimum(low, high).min(axis=0)
        flagged: NDArray[np.bool_] = (nearest < slack) & (totals > 0)
        return flagged


class _Lines:
    """Each asset that an index holds or wants, one after another, in columns: as little as can be
    is done for each index, and the rest for all at once.

    Attributes:
        counts: how many lines each index has.
        places: of the assets of all lines.
        units: what is held, in base units.
    """

    def __init__(self, watched: Sequence[Watched], places: Mapping[str, int]) -> None:
        self.counts: list[int] = []
        self.places: list[int] = []
        self.units: list[int] = []
        self._weights: list[int] = []
        self._buffers: list[int] = []
        self._watched = watched
        for index in watched:
            targets, held = index.targets, index.holdings
            assets = [*targets, *(held.keys() - targets.keys())]
            if index.buffer is not None and index.buffer in targets:
                self._buffers.append(len(self.places) + assets.index(index.buffer))
            self.counts.append(len(assets))
            self.places += map(places.__getitem__, assets)
            self.units += [held.get(asset, 0) for asset in assets]
            self._weights += targets.values()
            self._weights += repeat(0, len(assets) - len(targets))

    def slots(self) -> tuple[_Places, _Places]:
        """Where each line stands in an array of the k-th line of every index: k, and the index."""
        counts = np.array(self.counts, dtype=np.int64)
        ends = np.cumsum(counts)
        index = np.repeat(np.arange(len(counts)), counts)
        return np.arange(len(index)) - np.repeat(ends - counts, counts), index

    def bounds(self) -> tuple[_Floats, _Floats]:
        """Lowest and highest share of the value; no lower one where it would be 0 or less."""
        bands = [index.band for index in self._watched]
        whole = self._each([sum(index.targets.values()) for index in self._watched])
        weights = np.array(self._weights, dtype=np.float64)
        shares = weights / whole
        allowed = np.minimum(
            self._each([_share(band.absolute_bps) for band in bands]),
            self._each([_share(band.relative_bps) for band in bands]) * shares,
        )
        allowed[weights == 0] = 0.0
        lows, highs = shares - allowed, shares + allowed
        lows[lows <= 0] = _NO_FLOOR
        # What is neither held nor wanted is where it should be.
        held = np.fromiter(map(bool, self.units), dtype=np.bool_, count=len(self.units))
        nothing = (weights == 0) & ~held
        highs[nothing] = _NO_CEILING
        lows[self._buffers] = _NO_FLOOR
        # A part in a million less: the exact look compares shares rounded to that.
        highs[self._buffers] = 2 * shares[self._buffers] - 1e-6
        return lows, highs

    def _each(self, of_indexes: Sequence[float]) -> _Floats:
        """A number of each index for each of its lines."""
        return np.repeat(np.array(of_indexes, dtype=np.float64), self.counts)


def _share(bps: int | None) -> float:
    """Of a band's limit; without one, more than any drift."""
    return _UNLIMITED if bps is None else bps / BPS
