"""Addresses of chains: what surely is none is refused before the venue is asked.

Known chains are checked with their checksums; of others only the form of any address is. The venue
has the last word on every address.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import base58

from ballast.core.forms import is_account_id
from ballast.errors import BallastError, ErrorCode

_ANY: Final = re.compile(r"[!-~]{4,200}", re.ASCII)
_EVM: Final = re.compile(r"0x([0-9a-fA-F]{40})", re.ASCII)
_HASH: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_BECH32_CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_CHECK: Final = 1
_BECH32M_CHECK: Final = 0x2BC830A3


def check_address(chain: str, address: str, memo: str | None) -> None:
    """Refuse what cannot be an address on a chain.

    Args:
        chain: as the venue names it.
        memo: what the owner gave with it; the venue's requests have no place for one, and money
            sent to a shared address without it is lost.

    Raises:
        BallastError: `address_invalid`.
    """
    if not _ANY.fullmatch(address) or not _CHECKS.get(chain, _is_any)(address):
        raise BallastError(
            ErrorCode.ADDRESS_INVALID,
            "This is not a whole address of this chain, or a letter of it is wrong.",
            chain=chain,
        )
    if memo:
        raise BallastError(
            ErrorCode.ADDRESS_INVALID,
            "The venue cannot deliver to an address that needs a memo. Use one that needs none.",
            chain=chain,
        )


def _is_any(_: str) -> bool:
    return True


def _is_evm(text: str) -> bool:
    """Mixed capitals are a checksum (EIP-55), small or capital letters alone are none.

    Nobody has the key of the zero address: it is where money is burnt.
    """
    found = _EVM.fullmatch(text)
    if found is None or not int(found[1], 16):
        return False
    digits = found[1]
    return digits in (digits.lower(), digits.upper()) or digits == _eip55(digits.lower())


def _eip55(digits: str) -> str:
    from eth_hash.auto import keccak

    marks = keccak(digits.encode()).hex()
    pairs = zip(digits, marks, strict=False)
    return "".join(each.upper() if int(mark, 16) >= 8 else each for each, mark in pairs)


def _is_check58(
    text: str, versions: tuple[bytes, ...], alphabet: bytes = base58.BITCOIN_ALPHABET
) -> bool:
    """Base58Check of a version and 20 bytes."""
    try:
        raw = base58.b58decode_check(text, alphabet=alphabet)
    except ValueError:
        return False
    return any(raw.startswith(version) and len(raw) == len(version) + 20 for version in versions)


def _is_solana(text: str) -> bool:
    try:
        return len(base58.b58decode(text)) == 32
    except ValueError:
        return False


def _is_bech32(text: str, prefix: str, *, checks: tuple[int, ...]) -> bool:
    """Prefix, 1, data and a checksum of six characters (BIP 173, BIP 350)."""
    if text not in (text.lower(), text.upper()):
        return False
    head, _, tail = text.lower().rpartition("1")
    if head != prefix or len(tail) < 8 or any(each not in _BECH32_CHARSET for each in tail):
        return False
    values = [_BECH32_CHARSET.index(each) for each in tail]
    spread = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    return _polymod([*spread, *values]) in checks


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, constant in enumerate(_BECH32_GENERATOR):
            check ^= constant if top >> place & 1 else 0
    return check


def _is_witness(text: str, prefix: str) -> bool:
    """A witness address: version 0 has the first checksum, later versions the second."""
    version = text.lower()[len(prefix) + 1 : len(prefix) + 2]
    return _is_bech32(
        text, prefix, checks=(_BECH32_CHECK if version == "q" else _BECH32M_CHECK,)
    ) and 14 <= len(text) <= 90  # fmt: skip


def _is_coin(text: str, prefix: str, versions: tuple[bytes, ...]) -> bool:
    return _is_check58(text, versions) or _is_witness(text, prefix)


def _is_crc16(text: str, *, size: int, decode: Callable[[str], bytes], order: str) -> bool:
    """Bytes of a fixed number that end in their CRC-16."""
    try:
        raw = decode(text)
    except (binascii.Error, ValueError):
        return False
    check = binascii.crc_hqx(raw[:-2], 0)
    big = order == "big"
    return len(raw) == size and check == int.from_bytes(raw[-2:], "big" if big else "little")


def _is_stellar(text: str) -> bool:
    return text.startswith("G") and _is_crc16(
        text, size=35, decode=base64.b32decode, order="little"
    )


def _is_ton(text: str) -> bool:
    return text[:2] in ("EQ", "UQ") and _is_crc16(
        text, size=36, decode=base64.urlsafe_b64decode, order="big"
    )


_EVM_CHAINS: Final = (
    "eth", "base", "arb", "op", "pol", "bsc", "avax", "gnosis", "bera", "xlayer", "monad",
    "plasma", "scroll", "adi",
)  # fmt: skip

_CHECKS: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType(
    dict.fromkeys(_EVM_CHAINS, _is_evm)
    | {
        "near": is_account_id,
        "btc": partial(_is_coin, prefix="bc", versions=(b"\x00", b"\x05")),
        "ltc": partial(_is_coin, prefix="ltc", versions=(b"\x30", b"\x32", b"\x05")),
        "doge": partial(_is_check58, versions=(b"\x1e", b"\x16")),
        "zec": partial(_is_check58, versions=(b"\x1c\xb8", b"\x1c\xbd")),
        "tron": partial(_is_check58, versions=(b"\x41",)),
        "xrp": partial(_is_check58, versions=(b"\x00",), alphabet=base58.RIPPLE_ALPHABET),
        "sol": _is_solana,
        "sui": lambda text: bool(_HASH.fullmatch(text)) and len(text) == 66,
        "aptos": lambda text: bool(_HASH.fullmatch(text)),
        "cardano": partial(_is_bech32, prefix="addr", checks=(_BECH32_CHECK,)),
        "stellar": _is_stellar,
        "ton": _is_ton,
    }
)
