"""Sign-In with Ethereum (ERC-4361): the message a wallet is asked to sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

CHALLENGE_LIFETIME: Final = timedelta(minutes=5)
STATEMENT: Final = "Sign in to Ballast. This sends nothing and costs nothing."
ETHEREUM: Final = "ethereum"
"""The provider of identities that are addresses."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A message that was issued for signing. Its text is not kept: what comes back is held
    against its hash, so nothing in it is ever read."""

    message_hash: str
    address: str
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Identity:
    """By what else than a password an account is signed in to.

    Attributes:
        provider: `ethereum`, or the issuer of an external provider's tokens.
        subject: the checksummed address, or what the issuer calls the person.
    """

    provider: str
    subject: str
    account_id: str
    owner_id: str
    added_at: datetime


def sign_in_message(
    public_url: str, address: str, chain_id: int, nonce: str, issued_at: datetime
) -> str:
    """The message, in the form of ERC-4361 ("Message Format").

    Args:
        public_url: where this server is reached: wallets compare its domain with the page's.
        address: checksummed (EIP-55).
        nonce: at least 8 letters and digits.
    """
    domain = public_url.partition("://")[2]
    return (
        f"{domain} wants you to sign in with your Ethereum account:\n"
        f"{address}\n"
        "\n"
        f"{STATEMENT}\n"
        "\n"
        f"URI: {public_url}\n"
        "Version: 1\n"
        f"Chain ID: {chain_id}\n"
        f"Nonce: {nonce}\n"
        f"Issued At: {_rfc3339(issued_at)}\n"
        f"Expiration Time: {_rfc3339(issued_at + CHALLENGE_LIFETIME)}"
    )


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
