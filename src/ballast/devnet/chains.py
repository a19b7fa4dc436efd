"""The chains that assets live on: how long a payment takes, its cost, the form of an address.

Times are domain seconds and are shortened beside the real chains, so that a person can wait for a
deposit. Costs are in US dollars, turned into the asset at the price of the moment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import base58

from ballast.devnet.addresses import (
    IsAddress,
    MakeAddress,
    bech32,
    check58,
    either,
    is_evm_address,
    is_hash_address,
    is_solana_address,
    is_stellar_address,
    is_ton_address,
    make_cardano_address,
    make_check58,
    make_evm_address,
    make_stellar_address,
    make_ton_address,
    segwit,
)

NEAR_ACCOUNT: Final = re.compile(r"(([a-z\d]+[-_])*[a-z\d]+\.)*([a-z\d]+[-_])*[a-z\d]+", re.ASCII)


def is_near_account(text: str) -> bool:
    """Whether `text` is a NEAR account id: 2 to 64 characters, lower case only.

    Covers named accounts, 64-hex implicit ones and 0x addresses.
    """
    return 2 <= len(text) <= 64 and NEAR_ACCOUNT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain. What `make_address` makes, `is_address` takes, checksum included.

    `least_withdrawal_usd` is the bridge's minimum, `fee_usd` what a withdrawal or refund costs.
    """

    confirm_seconds: int
    fee_usd: Decimal
    least_withdrawal_usd: Decimal
    is_address: IsAddress
    make_address: MakeAddress
    needs_memo: bool = False
    hash_prefix: str = ""


def _chain(
    seconds: int, fee: str, least: str, check: IsAddress, make: MakeAddress, memo: bool = False
) -> Chain:
    return Chain(seconds, Decimal(fee), Decimal(least), check, make, needs_memo=memo)


def _evm_chain(seconds: int, fee: str, least: str) -> Chain:
    return Chain(
        seconds, Decimal(fee), Decimal(least), is_evm_address, make_evm_address, hash_prefix="0x"
    )


def _base58(raw: bytes) -> str:
    return base58.b58encode(raw).decode()


def _check58_chain(seconds: int, fee: str, least: str, first: str, *others: str) -> Chain:
    return _chain(seconds, fee, least, check58(first, *others), make_check58(first))


_BITCOIN: Final = either(segwit("bc"), check58("00", "05"))
_LITECOIN: Final = either(segwit("ltc"), check58("30", "32", "05"))
_RIPPLE: Final = base58.RIPPLE_ALPHABET

CHAINS: Final[Mapping[str, Chain]] = MappingProxyType(
    {
        "near": _chain(3, "0.01", "0.05", is_near_account, bytes.hex),
        "eth": _evm_chain(45, "0.80", "2.00"),
        "base": _evm_chain(6, "0.02", "0.11"),
        "arb": _evm_chain(6, "0.02", "0.11"),
        "op": _evm_chain(6, "0.02", "0.11"),
        "pol": _evm_chain(12, "0.02", "0.11"),
        "bsc": _evm_chain(9, "0.05", "0.20"),
        "avax": _evm_chain(6, "0.02", "0.11"),
        "btc": _chain(120, "1.20", "7.60", _BITCOIN, make_check58("05")),
        "sol": _chain(5, "0.02", "0.20", is_solana_address, _base58),
        "doge": _check58_chain(60, "0.30", "1.50", "1e", "16"),
        "ltc": _chain(60, "0.10", "0.50", _LITECOIN, make_check58("30")),
        "zec": _check58_chain(75, "0.10", "0.50", "1cb8", "1cbd"),
        "tron": _check58_chain(9, "1.10", "3.00", "41"),
        "ton": _chain(9, "0.05", "0.20", is_ton_address, make_ton_address),
        "cardano": _chain(40, "0.15", "1.00", bech32("addr"), make_cardano_address),
        "sui": _chain(4, "0.02", "0.10", is_hash_address, lambda raw: "0x" + raw.hex()),
        "xrp": _chain(
            6,
            "0.01",
            "0.50",
            check58("00", alphabet=_RIPPLE),
            make_check58("00", _RIPPLE),
            memo=True,
        ),
        "stellar": _chain(6, "0.01", "0.20", is_stellar_address, make_stellar_address, memo=True),
    }
)


def transaction_hash(chain: str, raw: bytes) -> str:
    """How this chain writes the hash `raw` (32 bytes)."""
    if chain in {"near", "sol"}:
        return base58.b58encode(raw).decode()
    return CHAINS[chain].hash_prefix + raw.hex()
