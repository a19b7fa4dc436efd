"""What the venue lists, and values that are kept for a while."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Generic, TypeVar

import structlog

from ballast.adapters.near_intents.wire import TokenWire
from ballast.app.ports import Clock, ListedAsset
from ballast.core.index import Asset
from ballast.core.trading import Price

log = structlog.get_logger(__name__)

PRICE_SOURCE: Final = "1click"

_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_T = TypeVar("_T")

DecimalsOnRecord = Callable[[], Awaitable[Mapping[str, int]]]
"""Reads the decimals that assets are on record with, by id."""


async def nothing_on_record() -> Mapping[str, int]:
    """No asset is known from before."""
    return {}


class Cached(Generic[_T]):
    """A value that is read again when it is old by the domain clock or by real time."""

    def __init__(
        self,
        read: Callable[[], Awaitable[_T]],
        clock: Clock,
        domain_seconds: float,
        real_seconds: float,
    ) -> None:
        self._read = read
        self._clock = clock
        self._domain_age = timedelta(seconds=domain_seconds)
        self._real_age = real_seconds
        self._lock = asyncio.Lock()
        self._kept: tuple[_T, datetime, float] | None = None

    async def get(self) -> _T:
        """The value; several callers at once read it once."""
        async with self._lock:
            # Dated before it is read: it may be older than the answer, never younger.
            now = self._clock.now()
            if self._kept is None or self._is_old(self._kept, now):
                real = asyncio.get_running_loop().time()
                self._kept = await self._read(), now, real
            return self._kept[0]

    def kept_at(self, now: datetime) -> _T | None:
        """The value, where it need not be read again at this time by the domain clock."""
        if self._kept is None or self._is_old(self._kept, now):
            return None
        return self._kept[0]

    def forget(self) -> None:
        """Read anew next time."""
        self._kept = None

    def _is_old(self, kept: tuple[_T, datetime, float], now: datetime) -> bool:
        _, domain, real = kept
        real_age = asyncio.get_running_loop().time() - real
        return now - domain >= self._domain_age or real_age >= self._real_age


class Listing:
    """The venue's list, with the decimals each asset has on record, or had when it was first seen.

    An amount in base units means another thing once the decimals have changed, so an asset with
    others than those is not listed: one on record until the venue says the right ones again, any
    other for as long as this process lives.

    Args:
        on_record: reads the decimals of assets that are known from earlier processes.
    """

    def __init__(self, on_record: DecimalsOnRecord) -> None:
        self._on_record = on_record
        self._decimals: dict[str, int] | None = None

    async def of(self, tokens: Sequence[TokenWire]) -> Mapping[str, ListedAsset]:
        """By asset id. What is listed twice, or with other decimals than before, is left out."""
        if self._decimals is None:
            self._decimals = dict(await self._on_record())
        count = Counter(token.asset_id for token in tokens)
        return {
            token.asset_id: _listed(token)
            for token in tokens
            if count[token.asset_id] == 1 and _is_as_before(self._decimals, token)
        }


def _is_as_before(known: dict[str, int], token: TokenWire) -> bool:
    before = known.setdefault(token.asset_id, token.decimals)
    if before != token.decimals:
        log.warning("decimals_changed", was=before, now=token.decimals)
    return before == token.decimals


def _listed(token: TokenWire) -> ListedAsset:
    asset = Asset(token.asset_id, token.symbol, token.blockchain, token.decimals)
    usd = token.price if token.price is not None and token.price.is_finite() else Decimal(0)
    price = Price(token.asset_id, usd, PRICE_SOURCE, token.price_updated_at or _NEVER)
    return ListedAsset(asset, price, token.contract_address or None)
