"""People who sign in: accounts, sessions, and the tokens that carry them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ballast.core.access import Scope
from ballast.errors import BallastError, ErrorCode

# NIST SP 800-63B-4, 3.1.1.2: fifteen characters for a password that stands alone, any characters,
# no rules of composition.
MIN_PASSWORD: Final = 15
MAX_PASSWORD: Final = 200

ACCESS_LIFETIME: Final = timedelta(minutes=10)
REFRESH_LIFETIME: Final = timedelta(days=14)
SESSION_LIFETIME: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class LoginAccount:
    """By which a person signs in as an owner.

    Attributes:
        name: what is typed to sign in; a name or an e-mail address, nothing is sent to it.
        password_hash: argon2id, with its parameters and salt; None where there is no password.
        disabled_at: from then on nobody signs in by it.
    """

    account_id: str
    owner_id: str
    name: str
    password_hash: str | None
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in and all tokens that come of it: what is ended when one of them was stolen.

    Attributes:
        client_id: the OAuth client it was granted to; None for our own interface.
        ended_at, end_reason: None and empty while it goes on.
    """

    session_id: str
    owner_id: str
    account_id: str
    client_id: str | None
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    end_reason: str

    def live_at(self, now: datetime) -> bool:
        """Whether its tokens open anything."""
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """Good for one exchange against fresh tokens. A second use means that somebody else has it.

    Attributes:
        token_hash: SHA-256 of its text, which holds 256 random bits.
    """

    token_hash: str
    session_id: str
    owner_id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says."""

    owner_id: str
    session_id: str
    scopes: tuple[Scope, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderClaims:
    """What an external provider's token says of whoever shows it."""

    subject: str
    scopes: tuple[Scope, ...]
    not_before: datetime | None
    expires_at: datetime


def check_password(password: str) -> str:
    """The password in the form that is hashed (NFKC), so that every keyboard types the same.

    Raises:
        BallastError: `invalid_input` when it is too short or too long.
    """
    normal = normal_password(password)
    if not MIN_PASSWORD <= len(normal) <= MAX_PASSWORD:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters; a few words will do.",
            problems=[
                {
                    "field": "password",
                    "problem": f"must have {MIN_PASSWORD} to {MAX_PASSWORD} characters",
                }
            ],
        )
    return normal


def normal_password(password: str) -> str:
    """The form that is hashed and compared."""
    return unicodedata.normalize("NFKC", password)
