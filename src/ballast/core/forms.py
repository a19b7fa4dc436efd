"""How addresses, keys and accounts are written. Nothing is asked or opened."""

from __future__ import annotations

import base64
import binascii
import re
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

KEY_BYTES: Final = 32
KEY_PREFIX: Final = "ed25519:"

_HEX: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_ACCOUNT: Final = re.compile(r"(?=.{2,64}$)(?:[a-z\d]+[-_.])*[a-z\d]+", re.ASCII)
_ADDRESS: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<user>[^\s/@]+@)?"
    r"(?:\[(?P<inside>[0-9a-f:.]+)\]|(?P<name>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?))"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?][!-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_WEB: Final = ("http", "https")
_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
# Bitcoin's alphabet, which NEAR uses.
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def is_web_address(text: str) -> bool:
    """Whether it is an address that begins with http:// or https:// and names a host."""
    found = _address(text)
    return found is not None and found["scheme"].lower() in _WEB


def is_web_origin(text: str) -> bool:
    """Whether it is such an address with nothing after host and port."""
    return is_web_address(text) and is_origin(text)


def is_origin(text: str) -> bool:
    """Whether it is a scheme, a host and perhaps a port, as browsers write origins; a page of an
    extension has a scheme of its own."""
    found = _address(text)
    return found is not None and not found["user"] and found["rest"] in (None, "/")


def is_private_to_this_machine(url: str) -> bool:
    """Whether nobody else can listen on the way to a web address: by TLS, or by staying here."""
    found = _address(url)
    if found is None:
        return False
    host = (found["inside"] or found["name"]).lower()
    return found["scheme"].lower() == "https" or host in _THIS_MACHINE


def is_proxy(text: str) -> bool:
    """Whether it is an IP address, a network, or `*` for whoever connects."""
    try:
        ip_network(text) if "/" in text else text == "*" or ip_address(text)
    except ValueError:
        return False
    return True


def is_account_id(text: str) -> bool:
    """Whether NEAR takes this text as an account id (2 to 64 characters, lower case)."""
    return _ACCOUNT.fullmatch(text) is not None


def is_public_key(text: str) -> bool:
    """Whether it is an ed25519 public key as NEAR writes them."""
    return _base58_bytes(text.removeprefix(KEY_PREFIX)) == KEY_BYTES


def is_secret_key(text: str) -> bool:
    """Whether it is an ed25519 secret key as NEAR writes them: seed and public key."""
    return _base58_bytes(text.removeprefix(KEY_PREFIX)) == 2 * KEY_BYTES


def key_written(text: str) -> bytes | None:
    """32 bytes written as hex or base64; None if it is neither."""
    stripped = text.strip()
    if found := _HEX.fullmatch(stripped):
        return bytes.fromhex(found[1])
    try:
        key = base64.b64decode(stripped.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _address(text: str) -> re.Match[str] | None:
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"] or 0) > 65_535:
        return None
    try:
        if found["inside"]:
            IPv6Address(found["inside"])
    except ValueError:
        return None
    return found


def _base58_bytes(text: str) -> int:
    """How many bytes a base58 text stands for; -1 if it is none."""
    number = 0
    for letter in text[:200]:
        digit = _BASE58.find(letter)
        if digit < 0:
            return -1
        number = number * 58 + digit
    # Each leading 1 is a byte of zero.
    zeros = len(text) - len(text.lstrip("1"))
    return zeros + (number.bit_length() + 7) // 8
