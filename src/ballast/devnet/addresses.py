"""Addresses of chains: whether one is whole, checksum included, and how to make one.

The libraries do the hashing; what is written out here are two published checksums, bech32
(BIP 173, BIP 350) and the capital letters of an EVM address (EIP-55).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import base58

IsAddress = Callable[[str], bool]
MakeAddress = Callable[[bytes], str]

_CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32: Final = 1
_BECH32M: Final = 0x2BC830A3


def is_evm_address(text: str) -> bool:
    """0x and 40 hex digits; with both small and capital letters, those of EIP-55."""
    digits = text.removeprefix("0x")
    if len(digits) != 40 or len(text) != 42 or not _is_hex(digits):
        return False
    return digits in {digits.lower(), digits.upper()} or text == checksummed(text)


def checksummed(address: str) -> str:
    """An EVM address with the capital letters of EIP-55."""
    from eth_hash.auto import keccak

    digits = address.removeprefix("0x").lower()
    marks = keccak(digits.encode()).hex()
    letters = (d.upper() if int(m, 16) >= 8 else d for d, m in zip(digits, marks, strict=False))
    return "0x" + "".join(letters)


def make_evm_address(raw: bytes) -> str:
    """In small letters."""
    return "0x" + raw[:20].hex()


def _is_hex(text: str) -> bool:
    return all(each in "0123456789abcdefABCDEF" for each in text)


def is_hash_address(text: str) -> bool:
    """0x and 64 hex digits, as on Sui."""
    return len(text) == 66 and text.startswith("0x") and _is_hex(text[2:])


def check58(*versions: str, alphabet: bytes = base58.BITCOIN_ALPHABET) -> IsAddress:
    """Base58Check of 20 bytes with one of these version bytes, in hex."""
    wanted = [bytes.fromhex(version) for version in versions]

    def check(text: str) -> bool:
        try:
            raw = base58.b58decode_check(text, alphabet=alphabet)
        except ValueError:
            return False
        return any(raw.startswith(each) and len(raw) == len(each) + 20 for each in wanted)

    return check


def make_check58(version: str, alphabet: bytes = base58.BITCOIN_ALPHABET) -> MakeAddress:
    """Addresses that `check58` takes."""
    head = bytes.fromhex(version)
    return lambda raw: base58.b58encode_check(head + raw[:20], alphabet=alphabet).decode()


def is_solana_address(text: str) -> bool:
    """Base58 of 32 bytes."""
    try:
        return len(base58.b58decode(text)) == 32
    except ValueError:
        return False


def either(*checks: IsAddress) -> IsAddress:
    """Chains with several forms of address."""
    return lambda text: any(check(text) for check in checks)


def segwit(prefix: str) -> IsAddress:
    """Witness addresses: version 0 with bech32 and 20 or 32 bytes, later ones with bech32m."""

    def check(text: str) -> bool:
        values = _bech32_values(prefix, text, 90)
        if values is None or len(values) < 7 or values[0] > 16:
            return False
        program = _bytes_of(values[1:-6])
        sizes = {20, 32} if values[0] == 0 else set(range(2, 41))
        return (
            _polymod(prefix, values) == (_BECH32M if values[0] else _BECH32)
            and program is not None
            and len(program) in sizes
        )

    return check


def bech32(prefix: str) -> IsAddress:
    """Any bech32 text with this prefix, as on Cardano."""

    def check(text: str) -> bool:
        values = _bech32_values(prefix, text, 120)
        return values is not None and len(values) > 6 and _polymod(prefix, values) == _BECH32

    return check


def make_cardano_address(raw: bytes) -> str:
    """An enterprise address: one header byte and a key hash of 28 bytes."""
    values = _fives(b"\x61" + raw[:28])
    rest = _polymod("addr", [*values, 0, 0, 0, 0, 0, 0]) ^ _BECH32
    check = [(rest >> 5 * (5 - place)) & 31 for place in range(6)]
    return "addr1" + "".join(_CHARSET[each] for each in [*values, *check])


def _bech32_values(prefix: str, text: str, longest: int) -> list[int] | None:
    if len(text) > longest or text not in {text.lower(), text.upper()}:
        return None
    head, mark, tail = text.lower().rpartition("1")
    if head != prefix or not mark or any(each not in _CHARSET for each in tail):
        return None
    return [_CHARSET.index(each) for each in tail]


def _polymod(prefix: str, values: Iterable[int]) -> int:
    spread = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    check = 1
    for value in [*spread, *values]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, constant in enumerate(_GENERATOR):
            check ^= constant if top >> place & 1 else 0
    return check


def _fives(raw: bytes) -> list[int]:
    """The bits of `raw` in groups of five, the last one filled up with zeros."""
    bits = "".join(f"{byte:08b}" for byte in raw)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]


def _bytes_of(values: Sequence[int]) -> bytes | None:
    """The bytes in groups of five bits; None if what is left over is not zeros, or too long."""
    bits = "".join(f"{value:05b}" for value in values)
    rest = len(bits) % 8
    if rest >= 5 or "1" in bits[len(bits) - rest :]:
        return None
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - rest, 8))


def is_stellar_address(text: str) -> bool:
    """G...: base32 of a version byte, 32 bytes and a CRC-16."""
    if len(text) != 56 or not text.startswith("G"):
        return False
    try:
        raw = base64.b32decode(text)
    except binascii.Error:
        return False
    return binascii.crc_hqx(raw[:33], 0) == int.from_bytes(raw[33:], "little")


def make_stellar_address(raw: bytes) -> str:
    """An address that `is_stellar_address` takes."""
    head = bytes([6 << 3]) + raw
    return base64.b32encode(head + binascii.crc_hqx(head, 0).to_bytes(2, "little")).decode()


def is_ton_address(text: str) -> bool:
    """EQ... or UQ...: base64url of a flag, a work chain, 32 bytes and a CRC-16."""
    if len(text) != 48 or text[:2] not in {"EQ", "UQ"}:
        return False
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    return binascii.crc_hqx(raw[:34], 0) == int.from_bytes(raw[34:], "big")


def make_ton_address(raw: bytes) -> str:
    """An address that `is_ton_address` takes: UQ..., on the base chain."""
    head = b"\x51\x00" + raw
    whole = head + binascii.crc_hqx(head, 0).to_bytes(2, "big")
    return base64.urlsafe_b64encode(whole).decode()
