"""What applications are allowed to do for an owner: OAuth clients and authorizations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ballast.core.access import Scope

# How long a person may take to decide, and how long the code then waits to be exchanged
# (RFC 6749, 4.1.2: at most ten minutes; a client does it at once).
ASKED_LIFETIME: Final = timedelta(minutes=10)
CODE_LIFETIME: Final = timedelta(minutes=1)
# A client that nobody has allowed anything is forgotten: anybody may register one.
CLIENT_PATIENCE: Final = timedelta(days=1)
MAX_REDIRECTS: Final = 10


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An application that has registered itself (RFC 7591). Its secret is derived, not kept.

    Attributes:
        information: what it said of itself, as the protocol has it.
        allowed_at: when somebody first allowed it something; None: nobody has.
    """

    client_id: str
    information: str
    registered_at: datetime
    allowed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Authorization:
    """One wish of a client to act for somebody: asked, then allowed, then exchanged.

    Attributes:
        request_hash: SHA-256 of what the page that asks is called by.
        redirect_given: whether the client named the address, which it then has to repeat.
        code_challenge: SHA-256 of the client's verifier, in base64url (RFC 7636, S256).
        code_hash, account_id, owner_id: None until somebody has allowed it.
        session_id: what the code was exchanged for; None until then.
    """

    request_hash: str
    client_id: str
    redirect_uri: str
    redirect_given: bool
    state: str | None
    code_challenge: str
    scopes: tuple[Scope, ...]
    expires_at: datetime
    code_hash: str | None
    account_id: str | None
    owner_id: str | None
    session_id: str | None
