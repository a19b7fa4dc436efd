"""Reads and writes of those who may ask."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, select, update

from ballast.adapters.store import access_tables as t
from ballast.adapters.store import errors
from ballast.adapters.store.queries import by
from ballast.adapters.store.row_session import RowReader, RowWriter
from ballast.adapters.store.rows import REMEMBERED, Record
from ballast.core.access import ApiKey
from ballast.core.ethereum_sign_in import Challenge, Identity
from ballast.core.index import name_key
from ballast.core.ledger import microseconds
from ballast.core.sign_in import LoginAccount, RefreshToken, Session
from ballast.errors import BallastError, ErrorCode

API_KEYS: Final = Record(ApiKey, t.api_keys, remembered=REMEMBERED)
ACCOUNTS: Final = Record(LoginAccount, t.login_accounts, beside=("name_key",))
SESSIONS: Final = Record(Session, t.sessions, remembered=REMEMBERED)
REFRESH_TOKENS: Final = Record(RefreshToken, t.refresh_tokens)
IDENTITIES: Final = Record(Identity, t.identities)
CHALLENGES: Final = Record(Challenge, t.challenges)

_KEY_BY_HASH: Final = by(t.api_keys, "secret_hash")
_KEYS_OF_OWNER: Final = by(t.api_keys, "owner_id").order_by(t.api_keys.c.key_id.desc())
_TOUCH_KEY: Final = (
    update(t.api_keys)
    .where(t.api_keys.c.key_id == bindparam("touched_key_id"))
    .values(last_used_at=bindparam("at"))
)
_this_key = update(t.api_keys).where(
    t.api_keys.c.key_id == bindparam("key_key_id"),
    t.api_keys.c.owner_id == bindparam("key_owner_id"),
    t.api_keys.c.revoked_at.is_(None),
)
_REVOKE_KEY: Final = _this_key.values(revoked_at=bindparam("at"))
_REPLACE_KEY: Final = _this_key.where(t.api_keys.c.replaced_by.is_(None)).values(
    replaced_by=bindparam("by"), expires_at=bindparam("ends_at")
)

_ACCOUNT: Final = by(t.login_accounts, "account_id")
_ACCOUNT_BY_NAME: Final = by(t.login_accounts, "name_key")
_ACCOUNTS: Final = select(t.login_accounts).order_by(t.login_accounts.c.account_id)
_this_account = update(t.login_accounts).where(
    t.login_accounts.c.account_id == bindparam("key_account_id")
)
_SET_PASSWORD: Final = _this_account.values(password_hash=bindparam("new_password_hash"))
_DISABLE_ACCOUNT: Final = _this_account.values(disabled_at=bindparam("at"))
_SESSION: Final = by(t.sessions, "session_id")
_going_on = update(t.sessions).where(t.sessions.c.ended_at.is_(None))
_END_SESSION: Final = _going_on.where(
    t.sessions.c.session_id == bindparam("key_session_id")
).values(ended_at=bindparam("at"), end_reason=bindparam("reason"))
_END_SESSIONS_OF: Final = _going_on.where(
    t.sessions.c.account_id == bindparam("key_account_id")
).values(ended_at=bindparam("at"), end_reason=bindparam("reason"))
_REFRESH_TOKEN: Final = by(t.refresh_tokens, "token_hash")
_USE_REFRESH_TOKEN: Final = (
    update(t.refresh_tokens)
    .where(
        t.refresh_tokens.c.token_hash == bindparam("key_token_hash"),
        t.refresh_tokens.c.used_at.is_(None),
    )
    .values(used_at=bindparam("at"))
)
_FORGET_REFRESH_TOKENS: Final = delete(t.refresh_tokens).where(
    t.refresh_tokens.c.expires_at < bindparam("before")
)
_IDENTITY: Final = by(t.identities, "provider", "subject")
_CHALLENGE: Final = by(t.challenges, "message_hash")
_USE_CHALLENGE: Final = (
    update(t.challenges)
    .where(
        t.challenges.c.message_hash == bindparam("key_message_hash"),
        t.challenges.c.used_at.is_(None),
    )
    .values(used_at=bindparam("at"))
)
_FORGET_CHALLENGES: Final = delete(t.challenges).where(
    t.challenges.c.expires_at < bindparam("before")
)


class SqlAccessReader(RowReader):
    """Fulfils the port `AccessReader`."""

    async def find_api_key(self, secret_hash: str) -> ApiKey | None:
        """The key of this hash, whoever owns it."""
        return await self._one(API_KEYS, _KEY_BY_HASH, secret_hash=secret_hash)

    async def list_api_keys(self, owner_id: str) -> list[ApiKey]:
        """All that were ever made, newest first."""
        return await self._all(API_KEYS, _KEYS_OF_OWNER, owner_id=owner_id)

    async def get_account(self, account_id: str) -> LoginAccount | None:
        """One account."""
        return await self._one(ACCOUNTS, _ACCOUNT, account_id=account_id)

    async def find_account(self, name: str) -> LoginAccount | None:
        """The account of a name, in whatever case it is typed."""
        return await self._one(ACCOUNTS, _ACCOUNT_BY_NAME, name_key=name_key(name))

    async def list_accounts(self) -> list[LoginAccount]:
        """All of them, in order of making."""
        return await self._all(ACCOUNTS, _ACCOUNTS)

    async def get_session(self, session_id: str) -> Session | None:
        """One session."""
        return await self._one(SESSIONS, _SESSION, session_id=session_id)

    async def find_refresh_token(self, token_hash: str) -> RefreshToken | None:
        """The token of this hash, used or not."""
        return await self._one(REFRESH_TOKENS, _REFRESH_TOKEN, token_hash=token_hash)

    async def find_identity(self, provider: str, subject: str) -> Identity | None:
        """What this provider's subject opens."""
        return await self._one(IDENTITIES, _IDENTITY, provider=provider, subject=subject)

    async def find_challenge(self, message_hash: str) -> Challenge | None:
        """The challenge of this hash, used or not."""
        return await self._one(CHALLENGES, _CHALLENGE, message_hash=message_hash)


