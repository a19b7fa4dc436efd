"""Ethereum addresses and the signatures of wallets, by eth-account."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any, Final

from ballast.errors import BallastError, ErrorCode

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_SIGNATURE: Final = re.compile(r"0x[0-9a-fA-F]{130}", re.ASCII)


def eth_account() -> Any:
    """eth-account's entry. A library below it raises the recursion limit beyond what the stack
    can hold, so the limit is put back."""
    limit = sys.getrecursionlimit()
    from eth_account import Account

    sys.setrecursionlimit(limit)
    return Account


class WalletSignatures:
    """Fulfils the port `WalletSignatures` for keys that sign by themselves (not by a contract)."""

    def checksummed(self, address: str) -> str:
        """The address with its checksum (EIP-55).

        Raises:
            BallastError: `invalid_input` when it is none, or its checksum is wrong.
        """
        if not _ADDRESS.fullmatch(address):
            raise _no_address("must be 0x and 40 hex digits")
        from eth_utils.address import to_checksum_address

        written = str(to_checksum_address(address.lower()))
        # In small or capital letters alone it carries no checksum.
        digits = address[2:]
        if digits not in (digits.lower(), digits.upper()) and address != written:
            raise _no_address("has a wrong checksum: a letter of it may be mistyped")
        return written

    async def signer_of(self, message: str, signature: str) -> str:
        """Whose key signed a message (EIP-191, version 0x45), as a checksummed address.

        Raises:
            BallastError: `unauthenticated` when it is no signature of anybody.
        """
        if not _SIGNATURE.fullmatch(signature):
            raise _no_signature()
        return await asyncio.to_thread(_recovered, message, signature)


def _recovered(message: str, signature: str) -> str:
    account = eth_account()
    from eth_account.messages import encode_defunct
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    try:
        return str(account.recover_message(encode_defunct(text=message), signature=signature))
    except (BadSignature, ValidationError, ValueError):
        raise _no_signature() from None


def _no_address(problem: str) -> BallastError:
    return BallastError(
        ErrorCode.INVALID_INPUT,
        "This is no Ethereum address.",
        problems=[{"field": "address", "problem": problem}],
    )


def _no_signature() -> BallastError:
    return BallastError(ErrorCode.UNAUTHENTICATED, "This is no signature of a wallet.")
