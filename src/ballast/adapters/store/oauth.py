"""Reads and writes of OAuth clients and of what they were allowed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, select, update

from ballast.adapters.store import access_tables as t
from ballast.adapters.store.codec import dump
from ballast.adapters.store.queries import by
from ballast.adapters.store.row_session import RowReader, RowWriter
from ballast.adapters.store.rows import Record
from ballast.core.access import Scope
from ballast.core.ledger import microseconds
from ballast.core.oauth import Authorization, OAuthClient
from ballast.core.sign_in import LoginAccount

# A code that comes again ends a session, so it is remembered for a while after it was exchanged.
_REMEMBERED: Final = timedelta(days=1)

CLIENTS: Final = Record(OAuthClient, t.oauth_clients)
AUTHORIZATIONS: Final = Record(Authorization, t.authorizations)

_CLIENT: Final = by(t.oauth_clients, "client_id")
_NOTE_ALLOWED: Final = (
    update(t.oauth_clients)
    .where(
        t.oauth_clients.c.client_id == bindparam("key_client_id"),
        t.oauth_clients.c.allowed_at.is_(None),
    )
    .values(allowed_at=bindparam("at"))
)
_FORGET_CLIENTS: Final = delete(t.oauth_clients).where(
    t.oauth_clients.c.allowed_at.is_(None),
    t.oauth_clients.c.registered_at < bindparam("before"),
    t.oauth_clients.c.client_id.not_in(select(t.authorizations.c.client_id)),
)
_BY_REQUEST: Final = by(t.authorizations, "request_hash")
_BY_CODE: Final = by(t.authorizations, "code_hash")
_this = t.authorizations.c.request_hash == bindparam("key_request_hash")
_ALLOW: Final = (
    update(t.authorizations)
    .where(_this, t.authorizations.c.code_hash.is_(None))
    .values(
        code_hash=bindparam("new_code_hash"),
        account_id=bindparam("new_account_id"),
        owner_id=bindparam("new_owner_id"),
        scopes=bindparam("new_scopes"),
        expires_at=bindparam("new_expires_at"),
    )
)
_EXCHANGE: Final = (
    update(t.authorizations)
    .where(_this, t.authorizations.c.session_id.is_(None))
    .values(session_id=bindparam("new_session_id"))
)
_REMOVE: Final = delete(t.authorizations).where(_this)
_FORGET: Final = delete(t.authorizations).where(t.authorizations.c.expires_at < bindparam("before"))


class SqlOAuthReader(RowReader):
    """Fulfils the port `OAuthReader`."""

    async def get_client(self, client_id: str) -> OAuthClient | None:
        """One client."""
        return await self._one(CLIENTS, _CLIENT, client_id=client_id)

    async def find_authorization(self, request_hash: str) -> Authorization | None:
        """By what the page that asks is called by."""
        return await self._one(AUTHORIZATIONS, _BY_REQUEST, request_hash=request_hash)

    async def find_code(self, code_hash: str) -> Authorization | None:
        """By its code, exchanged or not."""
        return await self._one(AUTHORIZATIONS, _BY_CODE, code_hash=code_hash)


class SqlOAuthWrites(RowWriter):
    """Fulfils what the port `OAuthTransaction` adds to it."""

    async def add_client(self, client: OAuthClient) -> None:
        """Add a client."""
        await self._add(CLIENTS, client)

    async def note_client_allowed(self, client_id: str, at: datetime) -> None:
        """Note that somebody has allowed a client something, if nobody had before."""
        given = {"key_client_id": client_id, "at": microseconds(at)}
        await self._session.change(_NOTE_ALLOWED, given)

    async def forget_clients(self, before: datetime) -> None:
        """Remove clients that registered before a time and were allowed nothing."""
        await self._session.change(_FORGET_CLIENTS, {"before": microseconds(before)})

    async def add_authorization(self, asked: Authorization) -> None:
        """Add what a client asks for."""
        await self._add(AUTHORIZATIONS, asked)

    async def allow_authorization(
        self,
        asked: Authorization,
        code_hash: str,
        account: LoginAccount,
        scopes: tuple[Scope, ...],
        expires_at: datetime,
    ) -> bool:
        """Allow what was asked for; False when it was decided before."""
        given = {
            "key_request_hash": asked.request_hash,
            "new_code_hash": code_hash,
            "new_account_id": account.account_id,
            "new_owner_id": account.owner_id,
            "new_scopes": dump([scope.value for scope in scopes]),
            "new_expires_at": microseconds(expires_at),
        }
        return await self._session.change(_ALLOW, given) == 1

    async def exchange_authorization(self, request_hash: str, session_id: str) -> bool:
        """Use a code up for a session; False when that was done before."""
        given = {"key_request_hash": request_hash, "new_session_id": session_id}
        return await self._session.change(_EXCHANGE, given) == 1

    async def remove_authorization(self, request_hash: str) -> None:
        """Take back what was asked for."""
        await self._session.change(_REMOVE, {"key_request_hash": request_hash})

    async def forget_authorizations(self, before: datetime) -> None:
        """Remove what expired a day before a time."""
        await self._session.change(_FORGET, {"before": microseconds(before - _REMEMBERED)})
