"""Which addresses a receiver that somebody names may have: those of the public internet."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

# All that is handed out of IPv6 to be reached by everybody (IANA IPv6 Global Unicast Address
# Assignments), and the prefix under which a network without IPv4 shows it (RFC 6052).
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
# For documentation (RFC 9637); not every Python knows it.
_DOCUMENTATION: Final = IPv6Network("3fff::/20")


def is_public(address: Address) -> bool:
    """Whether an address belongs to somebody on the public internet.

    Private, loopback, link-local, shared, documentation, benchmark, multicast and reserved ones do
    not (IANA special-purpose registries); nor does an IPv6 address that carries such an IPv4 one
    inside, whatever the form: mapped, translated, 6to4. Teredo is never allowed.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    inside = _carried(address)
    if inside is not None:
        return is_public(inside)
    return (
        address in _GLOBAL_UNICAST
        and address not in _DOCUMENTATION
        and address.is_global
        and not address.is_multicast
        and address.teredo is None
    )


def is_loopback(address: Address) -> bool:
    """Whether an address is this machine itself."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


def read_address(text: str) -> Address | None:
    """An address out of its text, without a zone; None when it is none."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
