"""What an asset is worth: a pure function of the seed or the replay file, and the domain time.

No state moves a price forward, so every process and every restart sees the same one.
"""

from __future__ import annotations

import bisect
import csv
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from ballast.devnet.errors import DevnetError
from ballast.devnet.tokens import STABLE_COINS

# How often `/v0/tokens` refreshes its prices and their time stamp, in domain seconds.
PRICE_GRID_SECONDS: Final = 30
SHIPPED_REPLAY: Final = Path(__file__).parent / "data" / "btc_eth_2023.csv"

# Prices carry at most this many decimals, so that amounts can be computed with whole numbers.
PRICE_DECIMALS: Final = 12
_YEAR_SECONDS: Final = 365 * 24 * 3600
_LEVELS: Final = 32  # the Brownian tree spans 2**32 seconds, about 136 years


class Market(Protocol):
    """Prices in US dollars per whole unit of a coin."""

    def lists(self, coin: str) -> bool:
        """Whether this market prices the coin at all."""
        ...

    def price(self, coin: str, at: datetime) -> Decimal:
        """Positive, with at most PRICE_DECIMALS decimals."""
        ...


def grid_time(at: datetime) -> datetime:
    """The latest price refresh at or before `at`."""
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % PRICE_GRID_SECONDS, UTC)


@dataclass(frozen=True, slots=True)
class Motion:
    """How a coin moves: price at the start, volatility a year, share of it that is the market's."""

    start_usd: Decimal
    volatility: float
    market_share: float


def _motion(start_usd: str, volatility: float, market_share: float) -> Motion:
    return Motion(Decimal(start_usd), volatility, market_share)


MOTIONS: Final[Mapping[str, Motion]] = MappingProxyType(
    {
        "BTC": _motion("92000", 0.45, 0.90),
        "ETH": _motion("3100", 0.65, 0.88),
        "SOL": _motion("140", 0.90, 0.80),
        "NEAR": _motion("2.4", 1.00, 0.75),
        "BNB": _motion("890", 0.55, 0.78),
        "AVAX": _motion("15.2", 0.90, 0.78),
        "POL": _motion("0.16", 0.95, 0.72),
        "ARB": _motion("0.24", 1.00, 0.75),
        "DOGE": _motion("0.16", 1.00, 0.72),
        "XRP": _motion("2.1", 0.80, 0.68),
        "XLM": _motion("0.25", 0.85, 0.65),
        "LTC": _motion("88", 0.75, 0.72),
        "ZEC": _motion("410", 1.20, 0.45),
        "TRX": _motion("0.28", 0.45, 0.50),
        "ADA": _motion("0.46", 0.85, 0.76),
        "SUI": _motion("1.7", 1.00, 0.75),
        "TON": _motion("1.6", 0.80, 0.60),
        "LINK": _motion("13.8", 0.85, 0.78),
        "UNI": _motion("6.4", 0.95, 0.72),
        "AAVE": _motion("182", 0.90, 0.74),
    }
)


@lru_cache(maxsize=4096)
def _normal(seed: int, walk: str, level: int, position: int) -> float:
    """A standard normal number for one node of one walk, by the Box-Muller transform of a hash."""
    text = f"{seed}|{walk}|{level}|{position}".encode()
    digest = hashlib.blake2b(text, digest_size=16).digest()
    radius = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
    angle = int.from_bytes(digest[8:], "big") / 2**64
    return math.sqrt(-2 * math.log(radius)) * math.cos(2 * math.pi * angle)


# Every coin asks for the shared walk, and each answer has several prices of one moment.
@lru_cache(maxsize=1024)
def _brownian(seed: int, walk: str, seconds: int) -> float:
    """A Brownian path at a whole second, in root seconds; zero at second zero.

    The path is fixed at its far end, then at the middle, then at the middle of the half that
    holds `seconds`, and so on (Levy's construction): 32 steps reach any second.
    """
    left, right, span = 0.0, math.sqrt(2**_LEVELS) * _normal(seed, walk, 0, 0), 2**_LEVELS
    position = 0
    for level in range(1, _LEVELS + 1):
        noise = math.sqrt(span) / 2 * _normal(seed, walk, level, position)
        middle, span = (left + right) / 2 + noise, span // 2
        upper = (seconds >> (_LEVELS - level)) & 1
        left, right = (middle, right) if upper else (left, middle)
        position = position * 2 + upper
    return left


