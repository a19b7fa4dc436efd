"""Applications that act for somebody: the rows of OAuth clients and authorizations."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ballast.core.access import Scope
from ballast.core.oauth import Authorization, OAuthClient
from ballast.core.sign_in import LoginAccount


class OAuthReader(Protocol):
    """Reads. Authorizations are asked for by a secret's hash."""

    async def get_client(self, client_id: str) -> OAuthClient | None: ...
    async def find_authorization(self, request_hash: str) -> Authorization | None: ...
    async def find_code(self, code_hash: str) -> Authorization | None: ...


class OAuthTransaction(OAuthReader, Protocol):
    """Writes."""

    async def add_client(self, client: OAuthClient) -> None: ...
    async def note_client_allowed(self, client_id: str, at: datetime) -> None:
        """Note that somebody has allowed a client something, if nobody had before."""
        ...

    async def forget_clients(self, before: datetime) -> None:
        """Remove clients that registered before a time and were allowed nothing."""
        ...

    async def add_authorization(self, asked: Authorization) -> None: ...
    async def allow_authorization(
        self,
        asked: Authorization,
        code_hash: str,
        account: LoginAccount,
        scopes: tuple[Scope, ...],
        expires_at: datetime,
    ) -> bool:
        """Allow what was asked for; False when it was decided before."""
        ...

    async def exchange_authorization(self, request_hash: str, session_id: str) -> bool:
        """Use a code up for a session; False when that was done before."""
        ...

    async def remove_authorization(self, request_hash: str) -> None: ...
    async def forget_authorizations(self, before: datetime) -> None:
        """Remove what expired a day before a time."""
        ...
