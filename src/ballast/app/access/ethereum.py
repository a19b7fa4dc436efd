"""Signing in with an Ethereum wallet: a message of ours, signed once, by the address it names."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ballast.app.access.accounts import new_account
from ballast.app.access.secrets import hash_of
from ballast.app.access.sessions import Tokens, note_failed_sign_in, start_session
from ballast.app.app import App
from ballast.app.ports import Transaction
from ballast.core.access import ALL_SCOPES, Scope
from ballast.core.ethereum_sign_in import (
    CHALLENGE_LIFETIME,
    ETHEREUM,
    Challenge,
    Identity,
    sign_in_message,
)
from ballast.core.sign_in import LoginAccount
from ballast.errors import BallastError, ErrorCode

_NONCE_BYTES: Final = 15
MAINNET: Final = 1


@dataclass(frozen=True, slots=True)
class IssuedChallenge:
    """What the wallet is to sign, byte for byte."""

    message: str
    expires_at: datetime


async def issue_challenge(app: App, address: str, chain_id: int = MAINNET) -> IssuedChallenge:
    """A message for a wallet to sign. Any address gets one, so that it tells nothing.

    Raises:
        BallastError: `invalid_input` when it is no address.
    """
    written = app.sign_in.wallets.checksummed(address)
    now = app.wall.now()
    nonce = base64.b32encode(app.ids.random_bytes(_NONCE_BYTES)).decode().lower()
    message = sign_in_message(app.sign_in.public_url, written, chain_id, nonce, now)
    expires_at = now + CHALLENGE_LIFETIME
    async with app.store.transaction() as tx:
        await tx.forget_challenges(now)
        await tx.add_challenge(Challenge(hash_of(message), written, expires_at, None))
    return IssuedChallenge(message, expires_at)


async def prove(
    app: App, message: str, signature: str, face: str, scopes: Sequence[Scope] = ALL_SCOPES
) -> Tokens:
    """Sign in by a message that `issue_challenge` gave and its signature.

    Raises:
        BallastError: `unauthenticated` when the message is not exactly one of ours, was used or
            has expired; when another key signed it; when its address has no account here.
    """
    try:
        return await _proved(app, message, signature, face, scopes)
    except BallastError as refusal:
        if refusal.code is ErrorCode.UNAUTHENTICATED:
            await note_failed_sign_in(app, None, face)
        raise


async def _proved(
    app: App, message: str, signature: str, face: str, scopes: Sequence[Scope]
) -> Tokens:
    async with app.store.read_once() as reader:
        challenge = await reader.find_challenge(hash_of(message))
    if challenge is None or challenge.used_at or app.wall.now() >= challenge.expires_at:
        raise _refused("This message was not issued here, was used before, or has expired.")
    if await app.sign_in.wallets.signer_of(message, signature) != challenge.address:
        raise _refused("Another key than that of the address signed this message.")
    async with app.store.transaction() as tx:
        if not await tx.use_challenge(challenge.message_hash, app.wall.now()):
            raise _refused("This message was used before.")
        account = await _account_of(app, tx, challenge.address)
        return await start_session(app, tx, account, face, scopes)


async def _account_of(app: App, tx: Transaction, address: str) -> LoginAccount:
    identity = await tx.find_identity(ETHEREUM, address)
    account = await tx.get_account(identity.account_id) if identity else None
    if account is None and app.sign_in.open_to_all:
        account = new_account(app, address, password_hash=None)
        await tx.add_account(account)
        await tx.add_identity(
            Identity(ETHEREUM, address, account.account_id, account.owner_id, app.wall.now())
        )
    if account is None or account.disabled_at is not None:
        raise _refused("This address has no account here.")
    return account


def _refused(message: str) -> BallastError:
    return BallastError(ErrorCode.UNAUTHENTICATED, message)
