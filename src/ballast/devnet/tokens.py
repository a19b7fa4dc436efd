"""The assets the devnet lists. Ids, chains and decimals have the form of the real ones.

Those of BTC, ETH, SOL, NEAR, USDC, USDT and BNB are the real ones of November 2026; the others are
true to form. A client must take them from
`GET /v0/tokens` as it does with the real service. Several share a symbol on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

STABLE_COINS: Final = frozenset({"USDC", "USDT", "DAI"})


@dataclass(frozen=True, slots=True)
class Token:
    """One listed asset. `coin` is what it stands for: tokens of one coin have one price."""

    asset_id: str
    symbol: str
    blockchain: str
    decimals: int
    coin: str
    contract_address: str | None = None

    @property
    def is_routing(self) -> bool:
        """Whether the id only names a delivery on a chain and cannot be held."""
        return self.asset_id.startswith("1cs_v1:")


def _native(name: str, symbol: str, blockchain: str, decimals: int) -> Token:
    return Token(f"nep141:{name}", symbol, blockchain, decimals, symbol)


def _bridged(symbol: str, blockchain: str, decimals: int, address: str) -> Token:
    """A token behind the POA bridge, whose id repeats its address on the chain."""
    asset_id = f"nep141:{blockchain}-{address}.omft.near"
    return Token(asset_id, symbol, blockchain, decimals, symbol, address)


def _near_token(contract: str, symbol: str, decimals: int, coin: str | None = None) -> Token:
    return Token(f"nep141:{contract}", symbol, "near", decimals, coin or symbol, contract)


_USDC_NEAR: Final = "17208628f84f5d6ad33f0da3bbbeb27ffcb398eac501a31bd6ad2011e36133a1"
_USDC_SOL: Final = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
_USDT_SOL: Final = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
_USDT_BSC: Final = "0x55d398326f99059ff775485246999027b3197955"
_WBTC: Final = "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599"
_CBBTC: Final = "0xcbb7c0000ab88b473b1f5afd9ef808440eed33bf"

_TOKENS: Final = (
    Token("nep141:nbtc.bridge.near", "BTC", "near", 8, "BTC", "nbtc.bridge.near"),
    Token("1cs_v1:btc:native:coin", "BTC", "btc", 8, "BTC"),
    Token(f"nep141:eth-{_WBTC}.omft.near", "WBTC", "eth", 8, "BTC", _WBTC),
    Token(f"nep141:base-{_CBBTC}.omft.near", "cbBTC", "base", 8, "BTC", _CBBTC),
    _native("eth.omft.near", "ETH", "eth", 18),
    _native("base.omft.near", "ETH", "base", 18),
    _native("arb.omft.near", "ETH", "arb", 18),
    Token("nep245:v2_1.omni.hot.tg:10_11111111111111111111", "ETH", "op", 18, "ETH"),
    _native("sol.omft.near", "SOL", "sol", 9),
    Token("nep141:wrap.near", "wNEAR", "near", 24, "NEAR", "wrap.near"),
    Token("nep141:bnb.omdep.near", "BNB", "bsc", 18, "BNB"),
    Token("nep141:avax.omdep.near", "AVAX", "avax", 18, "AVAX"),
    Token("nep141:pol.omdep.near", "POL", "pol", 18, "POL"),
    _native("doge.omft.near", "DOGE", "doge", 8),
    _native("xrp.omft.near", "XRP", "xrp", 6),
    _native("ltc.omft.near", "LTC", "ltc", 8),
    _native("zec.omft.near", "ZEC", "zec", 8),
    _native("tron.omft.near", "TRX", "tron", 6),
    _native("cardano.omft.near", "ADA", "cardano", 6),
    _native("sui.omft.near", "SUI", "sui", 9),
    Token("nep245:v2_1.omni.hot.tg:1117_", "TON", "ton", 9, "TON"),
    Token(
        "nep245:v2_1.omni.hot.tg:1100_111bzQBB5v7AhLyPMDwS8uJgQV24KaAPXtwyVWu2KXbbfQU6NXRCz",
        "XLM",
        "stellar",
        7,
        "XLM",
    ),
    _bridged("LINK", "eth", 18, "0x514910771af9ca656af840dff83e8264ecf986ca"),
    _bridged("UNI", "eth", 18, "0x1f9840a85d5af5bf1d1762f925bdaddc4201f984"),
    _bridged("AAVE", "eth", 18, "0x7fc66500c84a76ad7e9c93437bfc5ac33e2ddae9"),
    _bridged("ARB", "arb", 18, "0x912ce59144191c1204e64559fe8253a0e49e6548"),
    _bridged("USDC", "eth", 6, "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"),
    _near_token(_USDC_NEAR, "USDC", 6),
    _bridged("USDC", "base", 6, "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"),
    _bridged("USDC", "arb", 6, "0xaf88d065e77c8cc2239327c5edb3a432268e5831"),
    Token(
        "nep141:sol-5ce3bf3a31af18be40ba30f721101b4341690186.omft.near",
        "USDC",
        "sol",
        6,
        "USDC",
        _USDC_SOL,
    ),
    _bridged("USDT", "eth", 6, "0xdac17f958d2ee523a2206206994597c13d831ec7"),
    _near_token("usdt.tether-token.near", "USDT", 6),
    _bridged("USDT", "arb", 6, "0xfd086bc7cd5c481dcc9c85ebe478a1c0b69fcbb9"),
    Token(
        "nep141:sol-c800a4bd850783ccb82c2b2c7e84175443606352.omft.near",
        "USDT",
        "sol",
        6,
        "USDT",
        _USDT_SOL,
    ),
    Token(
        "nep141:tron-d28a265909efecdcee7c5028585214ea0b96f015.omft.near",
        "USDT",
        "tron",
        6,
        "USDT",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    ),
    Token(f"nep141:bnb-{_USDT_BSC}.omdep.near", "USDT", "bsc", 18, "USDT", _USDT_BSC),
    _bridged("DAI", "eth", 18, "0x6b175474e89094c44da98b954eedeac495271d0f"),
)

TOKENS: Final[Mapping[str, Token]] = MappingProxyType({t.asset_id: t for t in _TOKENS})

# Ids that 1Click silently replaces, as seen live and in the changelog of 2026-11-09.
RETIRED_IDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "nep141:btc.omft.near": "1cs_v1:btc:native:coin",
        "nep245:v2_1.omni.hot.tg:56_11111111111111111111": "nep141:bnb.omdep.near",
        "nep245:v2_1.omni.hot.tg:137_11111111111111111111": "nep141:pol.omdep.near",
        "nep245:v2_1.omni.hot.tg:43114_11111111111111111111": "nep141:avax.omdep.near",
    }
)
