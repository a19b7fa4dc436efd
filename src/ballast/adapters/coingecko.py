"""CoinGecko: a second opinion on prices now, and prices of the past.

Source of the rules: CoinGecko's API reference v3.0.1 (`/simple/price`,
`/coins/{id}/market_chart/range`) and its page on errors and rate limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final

import structlog
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)

from ballast.adapters.http import HttpClient, HttpLimits, NoAnswerError
from ballast.app.observing import Watchers
from ballast.app.ports import ListedAsset
from ballast.core.price_gates import value_fault
from ballast.core.trading import Price
from ballast.errors import BallastError, ErrorCode

log = structlog.get_logger(__name__)

SOURCE: Final = "coingecko"
NAME: Final = "CoinGecko"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# The first second of the year 9999: what is later cannot be a time.
_LAST_SECOND: Final = 253_370_764_800


class CoinGeckoPlan(StrEnum):
    """Which of the two services is asked. demo: the public one, with or without a key."""

    DEMO = "demo"
    PRO = "pro"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often it is asked, in real seconds.

    Attributes:
        refresh_seconds: a price read this recently is not asked for again.
        spacing_seconds: between two calls at least; a call waits for its turn.
        rest_seconds: after a call that failed nothing is asked. The limits count failures too, and
            their window is a minute.
        ids_per_call: coins in one call at most; more of them take several calls.
    """

    refresh_seconds: float
    spacing_seconds: float
    rest_seconds: float = 60.0
    ids_per_call: int = 100


# The server's own cache is 60 s on the public service and 20 s on the pro one. Without a key the
# limit belongs to the address and varies (10 to 30 calls a minute); a demo key had 30, lately 100,
# and 10,000 calls a month.
KEYLESS_PACE: Final = Pace(refresh_seconds=60, spacing_seconds=6)
DEMO_PACE: Final = Pace(refresh_seconds=30, spacing_seconds=2)
PRO_PACE: Final = Pace(refresh_seconds=10, spacing_seconds=0.25)

# A second opinion is not worth a long wait; prices of the past are.
NOW_LIMITS: Final = HttpLimits(
    total_seconds=4.0,
    attempt_seconds=3.0,
    connect_seconds=2.0,
    max_bytes=2**20,
    attempts=2,
    longest_wait_seconds=2.0,
)
PAST_LIMITS: Final = HttpLimits()

_URLS: Final = MappingProxyType(
    {
        CoinGeckoPlan.DEMO: "https://api.coingecko.com/api/v3",
        CoinGeckoPlan.PRO: "https://pro-api.coingecko.com/api/v3",
    }
)
_KEY_HEADERS: Final = MappingProxyType(
    {CoinGeckoPlan.DEMO: "x-cg-demo-api-key", CoinGeckoPlan.PRO: "x-cg-pro-api-key"}
)


# --- which coin an asset is -----------------------------------------------------------------------

# By chain, because one symbol is different coins on different chains: only where the asset is the
# coin itself or issued there by its issuer. What is not here has no second opinion.
_HOMES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = MappingProxyType(
    {
        "BTC": (("btc", "near"), "bitcoin"),
        "ETH": (("eth", "base", "arb", "op"), "ethereum"),
        "SOL": (("sol",), "solana"),
        "WNEAR": (("near",), "near"),
        "NEAR": (("near",), "near"),
        "BNB": (("bsc",), "binancecoin"),
        "AVAX": (("avax",), "avalanche-2"),
        "POL": (("pol",), "polygon-ecosystem-token"),
        "DOGE": (("doge",), "dogecoin"),
        "XRP": (("xrp",), "ripple"),
        "LTC": (("ltc",), "litecoin"),
        "ADA": (("cardano",), "cardano"),
        "SUI": (("sui",), "sui"),
        "TON": (("ton",), "the-open-network"),
        "TRX": (("tron",), "tron"),
        "ZEC": (("zec",), "zcash"),
        "ARB": (("arb",), "arbitrum"),
        "OP": (("op",), "optimism"),
        "APT": (("aptos",), "aptos"),
        "XLM": (("stellar",), "stellar"),
        "LINK": (("eth",), "chainlink"),
        "UNI": (("eth",), "uniswap"),
        "AAVE": (("eth",), "aave"),
        "WBTC": (("eth",), "wrapped-bitcoin"),
        "CBBTC": (("base",), "coinbase-wrapped-btc"),
        "DAI": (("eth",), "dai"),
        "USDC": (("eth", "base", "arb", "sol", "near"), "usd-coin"),
        "USDT": (("eth", "tron", "near", "sol"), "tether"),
    }
)


