"""API keys: made, listed, rotated and revoked by the owner; shown by programs over HTTP.

Credentials live by the machine's clock, `app.wall`: the clock of a paper world can be moved.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from ballast.app.access.secrets import hash_of
from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.operation import Caller
from ballast.app.ports import AccessReader
from ballast.app.problems import Wrong
from ballast.core.access import (
    ALL_SCOPES,
    DEFAULT_KEY_DAYS,
    MAX_KEY_DAYS,
    MAX_OVERLAP,
    PREFIX_LENGTH,
    SECRET_LENGTH,
    ApiKey,
    Scope,
    check_span,
    scopes_of,
)
from ballast.core.ids import IdKind
from ballast.core.index import check_name
from ballast.errors import BallastError, ErrorCode

_RANDOM_BYTES: Final = (PREFIX_LENGTH + SECRET_LENGTH) * 5 // 8
DEFAULT_LIFETIME: Final = timedelta(days=DEFAULT_KEY_DAYS)
DEFAULT_OVERLAP: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made, with the only copy of its text."""

    key: ApiKey
    text: str = field(repr=False)


async def create_api_key(
    app: App,
    caller: Caller,
    name: str,
    scopes: Sequence[str],
    lifetime: timedelta = DEFAULT_LIFETIME,
) -> NewApiKey:
    """Make a key for the caller's owner.

    Args:
        scopes: by their names.

    Raises:
        BallastError: `invalid_input` for the name, the scopes or the lifetime, `name_taken`.
    """
    allowed: tuple[Scope, ...] = ALL_SCOPES
    wrong = Wrong("apikey create")
    with wrong.about("name"):
        name = check_name(name)
    with wrong.about("scopes"):
        allowed = scopes_of(scopes)
    with wrong.about("days"):
        longest = timedelta(days=MAX_KEY_DAYS)
        check_span("days", lifetime, longest, least=timedelta(minutes=1))
    wrong.refuse()
    made = _fresh(app, caller.owner_id, name, allowed, lifetime)
    async with app.store.transaction() as tx:
        await tx.add_api_key(made.key)
        await audit(app, tx, caller, "create_api_key", made.key.key_id)
    return made


async def list_api_keys(app: App, owner_id: str) -> list[ApiKey]:
    """All that were ever made, newest first."""
    async with app.store.read() as reader:
        return await reader.list_api_keys(owner_id)


async def rotate_api_key(
    app: App, caller: Caller, word: str, overlap: timedelta = DEFAULT_OVERLAP
) -> NewApiKey:
    """Make a key that takes another's place: same name, scopes and lifetime. The old one works on
    until the overlap is over, or until it would have ended anyhow.

    Args:
        word: name, prefix or id of the key; one that is neither revoked nor replaced.

    Raises:
        BallastError: `not_found`, `invalid_input` for the overlap.
    """
    check_span("overlap", overlap, MAX_OVERLAP, least=timedelta())
    now = app.wall.now()
    async with app.store.transaction() as tx:
        old = next((one for one in await _meant(tx, caller, word) if one.replaced_by is None), None)
        if old is None:
            raise _no_key(word)
        span = old.expires_at - old.created_at
        made = _fresh(app, caller.owner_id, old.name, old.scopes, span)
        ends_at = min(old.expires_at, now + overlap)
        await tx.replace_api_key(old, made.key.key_id, ends_at)
        await tx.add_api_key(made.key)
        await audit(app, tx, caller, "rotate_api_key", made.key.key_id)
    return made


async def revoke_api_key(app: App, caller: Caller, word: str) -> list[ApiKey]:
    """End a key at once; by its name also those that it has replaced.

    Args:
        word: name, prefix or id.

    Raises:
        BallastError: `not_found` when there is none that is not revoked yet.
    """
    now = app.wall.now()
    async with app.store.transaction() as tx:
        found = await _meant(tx, caller, word)
        if not found:
            raise _no_key(word)
        for one in found:
            await tx.revoke_api_key(one, now)
            await audit(app, tx, caller, "revoke_api_key", one.key_id)
    return [replace(one, revoked_at=now) for one in found]


def state_of(key: ApiKey, now: datetime) -> str:
    """One word: active, expired, revoked, or replaced while the overlap lasts."""
    if key.revoked_at is not None:
        return "revoked"
    if now >= key.expires_at:
        return "expired"
    return "active" if key.replaced_by is None else "replaced"


def _fresh(
    app: App, owner_id: str, name: str, scopes: Sequence[Scope], lifetime: timedelta
) -> NewApiKey:
    random = base64.b32encode(app.ids.random_bytes(_RANDOM_BYTES)).decode().lower()
    prefix = f"bal_{random[:PREFIX_LENGTH]}"
    text = f"{prefix}_{random[PREFIX_LENGTH : PREFIX_LENGTH + SECRET_LENGTH]}"
    now = app.wall.now()
    key = ApiKey(
        key_id=app.ids.new(IdKind.API_KEY),
        owner_id=owner_id,
        name=name,
        prefix=prefix,
        secret_hash=hash_of(text),
        scopes=tuple(scopes),
        created_at=now,
        expires_at=now + lifetime,
        last_used_at=None,
        revoked_at=None,
        replaced_by=None,
    )
    return NewApiKey(key, text)


async def _meant(reader: AccessReader, caller: Caller, word: str) -> list[ApiKey]:
    """The owner's keys that a word names and that are not revoked, newest first."""
    return [
        one
        for one in await reader.list_api_keys(caller.owner_id)
        if word in (one.name, one.prefix, one.key_id) and one.revoked_at is None
    ]


def _no_key(word: str) -> BallastError:
    return BallastError(
        ErrorCode.NOT_FOUND, "There is no key of this name, prefix or id in use.", given=word[:80]
    ).advising("ballast apikey list shows the keys; ballast apikey create makes one.")
