"""Publishing on chain: a NEAR account that pays gas calls `execute_intents` itself.

It needs no key of a partner. The signed bytes are the same as on any other way; what is made anew
is the transaction around them. The transaction is laid out and signed by `py-near-primitives`,
bindings of the NEAR node's own Rust crates, which comes with the extra `near`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Final

import base58
from pydantic import SecretStr

from ballast.adapters.http import HttpClient
from ballast.adapters.near_intents.client import multi_payload, read_model
from ballast.adapters.near_intents.publishing import Published, outcome_of, unanswered
from ballast.adapters.near_intents.rpc import NearNodes
from ballast.adapters.near_intents.signing import VERIFIER
from ballast.adapters.near_intents.wire import RpcAccessKey, RpcTransaction, clean_text
from ballast.app.ports import MaySign, PublishOutcome, PublishResult, SignedIntent
from ballast.core.forms import KEY_PREFIX, is_account_id
from ballast.core.wording import how_to_install
from ballast.errors import BallastError, ErrorCode

_NODE: Final = "the NEAR node"
# Far above what one transfer burns; what is left over is paid back.
DEFAULT_GAS: Final = 100 * 10**12


class NearAccountPublisher:
    """Publishes by a transaction of its own account.

    Args:
        nodes: NEAR RPC nodes, in the order of preference.
        may_sign: opened around each signature of the account.
        account_id: the account that pays.
        secret_key: `ed25519:<base58 of 64 bytes>`, as NEAR wallets and tools write it.
        gas: attached to the call.
        total_seconds: for one request, over all nodes.

    Raises:
        BallastError: `settings_invalid` for a key or account of another form, or without the
            extra `near`.
    """

    name = "the NEAR account"

    def __init__(
        self,
        nodes: Sequence[HttpClient],
        may_sign: MaySign,
        account_id: str,
        secret_key: SecretStr,
        *,
        gas: int = DEFAULT_GAS,
        total_seconds: float = 60,
    ) -> None:
        _require_library()
        if not is_account_id(account_id):
            raise BallastError(ErrorCode.SETTINGS_INVALID, "The NEAR account id has a wrong form.")
        self._nodes = NearNodes(nodes, total_seconds)
        self._may_sign = may_sign
        self.account_id: str | None = account_id
        self._account = account_id
        self._secret = _secret_bytes(secret_key)
        self._gas = gas
        self._turn = asyncio.Lock()
        self._nonce = 0

    async def publish(self, intent: SignedIntent) -> Published:
        """Send a transaction, and read from its outcome what the contract did."""
        try:
            async with self._turn:
                signed, near_hash = await self._transaction(intent)
        except BallastError as error:
            reason = f"Nothing was sent. {error.message}"
            return Published(PublishResult(PublishOutcome.UNKNOWN, reason), maybe_sent=False)
        params = {"signed_tx_base64": signed, "wait_until": "FINAL"}
        try:
            found = await self._nodes.ask("send_tx", params)
            return _published(read_model(RpcTransaction, found, _NODE), near_hash)
        except BallastError as error:
            return unanswered(error)

    async def close(self) -> None:
        """Close the connections."""
        await self._nodes.close()

    async def _transaction(self, intent: SignedIntent) -> tuple[str, str]:
        """A signed transaction in base64, and its hash."""
        from py_near_primitives import FunctionCallAction, Transaction

        key = await self._access_key()
        # Several at once would read the same nonce of the chain.
        self._nonce = max(self._nonce, key.nonce) + 1
        args = json.dumps({"signed": [multi_payload(intent)]}, ensure_ascii=False)
        action = FunctionCallAction("execute_intents", args.encode(), self._gas, 0)
        transaction = Transaction(
            self._account,
            self._secret[32:],
            self._nonce,
            VERIFIER,
            _block_hash(key.block_hash),
            [action],
        )
        near_hash = base58.b58encode(bytes(transaction.get_hash())).decode()
        async with self._may_sign() as allowed:
            if allowed is None:
                raise BallastError(ErrorCode.TRADING_HALTED, "Trading was halted before that.")
            signed = bytes(transaction.to_vec(self._secret))
            await allowed(near_hash)
        return base64.b64encode(signed).decode(), near_hash

    async def _access_key(self) -> RpcAccessKey:
        public_key = KEY_PREFIX + base58.b58encode(self._secret[32:]).decode()
        params = {
            "request_type": "view_access_key",
            "finality": "final",
            "account_id": self._account,
            "public_key": public_key,
        }
        return read_model(RpcAccessKey, await self._nodes.ask("query", params), _NODE)


def _published(found: RpcTransaction, near_hash: str) -> Published:
    """What a transaction's outcome says. Only its success or the contract's own words count."""
    status = found.status or {}
    if "SuccessValue" in status or "SuccessReceiptId" in status:
        return Published(PublishResult(PublishOutcome.ACCEPTED, ""), near_hash=near_hash)
    if "Failure" not in status:
        reason = "The transaction has no outcome yet."
        return Published(PublishResult(PublishOutcome.UNKNOWN, reason), near_hash=near_hash)
    text = json.dumps(status["Failure"], ensure_ascii=False, default=str)
    return Published(PublishResult(outcome_of(text), _panic(text)))


def _panic(text: str) -> str:
    """The contract's words within a failure, or all of it."""
    return clean_text(text.rpartition("panicked: ")[2].partition('"')[0])


def _block_hash(text: str) -> bytes:
    try:
        raw = base58.b58decode(text)
    except ValueError:
        raw = b""
    if len(raw) != hashlib.sha256().digest_size:
        raise BallastError(ErrorCode.VENUE_UNAVAILABLE, "The NEAR node names no usable block.")
    return raw


def _require_library() -> None:
    try:
        import py_near_primitives  # noqa: F401
    except ImportError:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID,
            f"Publishing from a NEAR account needs the extra `near`: {how_to_install('near')}.",
        ) from None


def _secret_bytes(secret_key: SecretStr) -> bytes:
    """Seed and public key, which must belong together: the signer would sign with any."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    text = secret_key.get_secret_value()
    try:
        raw = base58.b58decode(text.removeprefix(KEY_PREFIX)) if text else b""
    except ValueError:
        raw = b""
    if len(raw) == 64:
        public = Ed25519PrivateKey.from_private_bytes(raw[:32]).public_key().public_bytes_raw()
        if public == raw[32:]:
            return raw
    raise BallastError(
        ErrorCode.SETTINGS_INVALID,
        "The key of the NEAR account must be ed25519: and base58 of its 64 bytes.",
    )