def coin_of(listed: ListedAsset) -> str | None:
    """CoinGecko's id of the coin that an asset is; None where it would be a guess."""
    chains, coin = _HOMES.get(listed.asset.symbol.upper(), ((), ""))
    return coin if listed.asset.chain in chains else None


# --- what it says ---------------------------------------------------------------------------------


def _json_number(value: object) -> object:
    """JSON numbers only: as a text even `NaN` would be one."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("not a number")
    return value


def _sensible(value: Decimal) -> Decimal:
    if value_fault(value) is not None:
        raise ValueError("not a price")
    return value


Usd = Annotated[Decimal, BeforeValidator(_json_number), AfterValidator(_sensible)]
Seconds = Annotated[int, Field(strict=True, ge=0, lt=_LAST_SECOND)]
Millis = Annotated[int, Field(strict=True, ge=0, lt=_LAST_SECOND * 1000)]


class SpotWire(BaseModel):
    """One coin of `GET /simple/price`: USD for a whole coin, and when it was last updated."""

    usd: Usd
    last_updated_at: Seconds


class ChartWire(BaseModel):
    """`GET /coins/{id}/market_chart/range`: pairs of milliseconds since 1970 and USD."""

    prices: list[Any]


_POINT: Final = TypeAdapter[tuple[int, Decimal]](tuple[Millis, Usd])


class CoinGecko:
    """Implements `ballast.adapters.prices.SecondPrices`, and reads prices of the past.

    Args:
        key: optional on the demo plan, needed on the pro plan.
        base_url: another address of the same API.
        app: an ASGI application that answers in this process instead of the network.

    Raises:
        BallastError: `settings_invalid` for the pro plan without a key, or a URL that is none.
    """

    def __init__(
        self,
        plan: CoinGeckoPlan = CoinGeckoPlan.DEMO,
        *,
        key: SecretStr | None = None,
        base_url: str | None = None,
        pace: Pace | None = None,
        limits: HttpLimits = NOW_LIMITS,
        app: Callable[..., Any] | None = None,
        observer: Watchers | None = None,
    ) -> None:
        if plan is CoinGeckoPlan.PRO and key is None:
            raise BallastError(
                ErrorCode.SETTINGS_INVALID, "The pro plan of CoinGecko needs its API key."
            )
        url = base_url or _URLS[plan]
        secrets = {_KEY_HEADERS[plan]: key} if key else {}
        to = partial(HttpClient, url, name=NAME, secrets=secrets, app=app, observer=observer)
        self._now = to(limits=limits)
        self._past = to(limits=PAST_LIMITS)
        self._pace = pace or _pace_of(plan, key)
        self._turns = _Turns(self._pace.spacing_seconds)
        self._reading = asyncio.Lock()
        self._kept: dict[str, _Kept] = {}
        self._rest_until = 0.0
        self.fault: str | None = None
        """Why the last look failed; None after one that worked."""

    async def look(self, assets: Sequence[ListedAsset]) -> Mapping[str, Price]:
        """Prices now, by asset id, each with the time CoinGecko gives it.

        One that was read a moment ago comes from memory; when CoinGecko fails, so does an older
        one, and whoever asks sees its age. What it does not know is missing. Never raises, and
        takes some seconds at most.
        """
        coins = {
            listed.asset.asset_id: coin
            for listed in assets
            if (coin := coin_of(listed)) is not None
        }
        await self._refresh(coins.values())
        kept = {asset_id: self._kept.get(coin) for asset_id, coin in coins.items()}
        return {
            asset_id: Price(asset_id, one.spot.usd, SOURCE, _at(seconds=one.spot.last_updated_at))
            for asset_id, one in kept.items()
            if one is not None and one.spot is not None
        }

    async def history(
        self, listed: ListedAsset, start: datetime, end: datetime
    ) -> tuple[Price, ...]:
        """Prices from `start` to `end`, both included, oldest first, one for each moment.

        CoinGecko chooses the step by the span: 5 minutes within the last day, an hour up to 90
        days, a day (00:00 UTC) beyond. The demo plan reaches 365 days back. Points without a
        sensible price are left out.

        Raises:
            BallastError: `price_unavailable` with `details.fault` when there is no answer, when it
                is a refusal, or when nobody knows which coin the asset is.
        """
        coin = coin_of(listed)
        if coin is None:
            raise _unavailable("it is not known which coin this is")
        query = {
            "vs_currency": "usd",
            "from": str((start - _EPOCH) // timedelta(seconds=1)),
            "to": str(-((_EPOCH - end) // timedelta(seconds=1))),
            "precision": "full",
        }
        found = await self._ask(self._past, f"/coins/{coin}/market_chart/range", query)
        moments = {at: usd for at, usd in _points(found) if start <= at <= end}
        return tuple(
            Price(listed.asset.asset_id, moments[at], SOURCE, at) for at in sorted(moments)
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._now.close()
        await self._past.close()

    async def _refresh(self, coins: Iterable[str]) -> None:
        """Read what is old of these coins. Several callers at once read it once."""
        async with self._reading:
            if asyncio.get_running_loop().time() < self._rest_until:
                return
            try:
                for batch in self._batches(coins):
                    await self._read(batch)
                self.fault = None
            except BallastError as error:
                self._rest(str(error.details["fault"]))

    def _batches(self, coins: Iterable[str]) -> list[list[str]]:
        """The coins to read, a call each. Room in the last call goes to others that are old."""
        size = self._pace.ids_per_call
        due = sorted({coin for coin in coins if self._is_old(coin)})
        if not due:
            return []
        others = sorted(coin for coin in self._kept if coin not in due and self._is_old(coin))
        due += others[: -len(due) % size]
        return [due[first : first + size] for first in range(0, len(due), size)]

    def _is_old(self, coin: str) -> bool:
        kept = self._kept.get(coin)
        now = asyncio.get_running_loop().time()
        return kept is None or now - kept.read_at >= self._pace.refresh_seconds

    async def _read(self, coins: list[str]) -> None:
        query = {
            "ids": ",".join(coins),
            "vs_currencies": "usd",
            "include_last_updated_at": "true",
            "precision": "full",
        }
        found = await self._ask(self._now, "/simple/price", query)
        if not isinstance(found, dict):
            raise _unavailable("its answer is not what was asked for")
        read_at = asyncio.get_running_loop().time()
        self._kept |= {coin: _Kept(_spot(found.get(coin)), read_at) for coin in coins}

    async def _ask(self, http: HttpClient, path: str, query: Mapping[str, str]) -> Any:
        """The JSON of an answer that says yes.

        Raises:
            BallastError: `price_unavailable` with `details.fault`.
        """
        await self._turns.take()
        try:
            answer = await http.get(path, query)
        except NoAnswerError as error:
            raise _unavailable(str(error.details["fault"])) from None
        if not answer.ok:
            raise _unavailable(f"it answered with status {answer.status}")
        return answer.json

    def _rest(self, fault: str) -> None:
        self.fault = fault
        self._rest_until = asyncio.get_running_loop().time() + self._pace.rest_seconds
        log.warning("second_prices_absent", source=SOURCE, fault=fault)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was said of a coin, if anything usable, and when, in seconds of the event loop."""

    spot: SpotWire | None
    read_at: float


