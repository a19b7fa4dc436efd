"""What the monitor found when it last looked at an index, and which breaches the owner knows of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ballast.core.drift import AssetDrift

# An asset counts as back inside once it uses this share of its band, in percent. At the edge
# itself every small movement would be another crossing, and another alert.
BACK_INSIDE_PERCENT: Final = 80


@dataclass(frozen=True, slots=True)
class Check:
    """Where an index stands with the monitor: one row, which each check replaces or counts up.

    Attributes:
        reason: why it traded or did not, when it was last looked at exactly.
        summary: the same as a sentence.
        since: the first check that found this.
        checked_at: the last one that did.
        times: how many have, in a row.
        outside: assets that are outside their bands and that the owner was told of.
        reference: the rebalance or purchase that was started; empty when nothing was.
        facts: the figures of the last exact look. JSON-ready; amounts as text.
        index_version: of the index that was looked at.
        ran_at: when the last date of the calendar was dealt with.
        purchased_at: when the last date of the recurring purchase was dealt with.
        due_at: when to look exactly; None: when the pass over all indexes finds it worth while.
    """

    index_id: str
    owner_id: str
    reason: str
    summary: str
    since: datetime
    checked_at: datetime
    times: int
    outside: tuple[str, ...]
    reference: str
    facts: Mapping[str, object]
    index_version: int
    ran_at: datetime | None
    purchased_at: datetime | None
    due_at: datetime | None


def first_check(owner_id: str, index_id: str, at: datetime) -> Check:
    """The row of an index that is to be looked at for the first time."""
    return Check(
        index_id=index_id,
        owner_id=owner_id,
        reason="not_checked",
        summary="The monitor has not looked at it yet.",
        since=at,
        checked_at=at,
        times=0,
        outside=(),
        reference="",
        facts={},
        index_version=0,
        ran_at=None,
        purchased_at=None,
        due_at=at,
    )


def still_outside(
    assets: Iterable[AssetDrift], outside: Iterable[str], *, rebalanced: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which assets are outside their bands, with hysteresis, and which of them are so anew.

    Args:
        outside: assets that were outside before.
        rebalanced: whether there was a rebalance since; then each breach is a new one.

    Returns:
        All that are outside, and those that have left their band since, both sorted. An asset
        that was outside is so until it uses at most `BACK_INSIDE_PERCENT` of its band.
    """
    known = set() if rebalanced else set(outside)
    now = {one.asset_id for one in assets if one.breached}
    near = {one.asset_id for one in assets if one.asset_id in known and not _is_back(one)}
    return tuple(sorted(now | near)), tuple(sorted(now - known))


def _is_back(one: AssetDrift) -> bool:
    return abs(one.absolute_drift_ppm) * 100 <= BACK_INSIDE_PERCENT * one.band_ppm
