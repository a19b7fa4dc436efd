"""An authorization server of our own: applications ask, a person allows, a code is exchanged.

OAuth 2.1: authorization code with PKCE alone. The protocol's messages are read by the MCP SDK
(`faces/http/oauth.py`); here is what they do.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from ballast.app.access.secrets import hash_of, new_secret
from ballast.app.access.sessions import Tokens, require_password, start_session
from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.operation import Caller
from ballast.core.access import Scope
from ballast.core.ids import LOCAL_OWNER
from ballast.core.oauth import (
    ASKED_LIFETIME,
    CLIENT_PATIENCE,
    CODE_LIFETIME,
    Authorization,
    OAuthClient,
)
from ballast.errors import BallastError, ErrorCode

log = structlog.get_logger(__name__)

REQUEST_PREFIX: Final = "bor"
CODE_PREFIX: Final = "boc"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for."""

    client_id: str
    redirect_uri: str
    redirect_given: bool
    state: str | None
    code_challenge: str
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What goes back to the client: a code, for where and what it asked."""

    authorization: Authorization
    code: str = field(repr=False)


async def register_client(app: App, client_id: str, information: str) -> None:
    """Remember a client. Those that nobody has allowed anything within a day are forgotten."""
    now = app.wall.now()
    async with app.store.transaction() as tx:
        await tx.forget_clients(now - CLIENT_PATIENCE)
        await tx.add_client(OAuthClient(client_id, information, now, None))


async def find_client(app: App, client_id: str) -> OAuthClient | None:
    """A client that has registered."""
    async with app.store.read_once() as reader:
        return await reader.get_client(client_id)


def secret_of_client(app: App, client_id: str) -> str:
    """The secret of a client: always the same, derived from the master key, kept nowhere."""
    key = app.vault.derive_key(f"oauth client secrets {app.mode}")
    return hmac.digest(key, client_id.encode(), hashlib.sha256).hex()


async def ask(app: App, wish: Wish) -> str:
    """Keep what a client asks for until somebody decides; what the page that asks is called by."""
    name, now = new_secret(app.ids, REQUEST_PREFIX), app.wall.now()
    asked = Authorization(
        request_hash=hash_of(name),
        client_id=wish.client_id,
        redirect_uri=wish.redirect_uri,
        redirect_given=wish.redirect_given,
        state=wish.state,
        code_challenge=wish.code_challenge,
        scopes=wish.scopes,
        expires_at=now + ASKED_LIFETIME,
        code_hash=None,
        account_id=None,
        owner_id=None,
        session_id=None,
    )
    async with app.store.transaction() as tx:
        await tx.forget_authorizations(now)
        await tx.add_authorization(asked)
    return name


async def asked_for(app: App, name: str) -> Authorization:
    """What is still to be decided.

    Raises:
        BallastError: `not_found` when it was decided, has expired, or was never asked.
    """
    async with app.store.read_once() as reader:
        found = await reader.find_authorization(hash_of(name))
    if found is None or found.code_hash is not None or app.wall.now() >= found.expires_at:
        raise _decided()
    return found


async def allow(app: App, name: str, login: str, password: str, scopes: Sequence[Scope]) -> Allowed:
    """A person allows a client some of what it asked for.

    Raises:
        BallastError: `not_found`, `unauthenticated` for name or password, `scope_missing` when it
            is more than was asked for.
    """
    asked = await asked_for(app, name)
    account = await require_password(app, login, password, "oauth")
    if not scopes or not set(scopes) <= set(asked.scopes):
        raise BallastError(ErrorCode.SCOPE_MISSING, "Choose among what the application asks for.")
    code, now = new_secret(app.ids, CODE_PREFIX), app.wall.now()
    async with app.store.transaction() as tx:
        allowed = await tx.allow_authorization(
            asked, hash_of(code), account, tuple(scopes), now + CODE_LIFETIME
        )
        if not allowed:
            raise _decided()
        await tx.note_client_allowed(asked.client_id, now)
        caller = Caller(account.owner_id, "oauth")
        await audit(app, tx, caller, "allow_client", asked.client_id, scopes=list(scopes))
    return Allowed(asked, code)


async def deny(app: App, name: str) -> Authorization:
    """A person allows nothing.

    Raises:
        BallastError: `not_found`.
    """
    asked = await asked_for(app, name)
    async with app.store.transaction() as tx:
        await tx.remove_authorization(asked.request_hash)
    return asked


async def find_code(app: App, client_id: str, code: str) -> Authorization | None:
    """What a code is for, if it is this client's and still good.

    A code that was exchanged before and comes again was stolen before or after: the session it
    was exchanged for ends (RFC 6749, 4.1.2).
    """
    async with app.store.read_once() as reader:
        found = await reader.find_code(hash_of(code))
    if found is None or found.client_id != client_id:
        return None
    now = app.wall.now()
    if found.session_id is not None:
        log.warning("authorization_code_reused", session_id=found.session_id)
        async with app.store.transaction() as tx:
            await tx.end_session(found.session_id, now, "authorization_code_reused")
            caller = Caller(found.owner_id or LOCAL_OWNER, "oauth")
            reason = "authorization_code_reused"
            await audit(app, tx, caller, "exchange_code", found.session_id, reason)
        return None
    return found if now < found.expires_at else None


async def exchange(app: App, found: Authorization) -> Tokens:
    """Begin a session of the client for whoever has allowed it.

    Raises:
        BallastError: `unauthenticated` when the code was exchanged meanwhile, or the account is
            disabled.
    """
    assert found.account_id is not None, "a code stands for somebody"
    async with app.store.transaction() as tx:
        account = await tx.get_account(found.account_id)
        if account is None or account.disabled_at is not None:
            raise _no_more()
        tokens = await start_session(app, tx, account, "oauth", found.scopes, found.client_id)
        if not await tx.exchange_authorization(found.request_hash, tokens.session.session_id):
            raise _no_more()
        return tokens


def _decided() -> BallastError:
    return BallastError(
        ErrorCode.NOT_FOUND, "This request was decided already, or has expired."
    ).advising("Start the sign-in again in the application that asks.")


def _no_more() -> BallastError:
    return BallastError(ErrorCode.UNAUTHENTICATED, "This code is not good any more.")
