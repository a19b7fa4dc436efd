"""From the words people use to one asset, or to an error that lists the candidates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ballast.app.ports import ListedAsset
from ballast.core.index import Asset
from ballast.errors import BallastError, ErrorCode

# A routing id means "deliver on that chain" and never a balance inside the venue.
ROUTING_PREFIX: Final = "1cs_v1:"

# The chain a native coin is at home on. nbtc is how Bitcoin is held inside NEAR Intents.
HOME_CHAINS: Final[Mapping[str, tuple[str, ...]]] = {
    "BTC": ("btc", "near"),
    "ETH": ("eth",),
    "SOL": ("sol",),
    "NEAR": ("near",),
    "WNEAR": ("near",),
    "BNB": ("bsc",),
    "AVAX": ("avax",),
    "POL": ("pol",),
    "DOGE": ("doge",),
    "XRP": ("xrp",),
    "LTC": ("ltc",),
    "ADA": ("cardano",),
    "SUI": ("sui",),
    "TON": ("ton",),
    "TRX": ("tron",),
    "ZEC": ("zec",),
    "ARB": ("arb",),
    "OP": ("op",),
    "APT": ("aptos",),
    "XLM": ("stellar",),
}

# What people say, and what the venue lists: inside NEAR Intents the coin is held wrapped.
SPOKEN: Final[Mapping[str, str]] = {"NEAR": "WNEAR", "WRAPPED NEAR": "WNEAR"}

CHAIN_NAMES: Final[Mapping[str, str]] = {
    "ethereum": "eth",
    "bitcoin": "btc",
    "solana": "sol",
    "arbitrum": "arb",
    "optimism": "op",
    "polygon": "pol",
    "avalanche": "avax",
    "bnb chain": "bsc",
    "bnb": "bsc",
    "binance smart chain": "bsc",
    "dogecoin": "doge",
    "ripple": "xrp",
    "litecoin": "ltc",
    "zcash": "zec",
    "near protocol": "near",
}

DEFAULT_BASE: Final = "nep141:17208628f84f5d6ad33f0da3bbbeb27ffcb398eac501a31bd6ad2011e36133a1"
"""USDC issued on NEAR: cheapest to hold and to swap inside the venue."""

STABLECOINS: Final = frozenset({"USDC", "USDT", "DAI"})

_ON_CHAIN = re.compile(r"(\S+)\s+on\s+(.+)", re.IGNORECASE | re.DOTALL)


def chain_of(word: str) -> str:
    """The venue's name of a chain: "Ethereum" and "eth" are both eth."""
    lowered = " ".join(word.casefold().split())
    return CHAIN_NAMES.get(lowered, lowered)


def resolve_asset(
    word: str,
    listed: Mapping[str, ListedAsset],
    *,
    base_asset_id: str | None,
    chain: str | None = None,
    deliver: bool = False,
) -> Asset:
    """Find the one asset that is meant.

    Args:
        word: an asset id, a symbol, or "SYMBOL on chain".
        listed: what the venue trades now.
        base_asset_id: a stablecoin's symbol means this asset when it is the same symbol.
        chain: restricts the search to one chain.
        deliver: whether it is to leave the venue; only then a routing id may be meant.

    Raises:
        BallastError: `unknown_asset` or `ambiguous_asset`; both list candidates with chain and id.
    """
    word = word.strip()
    if word in listed and (deliver or not word.startswith(ROUTING_PREFIX)):
        return listed[word].asset
    named = _ON_CHAIN.fullmatch(word)
    symbol = (named[1] if named else word).upper()
    wanted_chain = chain_of(named[2]) if named else chain_of(chain) if chain else None
    symbols = {symbol, SPOKEN.get(symbol, symbol)}
    candidates = [
        one.asset
        for one in listed.values()
        if one.asset.symbol.upper() in symbols
        and (deliver or not one.asset.asset_id.startswith(ROUTING_PREFIX))
    ]
    if wanted_chain:
        require_chain(wanted_chain, listed)
        return _one(word, [one for one in candidates if one.chain == wanted_chain], candidates)
    return _by_home(word, symbol, candidates, base_asset_id)


def require_listed(word: str, listed: Mapping[str, ListedAsset]) -> None:
    """Check that a word can mean an asset, where nobody knows yet on which chain.

    Raises:
        BallastError: `unknown_asset`.
    """
    try:
        resolve_asset(word, listed, base_asset_id=None, deliver=True)
    except BallastError as refusal:
        if refusal.code is not ErrorCode.AMBIGUOUS_ASSET:
            raise


def require_chain(chain: str, listed: Mapping[str, ListedAsset]) -> None:
    """Check that the venue lists anything on a chain, by the venue's name of it.

    Raises:
        BallastError: `unknown_asset`, naming the chains there are.
    """
    known = sorted({one.asset.chain for one in listed.values()})
    if chain not in known:
        raise BallastError(
            ErrorCode.UNKNOWN_ASSET,
            f"The venue knows no chain of this name. Known are: {', '.join(known)}.",
            given=chain[:60],
            candidates=[],
        )


def _by_home(word: str, symbol: str, candidates: list[Asset], base_asset_id: str | None) -> Asset:
    if symbol in STABLECOINS:
        base = [one for one in candidates if one.asset_id == base_asset_id]
        return _one(word, base or candidates, candidates)
    for home in HOME_CHAINS.get(symbol, ()):
        at_home = [one for one in candidates if one.chain == home]
        if at_home:
            return _one(word, at_home, candidates)
    return _one(word, candidates, candidates)


def _one(word: str, matching: list[Asset], candidates: list[Asset]) -> Asset:
    if len(matching) == 1:
        return matching[0]
    shown = candidate_list(matching or candidates)
    if matching:
        raise BallastError(
            ErrorCode.AMBIGUOUS_ASSET,
            f"{len(matching)} assets fit this name; Ballast does not guess which one is meant.",
            given=word[:60],
            candidates=shown,
        )
    raise BallastError(
        ErrorCode.UNKNOWN_ASSET,
        "The venue lists no asset of this name" + (" on this chain." if candidates else "."),
        given=word[:60],
        candidates=shown,
    )


def candidate_list(assets: Iterable[Asset]) -> list[dict[str, str]]:
    """Candidates for people and models: symbol, chain, id, sorted."""
    ordered = sorted(assets, key=lambda one: (one.symbol, one.chain, one.asset_id))
    return [
        {"symbol": one.symbol, "chain": one.chain, "asset_id": one.asset_id} for one in ordered[:20]
    ]


def require_base(asset: Asset) -> Asset:
    """Check that an asset can be the base asset: a USDC.

    Raises:
        BallastError: `invalid_input`.
    """
    if asset.symbol.upper() != "USDC":
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "The base asset of an index is a USDC.",
            problems=[{"field": "base_asset", "problem": "must be a USDC, on any chain"}],
        )
    return asset