class _Turns:
    """Lets one call begin at a time, some seconds apart."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._next = 0.0

    async def take(self) -> None:
        async with self._lock:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(0.0, self._next - loop.time()))
            self._next = loop.time() + self._seconds


def _pace_of(plan: CoinGeckoPlan, key: SecretStr | None) -> Pace:
    if plan is CoinGeckoPlan.PRO:
        return PRO_PACE
    return DEMO_PACE if key else KEYLESS_PACE


def _spot(entry: object) -> SpotWire | None:
    try:
        return SpotWire.model_validate(entry)
    except ValidationError:
        return None


def _points(found: object) -> list[tuple[datetime, Decimal]]:
    try:
        chart = ChartWire.model_validate(found)
    except ValidationError:
        raise _unavailable("its answer is not what was asked for") from None
    points = []
    for entry in chart.prices:
        try:
            millis, usd = _POINT.validate_python(entry)
        except ValidationError:
            continue
        points.append((_at(milliseconds=millis), usd))
    return points


def _at(*, seconds: int = 0, milliseconds: int = 0) -> datetime:
    return _EPOCH + timedelta(seconds=seconds, milliseconds=milliseconds)


def _unavailable(fault: str) -> BallastError:
    return BallastError(
        ErrorCode.PRICE_UNAVAILABLE, f"{NAME} gave no prices: {fault}.", service=NAME, fault=fault
    )
