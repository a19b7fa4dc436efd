"""Prices from the venue's own list, let through only if they pass every gate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from ballast.app.observing import Activity, Doing, Watchers
from ballast.app.ports import Clock, ListedAsset
from ballast.core.price_gates import (
    PriceFault,
    PriceGates,
    Reading,
    jumped_from,
    own_fault,
    price_fault,
)
from ballast.core.trading import Price
from ballast.errors import BallastError, ErrorCode

log = structlog.get_logger(__name__)

# Domain time between two observations of one asset that are handed to the log.
KEEP_EVERY: Final = timedelta(minutes=1)
# Real seconds that closing waits for a log that is still writing.
CLOSING_SECONDS: Final = 5.0
# Questions about one list whose answers are kept: one for each set of holdings.
_MOST_ANSWERS: Final = 1_000


class AssetList(Protocol):
    """What this needs of a venue."""

    async def list_assets(self) -> Mapping[str, ListedAsset]:
        """Everything traded now, by asset id."""
        ...

    def kept_assets(self, now: datetime) -> Mapping[str, ListedAsset] | None:
        """The same, where it is at hand and recent enough at this time; the very object that was
        given before."""
        ...


class SecondPrices(Protocol):
    """Another source, to hold the venue's prices against. It never replaces them."""

    async def look(self, assets: Sequence[ListedAsset]) -> Mapping[str, Price]:
        """What it says of these assets, by asset id, with the time it gives.

        An asset it has no price for is missing. Never raises, and takes some seconds at most:
        trading goes on without it.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class PriceLog(Protocol):
    """Keeps prices as they were seen."""

    async def keep(self, observations: Sequence[Price]) -> None:
        """Keep these. An observation (asset, source, time) may come again; once is enough."""
        ...


class VenuePrices:
    """Implements `ballast.app.ports.Prices` over a venue's asset list.

    Earlier prices are remembered in this process only: after a start the first price of an asset
    has no past to jump from. A price that jumped is frozen until the second source confirms it or
    the last usable one is older than the window; one that jumps back is usable at once.

    Args:
        gates: what a price must pass.
        second: the second source, when one is configured.
        log: keeps usable prices of the venue and sound ones of the second source, at most once a
            domain minute for each asset. It is written beside the answer: a slow or failing log
            delays and changes no price. A minute whose predecessor is still being written is left
            out.
        observer: is told what was read.
    """

    def __init__(
        self,
        venue: AssetList,
        clock: Clock,
        *,
        gates: PriceGates | None = None,
        second: SecondPrices | None = None,
        log: PriceLog | None = None,
        observer: Watchers | None = None,
    ) -> None:
        self._venue = venue
        self._observer = observer or Watchers()
        self._clock = clock
        self._gates = gates or PriceGates()
        self._second = second
        self._record = _Record(log) if log is not None else None
        self._recent: dict[str, tuple[Price, ...]] = {}
        self._newest: datetime | None = None
        self._list: Mapping[str, ListedAsset] = {}
        self._answered: dict[tuple[str, ...], _Answered] = {}

    @property
    def newest(self) -> datetime | None:
        """When the newest price that was read was observed; None before the first."""
        return self._newest

    async def get(self, asset_ids: Sequence[str]) -> Mapping[str, Price]:
        """A usable price for each asset: the venue's, past every gate.

        Raises:
            BallastError: `price_unavailable` with `details.assets`, a list of `asset_id` and
                `reason`, naming every asset that is frozen; `venue_unavailable`.
        """
        asked, asked_at = tuple(asset_ids), self._clock.now()
        before = self._answered.get(asked)
        if before is not None and self._holds(before, asked_at):
            return self._again(before, asked_at)
        with self._observer.observe(Activity(Doing.PRICES, "read prices")):
            return await self._read(asked, asked_at)

    async def _read(self, asset_ids: tuple[str, ...], asked_at: datetime) -> Mapping[str, Price]:
        listed = await self._venue.list_assets()
        wanted = [listed[asset_id] for asset_id in dict.fromkeys(asset_ids) if asset_id in listed]
        seconds = await self._second.look(wanted) if self._second else {}
        reading = Reading(asked_at, self._clock.now())
        firsts = {one.asset.asset_id: one.price for one in wanted}
        reasons = {
            asset_id: self._reason(firsts.get(asset_id), seconds.get(asset_id), reading)
            for asset_id in asset_ids
        }
        usable = {one: price for one, price in firsts.items() if reasons[one] is None}
        self._remember(usable, seconds, reading)
        observed = [price.observed_at for price in usable.values()]
        self._newest = max([*observed, self._newest] if self._newest else observed, default=None)
        frozen = {one: reason for one, reason in reasons.items() if reason is not None}
        if frozen:
            raise _unavailable(frozen, asked=len(reasons))
        if self._second is None:
            self._keep_answer(asset_ids, usable, listed)
        return usable

    async def close(self) -> None:
        """Let the log finish, for some seconds, and close the second source."""
        if self._record is not None:
            await self._record.close()
        if self._second is not None:
            await self._second.close()

    def _reason(self, first: Price | None, second: Price | None, reading: Reading) -> str | None:
        recent = self._recent.get(first.asset_id, ()) if first else ()
        fault = price_fault(first, second, recent, reading, self._gates)
        return None if fault is None else self._told(fault, first, second)

    def _told(self, fault: PriceFault, first: Price | None, second: Price | None) -> str:
        """A fault as the rest of a sentence about an asset."""
        if first is None:
            return "the venue does not list it"
        match fault:
            case PriceFault.IMPLAUSIBLE:
                return "the venue gives a price that cannot be one"
            case PriceFault.FROM_THE_FUTURE:
                return "its price is dated in the future"
            case PriceFault.STALE:
                return f"its price was last updated at {first.observed_at:%Y-%m-%d %H:%M:%S} UTC"
            case PriceFault.DISAGREES:
                assert second is not None, "only a price that is there can disagree"
                return (
                    f"its price of {first.usd:f} USD does not agree with "
                    f"{second.usd:f} USD of {second.source}"
                )
            case PriceFault.JUMPED:
                earlier = jumped_from(first, self._recent[first.asset_id], self._gates)
                assert earlier is not None, "a jump has somewhere it came from"
                return (
                    f"its price jumped from {earlier.usd:f} to {first.usd:f} USD "
                    "and no second source confirms it"
                )
            case _:
                return "the venue gives no price"

    def _keep_answer(
        self, asked: tuple[str, ...], usable: Mapping[str, Price], listed: Mapping[str, ListedAsset]
    ) -> None:
        """The same question about the same list has the same answer, until a price is too old."""
        if listed is not self._list or len(self._answered) >= _MOST_ANSWERS:
            self._list, self._answered = listed, {}
        if usable:
            seen_at = [price.observed_at for price in usable.values()]
            self._answered[asked] = _Answered(
                usable,
                max(seen_at) - self._gates.future_tolerance,
                min(seen_at) + self._gates.max_age,
                log_at=min(seen_at),
            )

    def _holds(self, before: _Answered, now: datetime) -> bool:
        """Whether the list is still the one it was made of, and no price too early or too old."""
        return (
            before.earliest <= now <= before.latest and self._venue.kept_assets(now) is self._list
        )

    def _again(self, before: _Answered, now: datetime) -> Mapping[str, Price]:
        # Seldom anything is due, and the log may have been busy the last time.
        if self._record is not None and now >= before.log_at:
            before.log_at = self._record.offer(before.prices.values(), now)
        return before.prices

    def _remember(
        self, usable: Mapping[str, Price], seconds: Mapping[str, Price], reading: Reading
    ) -> None:
        for asset_id, price in usable.items():
            seen = dict.fromkeys((*self._recent.get(asset_id, ()), price))
            oldest = max(one.observed_at for one in seen) - self._gates.jump_window
            self._recent[asset_id] = tuple(one for one in seen if one.observed_at >= oldest)
        sound = [p for p in seconds.values() if own_fault(p, reading, self._gates) is None]
        for price in (*usable.values(), *sound):
            self._observer.price_seen(price.source, price.observed_at)
        if self._record is not None:
            self._record.offer([*usable.values(), *sound], reading.read_at)


@dataclass(slots=True)
class _Answered:
    """Usable prices, between which times they are neither early nor stale, and when they are to be
    offered to the log again."""

    prices: Mapping[str, Price]
    earliest: datetime
    latest: datetime
    log_at: datetime


class _Record:
    """Hands observations to a log, beside whoever asked for the prices."""

    def __init__(self, log: PriceLog) -> None:
        self._log = log
        self._offered_at: dict[str, datetime] = {}
        self._writing: asyncio.Task[None] | None = None

    def offer(self, observations: Iterable[Price], now: datetime) -> datetime:
        """Write those whose asset was not written within the last minute, unless it is busy.

        Returns:
            From when on it is of use to offer these again.
        """
        if self._writing is not None:
            return now
        offered = list(observations)
        due = [one for one in offered if self._is_due(one.asset_id, now)]
        if due:
            self._offered_at |= {one.asset_id: now for one in due}
            self._writing = asyncio.create_task(self._keep(due), name="keep prices")
            self._writing.add_done_callback(self._written)
        return min((self._offered_at[one.asset_id] for one in offered), default=now) + KEEP_EVERY

    async def close(self) -> None:
        """Wait some seconds for what is being written, then give it up."""
        if self._writing is not None:
            task = self._writing
            _, late = await asyncio.wait([task], timeout=CLOSING_SECONDS)
            for one in late:
                one.cancel()

    def _is_due(self, asset_id: str, now: datetime) -> bool:
        before = self._offered_at.get(asset_id)
        return before is None or now - before >= KEEP_EVERY

    async def _keep(self, observations: Sequence[Price]) -> None:
        await self._log.keep(observations)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("prices_not_kept", error=type(error).__name__)


def _unavailable(frozen: Mapping[str, str], *, asked: int) -> BallastError:
    return BallastError(
        ErrorCode.PRICE_UNAVAILABLE,
        f"{len(frozen)} of {asked} assets have no usable price.",
        assets=[{"asset_id": one, "reason": reason} for one, reason in frozen.items()],
    )