class SqlAccessWrites(RowWriter):
    """Fulfils what the port `AccessTransaction` adds to it."""

    async def add_api_key(self, key: ApiKey) -> None:
        """Add a key. Raises BallastError `name_taken` while its name is in use."""
        try:
            await self._add(API_KEYS, key)
        except errors.RuleBrokenError as error:
            raise BallastError(
                ErrorCode.NAME_TAKEN, "There is a key of this name already.", name=key.name
            ).advising(
                "Choose another name. ballast apikey list shows the keys; ballast apikey rotate "
                "makes another in the place of one."
            ) from error

    async def revoke_api_key(self, key: ApiKey, at: datetime) -> None:
        """End a key that is not revoked yet."""
        await self._save(
            _REVOKE_KEY,
            {"at": microseconds(at)},
            key_key_id=key.key_id,
            key_owner_id=key.owner_id,
        )

    async def replace_api_key(self, key: ApiKey, by_key_id: str, ends_at: datetime) -> None:
        """Let a key that is neither revoked nor replaced end, because another takes its place."""
        await self._save(
            _REPLACE_KEY,
            {"by": by_key_id, "ends_at": microseconds(ends_at)},
            key_key_id=key.key_id,
            key_owner_id=key.owner_id,
        )

    async def touch_api_key(self, key_id: str, at: datetime) -> None:
        """Note that a key was used."""
        await self._session.change(_TOUCH_KEY, {"touched_key_id": key_id, "at": microseconds(at)})

    async def add_account(self, account: LoginAccount) -> None:
        """Add an account. Raises BallastError `name_taken`, whoever has the name."""
        try:
            await self._add(ACCOUNTS, account, name_key=name_key(account.name))
        except errors.RuleBrokenError as error:
            raise BallastError(
                ErrorCode.NAME_TAKEN, "There is an account of this name already.", name=account.name
            ).advising("Choose another name.") from error

    async def set_password_hash(self, account_id: str, password_hash: str) -> None:
        """Give an account another password."""
        given = {"key_account_id": account_id, "new_password_hash": password_hash}
        await self._session.change(_SET_PASSWORD, given)

    async def disable_account(self, account_id: str, at: datetime) -> None:
        """Let nobody sign in by an account any more."""
        given = {"key_account_id": account_id, "at": microseconds(at)}
        await self._session.change(_DISABLE_ACCOUNT, given)

    async def add_session(self, session: Session) -> None:
        """Add a session."""
        await self._add(SESSIONS, session)

    async def end_session(self, session_id: str, at: datetime, reason: str) -> None:
        """End a session; one that has ended stays as it is."""
        await self._session.change(
            _END_SESSION, {"key_session_id": session_id, "at": microseconds(at), "reason": reason}
        )

    async def end_sessions_of(self, account_id: str, at: datetime, reason: str) -> None:
        """End every session of an account that goes on."""
        await self._session.change(
            _END_SESSIONS_OF,
            {"key_account_id": account_id, "at": microseconds(at), "reason": reason},
        )

    async def add_refresh_token(self, token: RefreshToken) -> None:
        """Add a token."""
        await self._add(REFRESH_TOKENS, token)

    async def use_refresh_token(self, token_hash: str, at: datetime) -> bool:
        """Use a token up; False when somebody has used it before."""
        given = {"key_token_hash": token_hash, "at": microseconds(at)}
        return await self._session.change(_USE_REFRESH_TOKEN, given) == 1

    async def forget_refresh_tokens(self, before: datetime) -> None:
        """Remove tokens that expired before a time."""
        await self._session.change(_FORGET_REFRESH_TOKENS, {"before": microseconds(before)})

    async def add_identity(self, identity: Identity) -> None:
        """Add an identity. Raises BallastError `name_taken` when it opens an account already."""
        try:
            await self._add(IDENTITIES, identity)
        except errors.RuleBrokenError as error:
            raise BallastError(
                ErrorCode.NAME_TAKEN,
                "An account is signed in to by this already.",
                subject=identity.subject,
            ).advising("Sign in with it, or use another one.") from error

    async def add_challenge(self, challenge: Challenge) -> None:
        """Add a challenge."""
        await self._add(CHALLENGES, challenge)

    async def use_challenge(self, message_hash: str, at: datetime) -> bool:
        """Use a challenge up; False when it was used before."""
        given = {"key_message_hash": message_hash, "at": microseconds(at)}
        return await self._session.change(_USE_CHALLENGE, given) == 1

    async def forget_challenges(self, before: datetime) -> None:
        """Remove challenges that expired before a time."""
        await self._session.change(_FORGET_CHALLENGES, {"before": microseconds(before)})
