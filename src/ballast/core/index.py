"""An index: whose it is, what it should hold, and how it is kept in balance."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from ballast.core.ids import looks_like_id
from ballast.core.limits import Limits
from ballast.core.money import BPS, format_percent_bps, split_by_weight
from ballast.core.policy import Policy
from ballast.core.states import IndexState
from ballast.errors import BallastError, ErrorCode

NAME_LENGTH: Final = 64
MAX_TARGETS: Final = 100
DEFAULT_BUFFER_BPS: Final = 100
# How often one that was never funded is compared with the venue: money may come there unasked.
UNFUNDED_INTERVAL: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asset:
    """What can be held. Its id (chain and contract) is its identity; the symbol is only a word.

    Attributes:
        asset_id: the venue's id, such as `nep141:eth.omft.near`.
        decimals: fixed at first listing; a change stops the asset.
    """

    asset_id: str
    symbol: str
    chain: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Index:
    """One owner's basket with target weights and a wallet of its own.

    Attributes:
        account_id: the index's account at the venue: its lowercase EVM address.
        targets: asset id to weight in basis points, together 10,000.
        buffer_bps: cash kept in the base asset, taken off the value before planning.
        version: counts every change of targets, policy, limits or state.
        reconcile_at: when its ledger is compared with the venue next; None: after its first
            deposit (of indexes made before unfunded ones were looked at).
    """

    index_id: str
    owner_id: str
    name: str
    mode: str
    account_id: str
    base_asset_id: str
    targets: Mapping[str, int]
    buffer_bps: int
    policy: Policy
    limits: Limits
    state: IndexState
    version: int
    created_at: datetime
    updated_at: datetime
    last_rebalanced_at: datetime | None
    reconcile_at: datetime | None


class Basket(Protocol):
    """What an index should hold, and how it is kept so: an `Index`, or the part of one that a pass
    over very many reads."""

    @property
    def base_asset_id(self) -> str: ...
    @property
    def targets(self) -> Mapping[str, int]: ...
    @property
    def buffer_bps(self) -> int: ...
    @property
    def policy(self) -> Policy: ...


def name_key(name: str) -> str:
    """What two names must differ in: compatibility form, case folded, runs of space as one."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def name_problem(name: str) -> str | None:
    """What is wrong with a name, as the rest of a sentence about it; None when it is sound. Neither
    control, bidirectional and other invisible characters nor the look of an id is."""
    trimmed = name.strip()
    if not trimmed or len(trimmed) > NAME_LENGTH:
        return f"must have 1 to {NAME_LENGTH} characters"
    if looks_like_id(unicodedata.normalize("NFKC", trimmed)):
        return "looks like an id of Ballast, so nobody could tell which is meant"
    if any(unicodedata.category(char)[0] == "C" for char in trimmed):
        return "holds control or invisible characters"
    return None


def check_name(name: str, field: str = "name") -> str:
    """Return the name, trimmed.

    Args:
        field: what it is called where it is given.

    Raises:
        BallastError: `invalid_input` when it is not sound.
    """
    problem = name_problem(name)
    if problem is not None:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"The {field} {problem}.",
            problems=[{"field": field, "problem": problem}],
        )
    return name.strip()


def name_taken(name: str) -> BallastError:
    """The refusal for a name that another index of the owner has."""
    return BallastError(
        ErrorCode.NAME_TAKEN, "Another index of this owner has that name.", name=name
    )


def check_weights(weights_bps: Sequence[int]) -> None:
    """Check that every weight is positive and that together they make 10,000 basis points.

    Raises:
        BallastError: `weights_invalid`, saying by how much they miss.
    """
    if not 1 <= len(weights_bps) <= MAX_TARGETS:
        raise BallastError(
            ErrorCode.WEIGHTS_INVALID,
            f"An index has 1 to {MAX_TARGETS} assets.",
            count=len(weights_bps),
        )
    if min(weights_bps) <= 0:
        raise BallastError(ErrorCode.WEIGHTS_INVALID, "Every weight must be above 0 %.")
    total = sum(weights_bps)
    if total != BPS:
        off = format_percent_bps(abs(total - BPS))
        side = "too much" if total > BPS else "missing"
        raise BallastError(
            ErrorCode.WEIGHTS_INVALID,
            f"The weights make {format_percent_bps(total)} %, so {off} % is {side}.",
            total_percent=format_percent_bps(total),
            difference_percent=off,
        )


def planning_targets(basket: Basket) -> dict[str, int]:
    """Target weights with the cash buffer worked in, on a scale of 10^8.

    If the base asset is itself a target and its weight is at least the buffer, its weight covers
    the buffer and nothing changes. Otherwise the base asset gets the buffer and the others share
    the rest in proportion: on this scale that is exact.
    """
    own = basket.targets.get(basket.base_asset_id, 0)
    if own >= basket.buffer_bps:
        return {asset: bps * BPS for asset, bps in basket.targets.items()}
    others = {asset: bps for asset, bps in basket.targets.items() if asset != basket.base_asset_id}
    left = BPS - basket.buffer_bps
    # Without a weight of the base asset the others make 10,000, and nothing is to be rounded.
    shares = (
        split_by_weight(BPS * left, others)
        if own
        else {asset: bps * left for asset, bps in others.items()}
    )
    return {**shares, basket.base_asset_id: basket.buffer_bps * BPS}
