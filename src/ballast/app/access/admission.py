"""From a credential to a caller: what whoever asks over HTTP has to pass first.

Nothing about the time an answer takes depends on how close a guess came: a key is looked up by the
hash of all of it, so that a wrong one costs the same query whether or not its prefix exists.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from ballast.app.access.provider import by_provider
from ballast.app.access.secrets import hash_of
from ballast.app.app import App
from ballast.app.auditing import DONE, audit
from ballast.app.operation import Caller
from ballast.app.ports import Transaction
from ballast.core.access import API_KEY, LAST_USE_STEP, ApiKey
from ballast.errors import BallastError, ErrorCode

log = structlog.get_logger(__name__)

# In the stream of the key: that it was shown.
USE: Final = "use_api_key"
USE_NOTED_EVERY: Final = timedelta(hours=1)
UNKNOWN: Final = "This credential is not known here."


async def admit(app: App, credential: str | None, face: str) -> Caller:
    """The caller that a credential stands for.

    Args:
        credential: what came as `Authorization: Bearer`, without that word; None for nothing.
        face: through which it came, for the audit.

    Raises:
        BallastError: `unauthenticated` when it is missing, malformed, unknown, expired or revoked.
            That one has ended is told only to whoever holds it.
    """
    if not credential:
        raise BallastError(ErrorCode.UNAUTHENTICATED, "This needs a credential.")
    if API_KEY.fullmatch(credential):
        return await _by_api_key(app, credential, face)
    try:
        return await _by_access_token(app, credential, face)
    except BallastError:
        if app.sign_in.provider is None:
            raise
    return await by_provider(app, app.sign_in.provider, credential, face)


async def _by_access_token(app: App, credential: str, face: str) -> Caller:
    """Looks at the session each time, so that one that has ended opens nothing any more."""
    claims = app.sign_in.tokens.read(credential)
    now = app.wall.now()
    if now >= claims.expires_at:
        raise BallastError(ErrorCode.UNAUTHENTICATED, "This access token has expired: refresh it.")
    async with app.store.read_short() as reader:
        session = await reader.get_session(claims.session_id)
    if session is None or session.owner_id != claims.owner_id:
        raise BallastError(ErrorCode.UNAUTHENTICATED, UNKNOWN)
    if not session.live_at(now):
        raise BallastError(ErrorCode.UNAUTHENTICATED, "This session has ended: sign in again.")
    scopes = frozenset(claims.scopes) & frozenset(session.scopes)
    return Caller(session.owner_id, face, scopes, session.session_id)


async def _by_api_key(app: App, credential: str, face: str) -> Caller:
    async with app.store.read_short() as reader:
        key = await reader.find_api_key(hash_of(credential))
    if key is None:
        raise BallastError(ErrorCode.UNAUTHENTICATED, UNKNOWN)
    try:
        _require_live(app, key)
    except BallastError as refusal:
        await _note_refused_use(app, key, face, refusal)
        raise
    await _note_use(app, key, face)
    return Caller(key.owner_id, face, frozenset(key.scopes), key.key_id)


def _require_live(app: App, key: ApiKey) -> None:
    if key.revoked_at is not None:
        raise BallastError(
            ErrorCode.UNAUTHENTICATED, f"The key {key.prefix} was revoked.", key_id=key.key_id
        )
    if not key.live_at(app.wall.now()):
        raise BallastError(
            ErrorCode.UNAUTHENTICATED,
            f"The key {key.prefix} expired on {key.expires_at:%Y-%m-%d %H:%M} UTC.",
            key_id=key.key_id,
        )


async def _note_use(app: App, key: ApiKey, face: str) -> None:
    now = app.wall.now()
    if key.last_used_at is not None and now - key.last_used_at < LAST_USE_STEP:
        return
    try:
        async with app.store.transaction(key.key_id) as tx:
            await tx.touch_api_key(key.key_id, now)
            await _audit_use(app, tx, key, face, DONE)
    except BallastError as refusal:
        # Whoever may ask is not turned away because a note of it could not be written.
        log.warning("key_use_not_noted", key_id=key.key_id, code=refusal.code.value)


async def _note_refused_use(app: App, key: ApiKey, face: str, refusal: BallastError) -> None:
    try:
        async with app.store.transaction(key.key_id) as tx:
            await _audit_use(app, tx, key, face, refusal.code.value)
    except BallastError as trouble:
        log.warning("key_use_not_noted", key_id=key.key_id, code=trouble.code.value)


async def _audit_use(app: App, tx: Transaction, key: ApiKey, face: str, outcome: str) -> None:
    """That a key is shown again and again, and comes to the same, is written once an hour: each
    call that changes something names its key anyhow."""
    last = await tx.last_audit(key.key_id, USE)
    same = last is not None and last.record.outcome == outcome
    if not same or last is None or app.clock.now() - last.record.at >= USE_NOTED_EVERY:
        await audit(app, tx, Caller(key.owner_id, face), USE, key.key_id, outcome)