@dataclass(frozen=True, slots=True)
class SimulatedMarket:
    """Correlated geometric Brownian motion without drift, from the seed.

    Each coin follows one shared market factor and a walk of its own. Time counts from the devnet's
    start, so two devnets of one seed show the same prices at the same age.
    """

    seed: int
    start: datetime

    def lists(self, coin: str) -> bool:
        return coin in MOTIONS or coin in STABLE_COINS

    def price(self, coin: str, at: datetime) -> Decimal:
        seconds = max(0, int((at - self.start).total_seconds()))
        if coin in STABLE_COINS:
            return self._stable(coin, seconds)
        motion = MOTIONS[coin]
        share = motion.market_share
        shared = share * _brownian(self.seed, "market", seconds)
        own = math.sqrt(1 - share * share) * _brownian(self.seed, coin, seconds)
        spread = motion.volatility * (shared + own) / math.sqrt(_YEAR_SECONDS)
        drift = motion.volatility**2 / 2 * seconds / _YEAR_SECONDS
        return _rounded(float(motion.start_usd) * math.exp(spread - drift))

    def _stable(self, coin: str, seconds: int) -> Decimal:
        """A dollar, off by a few hundredths of a percent that change from hour to hour."""
        hour, rest = divmod(seconds, 3600)
        before = _normal(self.seed, coin, -1, hour)
        after = _normal(self.seed, coin, -1, hour + 1)
        return _rounded(1 + 0.0002 * (before + (after - before) * rest / 3600))


def _rounded(price: float) -> Decimal:
    """Eight significant digits: as listed prices have, and the same on every machine."""
    digits = Decimal(f"{price:.7e}")
    return max(round(digits, PRICE_DECIMALS), Decimal(1).scaleb(-PRICE_DECIMALS))


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One observed close, known from `at` on."""

    at: datetime
    coin: str
    price: Decimal


class ReplayMarket:
    """Closes from a file: the last one at or before the time asked for. A stablecoin is one dollar.

    Before a coin's first row its first price holds, after the last row its last.
    """

    def __init__(self, rows: Iterable[ReplayRow]) -> None:
        self._times: dict[str, list[datetime]] = {}
        self._prices: dict[str, list[Decimal]] = {}
        for row in sorted(rows, key=lambda each: (each.coin, each.at)):
            self._times.setdefault(row.coin, []).append(row.at)
            self._prices.setdefault(row.coin, []).append(row.price)

    def lists(self, coin: str) -> bool:
        return coin in self._times or coin in STABLE_COINS

    def price(self, coin: str, at: datetime) -> Decimal:
        if coin not in self._times:
            return Decimal(1)
        last = bisect.bisect_right(self._times[coin], at) - 1
        return self._prices[coin][max(last, 0)]


def read_replay(path: Path | None) -> Sequence[ReplayRow]:
    """Rows of a replay file with the columns time, asset, price; None reads the shipped one.

    Raises:
        DevnetError: the file is missing, empty, or a row is not a time, a name and a price > 0
            with at most PRICE_DECIMALS decimals.
    """
    source = path or SHIPPED_REPLAY
    try:
        with source.open(newline="", encoding="utf-8") as lines:
            rows = [
                _replay_row(source, number, row)
                for number, row in enumerate(csv.DictReader(lines), 2)
            ]
    except OSError as error:
        raise DevnetError(f"Cannot read the replay file {source}: {error.strerror}.") from error
    if not rows:
        raise DevnetError(f"The replay file {source} has no rows; it needs time, asset, price.")
    return rows


def replay_digest(path: Path | None) -> str:
    """sha256 of a replay file's bytes, in hex.

    Raises:
        DevnetError: the file cannot be read.
    """
    source = path or SHIPPED_REPLAY
    try:
        return hashlib.sha256(source.read_bytes()).hexdigest()
    except OSError as error:
        raise DevnetError(f"Cannot read the replay file {source}: {error.strerror}.") from error


def _replay_row(source: Path, number: int, row: Mapping[str, str]) -> ReplayRow:
    try:
        at = datetime.fromisoformat(row["time"])
        price = Decimal(row["price"])
        usable = price.is_finite() and price > 0 and price == round(price, PRICE_DECIMALS)
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise DevnetError(f"{source}, line {number}: expected time, asset, price.") from error
    if at.tzinfo is None or not row["asset"] or not usable:
        raise DevnetError(
            f"{source}, line {number}: expected a UTC time, an asset and a price > 0."
        )
    return ReplayRow(at.astimezone(UTC), row["asset"].upper(), price)


def default_replay_start(rows: Sequence[ReplayRow]) -> datetime:
    """One day after the first row: there is a little history, and nearly all is still to come."""
    return min(row.at for row in rows) + timedelta(days=1)
