"""What happens by itself: where each index stands, and when all of them are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from ballast.core.checks import Check
from ballast.core.policy import Policy
from ballast.core.unit_value import UnitValue


@dataclass(frozen=True, slots=True, eq=False)
class WatchedBasket:
    """What an index should hold, and how it is kept so. Indexes that say the same share one, so
    that it is read once; two are the same if they are one object."""

    base_asset_id: str
    targets: Mapping[str, int]
    buffer_bps: int
    policy: Policy


class WatchedIndex(NamedTuple):
    """An index as a pass sees it. A tuple: a pass may make a hundred thousand of them.

    Attributes:
        state: active or paused.
        held: base units by asset, in all accounts that count as held; without zeros.
        reason: what its last exact look found; None before the first.
        index_version: of the index that was looked at; 0 before the first.
        purchased_at: when the last date of its recurring purchase was dealt with.
    """

    index_id: str
    owner_id: str
    state: str
    version: int
    created_at: datetime
    updated_at: datetime
    basket: WatchedBasket
    held: Mapping[str, int]
    reason: str | None
    index_version: int
    purchased_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shard:
    """A stretch of all indexes in the order of their ids, which passes go over.

    Attributes:
        behind: the id, or beginning of ids, that it begins behind: its key.
        until: the last id of it that there can be; None: every one.
        due_at: when the next pass over it is.
        passes: over it that have ended, with those over the shard it was cut off from.
        passed_at: when the last one did.
    """

    behind: str
    until: str | None
    due_at: datetime
    passes: int
    passed_at: datetime | None


class MonitorReader(Protocol):
    """Reads of where indexes stand."""

    async def get_check(self, index_id: str) -> Check | None: ...
    async def watched(self, after: str, until: str | None, limit: int) -> list[WatchedIndex]:
        """Funded indexes of every owner by id, from behind `after` on, up to `until`."""
        ...

    async def get_shard(self, behind: str) -> Shard: ...

    async def schedule_due_at(self, name: str) -> datetime:
        """When work of this name is due next."""
        ...

    async def last_unit_value(self, index_id: str) -> UnitValue | None: ...
    async def list_unit_values(self, index_id: str) -> list[UnitValue]:
        """Oldest first."""
        ...


class MonitorTransaction(MonitorReader, Protocol):
    """Writes of where indexes stand."""

    async def add_unit_values(self, values: Sequence[UnitValue]) -> None: ...
    async def wake_checks(
        self, indexes: Sequence[tuple[str, str]], at: datetime, shard: Shard, *, planned: bool
    ) -> None:
        """Let indexes of a shard, given by owner and id, be looked at exactly at this time, as
        the pass over it that is going on found; `planned`: also those for which a later time is
        set already."""
        ...

    async def end_pass(
        self, shard: Shard, at: datetime, due_at: datetime, cuts: Sequence[str]
    ) -> None:
        """End the pass over a shard that was due then, and plan the next one; `StateMovedError`
        when somebody else has. It counts as a check of each index in it for which no look is due
        or planned. `cuts`: ids behind which what follows is a shard of its own from now on."""
        ...

    async def save_check(self, check: Check, was_due_at: datetime) -> None:
        """Replace the row of a check; `StateMovedError` when it was not due then."""
        ...

    async def wake_passes(self, at: datetime) -> None:
        """Let the next pass over all indexes be due at this time, unless it is due earlier."""
        ...

    async def save_schedule(self, name: str, was: datetime, due_at: datetime) -> None:
        """Plan work about all indexes; `StateMovedError` when it was not due then."""
        ...
