"""A deposit as a link that wallets understand: EIP-681 on EVM chains, BIP-21 for Bitcoin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ballast.core.money import format_amount

# EIP-155 chain ids by the venue's chain names.
CHAIN_IDS: Final[Mapping[str, int]] = {
    "eth": 1,
    "op": 10,
    "bsc": 56,
    "gnosis": 100,
    "pol": 137,
    "base": 8453,
    "arb": 42161,
    "avax": 43114,
    "scroll": 534352,
}
_BIP21: Final[Mapping[str, str]] = {"btc": "bitcoin", "ltc": "litecoin", "doge": "dogecoin"}


def payment_uri(
    *, chain: str, contract: str | None, address: str, units: int | None, decimals: int
) -> str:
    """A link to pay an address.

    Args:
        chain: the venue's chain name.
        contract: of the token; None for the chain's own coin.
        address: where to pay.
        units: base units; None leaves the amount to the payer.
        decimals: of the asset.

    Returns:
        An EIP-681 link with the amount in base units, a BIP-21 link with whole coins, or the bare
        address where no standard link is known.
    """
    chain_id = CHAIN_IDS.get(chain)
    if chain_id is not None and contract:
        amount = f"&uint256={units}" if units else ""
        return f"ethereum:{contract}@{chain_id}/transfer?address={address}{amount}"
    if chain_id is not None:
        amount = f"?value={units}" if units else ""
        return f"ethereum:{address}@{chain_id}{amount}"
    if chain in _BIP21:
        amount = f"?amount={format_amount(units, decimals)}" if units else ""
        return f"{_BIP21[chain]}:{address}{amount}"
    return address
