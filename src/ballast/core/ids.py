"""Ids: a prefix that says what the thing is, and a ULID that sorts by time of making."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from ballast.errors import BallastError, ErrorCode

LOCAL_OWNER: Final = "own_local"


class IdKind(StrEnum):
    """The prefixes. The part after the underscore is a 26-character ULID in Crockford base 32."""

    INDEX = "idx"
    PLAN = "pln"
    REBALANCE = "reb"
    SWAP = "swp"
    INTENT = "int"
    DEPOSIT = "dep"
    PAYMENT = "pay"
    WITHDRAWAL = "wdr"
    DESTINATION = "dst"
    ENTRY = "ent"
    DECISION = "dec"
    AUDIT = "aud"
    EVENT = "evt"
    WEBHOOK = "whk"
    DELIVERY = "dlv"
    CHANNEL = "chn"
    API_KEY = "key"
    OWNER = "own"
    ACCOUNT = "acc"
    SESSION = "ses"
    LIMIT_CHANGE = "lim"
    PANIC_SALE = "pan"
    QUESTION = "ask"
    CALL = "cal"


_ULID: Final = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
ID_PATTERNS: Final = {kind: f"^{kind.value}_{_ULID}$" for kind in IdKind}
_KINDS: Final = {kind.value: kind for kind in IdKind}
_ANY = re.compile(rf"([a-z]{{3}})_{_ULID}", re.ASCII)


def kind_of(text: str) -> IdKind | None:
    """Which kind of id this text is; None when it is no id of ours."""
    found = _ANY.fullmatch(text)
    return _KINDS.get(found[1]) if found else None


def looks_like_id(text: str) -> bool:
    """Whether people would take a text for an id of ours, in whichever case it is written."""
    prefix, _, ulid = text.partition("_")
    return kind_of(f"{prefix.lower()}_{ulid.upper()}") is not None


def said(kind: IdKind | None) -> str:
    """What was given, as a sentence says it: `an index id`."""
    if kind is None:
        return "no id of Ballast"
    name = kind.name.lower()
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name} id"


def in_words(*kinds: IdKind) -> str:
    """Kinds of id as people are asked for them: "plan id (pln_…) or question id (ask_…)"."""
    return " or ".join(f"{one.name.lower().replace('_', ' ')} id ({one.value}_…)" for one in kinds)


def require_id(text: str, *kinds: IdKind) -> IdKind:
    """Check that a text is an id of one of the given kinds, and say which.

    Raises:
        BallastError: `invalid_input` naming the kind that was given and the kind that is needed.
    """
    kind = kind_of(text)
    if kind in kinds:
        return kind
    wanted = in_words(*kinds)
    given = said(kind)
    raise BallastError(
        ErrorCode.INVALID_INPUT,
        f"This needs the {wanted}; what was given is {given}.",
        given=text[:60],
    )
