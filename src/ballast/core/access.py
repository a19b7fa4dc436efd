"""Who may ask: scopes, and the keys that carry them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ballast.core.wording import counted
from ballast.errors import BallastError, ErrorCode

DEFAULT_KEY_DAYS: Final = 90
MAX_KEY_DAYS: Final = 3_650
MAX_OVERLAP: Final = timedelta(days=7)
# Last use is told to the minute: a row is written once in this time, however often a key is used.
LAST_USE_STEP: Final = timedelta(minutes=1)


class Scope(StrEnum):
    """What a credential allows. None of them includes another."""

    READ = "read"
    WRITE = "write"
    SPEND = "spend"


ALL_SCOPES: Final = (Scope.READ, Scope.WRITE, Scope.SPEND)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key for a program. Its text is shown once; what is kept does not give it back.

    Attributes:
        prefix: the first part of the text, by which people tell keys apart; no secret.
        secret_hash: SHA-256 of the whole text, in hex. The text holds 256 random bits, so that
            nobody finds it by trying, however fast the hash.
        last_used_at: to the minute.
        replaced_by: the key that a rotation made; this one then ends with the overlap.
    """

    key_id: str
    owner_id: str
    name: str
    prefix: str
    secret_hash: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None

    def live_at(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and now < self.expires_at


# A prefix of 60 random bits, and a secret of 256: base 32 in lower case, without padding.
PREFIX_LENGTH: Final = 12
SECRET_LENGTH: Final = 52
API_KEY: Final = re.compile(
    rf"bal_[a-z2-7]{{{PREFIX_LENGTH}}}_[a-z2-7]{{{SECRET_LENGTH}}}", re.ASCII
)


def scopes_of(words: Iterable[str]) -> tuple[Scope, ...]:
    """Scopes by their names, each once, in the order read, write, spend.

    Raises:
        BallastError: `invalid_input` for no scope at all, or a word that is none.
    """
    given = {word.strip() for word in words if word.strip()}
    unknown = sorted(given - set(ALL_SCOPES))
    if unknown or not given:
        problem = f"{unknown[0][:40]} is no scope" if unknown else "names no scope"
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "Scopes are read, write and spend.",
            problems=[{"field": "scopes", "problem": problem}],
        )
    return tuple(scope for scope in ALL_SCOPES if scope in given)


def check_span(field: str, given: timedelta, longest: timedelta, *, least: timedelta) -> timedelta:
    """Return a span of time that lies within its bounds.

    Raises:
        BallastError: `invalid_input`, naming the field and the bounds.
    """
    if not least <= given <= longest:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "This span of time is out of bounds.",
            problems=[
                {"field": field, "problem": f"must be from {_span(least)} to {_span(longest)}"}
            ],
        )
    return given


def _span(span: timedelta) -> str:
    if span >= timedelta(days=1):
        return counted(span.days, "day")
    return counted(span // timedelta(minutes=1), "minute")
