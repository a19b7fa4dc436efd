"""Who may ask: the rows of credentials, and what makes and checks secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ballast.core.access import ApiKey
from ballast.core.ethereum_sign_in import Challenge, Identity
from ballast.core.sign_in import AccessClaims, LoginAccount, ProviderClaims, RefreshToken, Session


class AccessReader(Protocol):
    """Reads of credentials. What is not asked for by owner is asked for by a secret's hash."""

    async def find_api_key(self, secret_hash: str) -> ApiKey | None: ...
    async def list_api_keys(self, owner_id: str) -> list[ApiKey]:
        """All that were ever made, newest first."""
        ...

    async def get_account(self, account_id: str) -> LoginAccount | None: ...
    async def find_account(self, name: str) -> LoginAccount | None:
        """By the name as it is typed; case and spaces do not count."""
        ...

    async def list_accounts(self) -> list[LoginAccount]: ...
    async def get_session(self, session_id: str) -> Session | None: ...
    async def find_refresh_token(self, token_hash: str) -> RefreshToken | None: ...
    async def find_challenge(self, message_hash: str) -> Challenge | None: ...
    async def find_identity(self, provider: str, subject: str) -> Identity | None: ...


class AccessTransaction(AccessReader, Protocol):
    """Writes of credentials."""

    async def add_api_key(self, key: ApiKey) -> None:
        """Raises BallastError `name_taken` while a key of this name is neither revoked nor
        replaced."""
        ...

    async def revoke_api_key(self, key: ApiKey, at: datetime) -> None:
        """End a key at once. Raises StateMovedError when it is revoked already."""
        ...

    async def replace_api_key(self, key: ApiKey, by_key_id: str, ends_at: datetime) -> None:
        """Let a key end because another takes its place. Raises StateMovedError when it is
        revoked or replaced already."""
        ...

    async def touch_api_key(self, key_id: str, at: datetime) -> None:
        """Note that a key was used."""
        ...

    async def add_account(self, account: LoginAccount) -> None:
        """Raises BallastError `name_taken`, whoever has the name."""
        ...

    async def set_password_hash(self, account_id: str, password_hash: str) -> None: ...
    async def disable_account(self, account_id: str, at: datetime) -> None: ...
    async def add_session(self, session: Session) -> None: ...
    async def end_session(self, session_id: str, at: datetime, reason: str) -> None:
        """End a session; one that has ended stays as it is."""
        ...

    async def end_sessions_of(self, account_id: str, at: datetime, reason: str) -> None: ...
    async def add_refresh_token(self, token: RefreshToken) -> None: ...
    async def use_refresh_token(self, token_hash: str, at: datetime) -> bool:
        """Use a token up; False when somebody has used it before."""
        ...

    async def forget_refresh_tokens(self, before: datetime) -> None:
        """Remove tokens that expired before a time."""
        ...

    async def add_identity(self, identity: Identity) -> None:
        """Raises BallastError `name_taken` when it opens an account already."""
        ...

    async def add_challenge(self, challenge: Challenge) -> None: ...
    async def use_challenge(self, message_hash: str, at: datetime) -> bool:
        """Use a challenge up; False when it was used before."""
        ...

    async def forget_challenges(self, before: datetime) -> None:
        """Remove challenges that expired before a time."""
        ...


class Passwords(Protocol):
    """Hashes that are slow on purpose."""

    async def hash(self, password: str) -> str:
        """The hash with its parameters and salt."""
        ...

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one that was kept; False, and as slowly, for none."""
        ...

    def outdated(self, kept: str) -> bool:
        """Whether a hash was made at another cost than new ones are."""
        ...


class AccessTokens(Protocol):
    """Makes and reads the short-lived tokens of sessions."""

    def issue(self, claims: AccessClaims, now: datetime) -> str: ...
    def read(self, text: str) -> AccessClaims:
        """What a token says, if it is one of ours; whether it has expired is for the caller.

        Raises:
            BallastError: `unauthenticated`.
        """
        ...


class WalletSignatures(Protocol):
    """What wallets sign."""

    def checksummed(self, address: str) -> str:
        """An address with its checksum (EIP-55). Raises BallastError `invalid_input`."""
        ...

    async def signer_of(self, message: str, signature: str) -> str:
        """Whose key signed a message, as a checksummed address.

        Raises:
            BallastError: `unauthenticated` when it is no signature of anybody.
        """
        ...


class ProviderTokens(Protocol):
    """Reads the tokens of an external provider."""

    @property
    def issuer(self) -> str:
        """Who makes them."""
        ...

    async def read(self, text: str) -> ProviderClaims:
        """What a token says, if this issuer made it for us; times are for the caller.

        Raises:
            BallastError: `unauthenticated`; `provider_unavailable` when its keys cannot be had.
        """
        ...
