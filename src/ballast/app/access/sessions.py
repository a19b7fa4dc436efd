"""Signing in, staying signed in, signing out.

A session is one sign-in with all tokens that come of it. Access tokens live for minutes; refresh
tokens are used once each, and a second use ends the session (RFC 9700, 4.14.2): one of the two who
used it is a thief, and nobody can tell which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from ballast.app.access.secrets import hash_of, new_secret
from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.operation import Caller
from ballast.app.ports import Transaction
from ballast.core.access import ALL_SCOPES, Scope
from ballast.core.ids import LOCAL_OWNER, IdKind
from ballast.core.sign_in import (
    ACCESS_LIFETIME,
    MAX_PASSWORD,
    REFRESH_LIFETIME,
    SESSION_LIFETIME,
    AccessClaims,
    LoginAccount,
    RefreshToken,
    Session,
    normal_password,
)
from ballast.errors import BallastError, ErrorCode

log = structlog.get_logger(__name__)

# The stream of sign-ins that failed.
SIGN_INS: Final = "sign-ins"
REFRESH_PREFIX: Final = "brt"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What whoever has signed in gets; the only copy.

    Attributes:
        scopes: what the access token allows.
    """

    session: Session
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_expires_at: datetime
    scopes: tuple[Scope, ...]


async def log_in(
    app: App, name: str, password: str, face: str, scopes: Sequence[Scope] = ALL_SCOPES
) -> Tokens:
    """Sign in by name and password.

    Raises:
        BallastError: `unauthenticated`, the same and as slowly for a name that is not there, a
            wrong password and a disabled account.
    """
    account = await require_password(app, name, password, face)
    async with app.store.transaction() as tx:
        return await start_session(app, tx, account, face, scopes)


async def require_password(app: App, name: str, password: str, face: str) -> LoginAccount:
    """The account that a name and a password open.

    Raises:
        BallastError: `unauthenticated`.
    """
    async with app.store.read() as reader:
        account = await reader.find_account(name)
    # One that is too long for any account costs nothing, whichever name it is tried with.
    typed = password if len(password) <= MAX_PASSWORD else ""
    kept = account.password_hash if account else None
    right = await app.sign_in.passwords.fits(kept, normal_password(typed))
    if not right or account is None or account.disabled_at is not None:
        await note_failed_sign_in(app, account, face)
        raise BallastError(ErrorCode.UNAUTHENTICATED, "Name or password is wrong.")
    await _renew_hash(app, account, password)
    return account


async def note_failed_sign_in(app: App, account: LoginAccount | None, face: str) -> None:
    """In a stream of its own, and the same whether the name is there: it waits for nobody, and
    its time tells nothing. What was typed is not kept: people type passwords where names go."""
    caller = Caller(account.owner_id if account else LOCAL_OWNER, face)
    async with app.store.transaction(SIGN_INS) as tx:
        reference = account.account_id if account else ""
        code = ErrorCode.UNAUTHENTICATED.value
        await audit(app, tx, caller, "log_in", reference, code)


async def start_session(
    app: App,
    tx: Transaction,
    account: LoginAccount,
    face: str,
    scopes: Sequence[Scope],
    client_id: str | None = None,
) -> Tokens:
    """Begin a session of an account, and give its first tokens, in a transaction."""
    now = app.wall.now()
    session = Session(
        session_id=app.ids.new(IdKind.SESSION),
        owner_id=account.owner_id,
        account_id=account.account_id,
        client_id=client_id,
        scopes=tuple(scopes),
        created_at=now,
        expires_at=now + SESSION_LIFETIME,
        ended_at=None,
        end_reason="",
    )
    await tx.add_session(session)
    await tx.forget_refresh_tokens(now)
    caller = Caller(account.owner_id, face, frozenset(scopes), session.session_id)
    await audit(app, tx, caller, "log_in", account.account_id)
    return await _next_tokens(app, tx, session, session.scopes)


async def refresh(
    app: App, text: str, scopes: Sequence[Scope] | None = None, client_id: str | None = None
) -> Tokens:
    """Exchange a refresh token against fresh tokens of the same session.

    Args:
        scopes: what the access token is to allow; at most what the session does.
        client_id: the OAuth client that shows it; another's token is not known to it.

    Raises:
        BallastError: `unauthenticated` when it is unknown, expired or used before; in the last
            case the session has ended, whoever has its tokens. `scope_missing`.
    """
    async with app.store.transaction() as tx:
        outcome = await _exchanged(app, tx, text, scopes, client_id)
    # Raised here, so that what a second use ends is ended.
    if isinstance(outcome, BallastError):
        raise outcome
    return outcome


async def log_out(app: App, session_id: str) -> None:
    """End a session; its tokens open nothing from now on."""
    async with app.store.transaction() as tx:
        await tx.end_session(session_id, app.wall.now(), "logged_out")
        session = await tx.get_session(session_id)
        if session is not None:
            await audit(app, tx, _of(session), "log_out", session_id)


async def _exchanged(
    app: App,
    tx: Transaction,
    text: str,
    scopes: Sequence[Scope] | None,
    client_id: str | None,
) -> Tokens | BallastError:
    now = app.wall.now()
    token = await tx.find_refresh_token(hash_of(text))
    session = await tx.get_session(token.session_id) if token else None
    if token is None or session is None or session.client_id != client_id:
        return _refused("This refresh token is not known here.")
    if not session.live_at(now) or now >= token.expires_at:
        return _refused("This session has ended.")
    if not await tx.use_refresh_token(token.token_hash, now):
        log.warning("refresh_token_reused", session_id=session.session_id)
        await tx.end_session(session.session_id, now, "refresh_token_reused")
        await audit(app, tx, _of(session), "refresh", session.session_id, "refresh_token_reused")
        return _refused("This refresh token was used before, so its session has ended.")
    wanted = session.scopes if scopes is None else tuple(scopes)
    if not set(wanted) <= set(session.scopes):
        # The exchange is undone with the transaction: it is no second use.
        raise BallastError(ErrorCode.SCOPE_MISSING, "The session allows less than was asked for.")
    return await _next_tokens(app, tx, session, wanted)


async def _next_tokens(
    app: App, tx: Transaction, session: Session, scopes: tuple[Scope, ...]
) -> Tokens:
    now = app.wall.now()
    refresh_token = new_secret(app.ids, REFRESH_PREFIX)
    await tx.add_refresh_token(
        RefreshToken(
            token_hash=hash_of(refresh_token),
            session_id=session.session_id,
            owner_id=session.owner_id,
            created_at=now,
            expires_at=min(now + REFRESH_LIFETIME, session.expires_at),
            used_at=None,
        )
    )
    ends_at = min(now + ACCESS_LIFETIME, session.expires_at)
    claims = AccessClaims(session.owner_id, session.session_id, scopes, ends_at)
    return Tokens(session, app.sign_in.tokens.issue(claims, now), refresh_token, ends_at, scopes)


async def _renew_hash(app: App, account: LoginAccount, password: str) -> None:
    """Hash a password that was right anew, if hashes cost more now than when it was set."""
    passwords = app.sign_in.passwords
    if account.password_hash is None or not passwords.outdated(account.password_hash):
        return
    kept = await passwords.hash(normal_password(password))
    async with app.store.transaction() as tx:
        await tx.set_password_hash(account.account_id, kept)


def _of(session: Session) -> Caller:
    return Caller(session.owner_id, "session", credential_id=session.session_id)


def _refused(message: str) -> BallastError:
    return BallastError(ErrorCode.UNAUTHENTICATED, message)
