"""Input fields that several operations share: how they are written, and what they mean."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, WithJsonSchema

from ballast.core.ids import ID_PATTERNS, IdKind, in_words, kind_of, said
from ballast.core.index import name_problem
from ballast.core.money import (
    BPS,
    DECIMAL_PATTERN,
    PERCENT_PATTERN,
    PICO_DECIMALS,
    format_percent_bps,
    parse_percent_bps,
)

_TOO_LONG: Final = r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _percent_text(value: Any) -> str:
    """A JSON number is read by its shortest text, so that 33.33 means 33.33."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError('must be a percentage such as 40 or "33.33"')
    text = value.strip() if isinstance(value, str) else str(value)
    text = text.removesuffix("%").rstrip()
    if text.endswith(".0"):
        text = text.removesuffix(".0")
    if not _matches(PERCENT_PATTERN, text):
        raise ValueError('must be a percentage with at most two decimals, such as 40 or "33.33"')
    return text


def _amount_text(value: Any) -> str:
    """A whole number is accepted as a JSON integer; a fraction has to be text, to be exact."""
    if isinstance(value, bool | float | Decimal):
        raise ValueError('must be text, such as "0.05": a JSON fraction is not exact')
    text = str(value).strip() if isinstance(value, int | str) else ""
    if not _matches(DECIMAL_PATTERN, text):
        if _matches(_TOO_LONG, text):
            raise ValueError(
                "is too long: at most 30 digits before the point and 24 after it are taken"
            )
        raise ValueError('must be a plain positive decimal number as text, such as "250" or "0.05"')
    if not any(digit in text for digit in "123456789"):
        raise ValueError("must be above zero")
    return text


def _within(least_bps: int, most_bps: int) -> AfterValidator:
    """A percentage between two bounds, both of which are allowed."""

    def check(text: str) -> str:
        if not least_bps <= parse_percent_bps(text) <= most_bps:
            least, most = format_percent_bps(least_bps), format_percent_bps(most_bps)
            raise ValueError(f"must be from {least} to {most}")
        return text

    return AfterValidator(check)


def _name(text: str) -> str:
    problem = name_problem(text)
    if problem is not None:
        raise ValueError(problem)
    return text.strip()


def _dollars(text: str) -> str:
    if len(text.partition(".")[2].rstrip("0")) > PICO_DECIMALS:
        raise ValueError(f"may have at most {PICO_DECIMALS} decimals")
    return text


def _matches(pattern: str, text: str) -> bool:
    # `$` alone would let a trailing line break pass.
    return re.fullmatch(pattern.removeprefix("^").removesuffix("$"), text, re.ASCII) is not None


def _only_a_flag(value: Any) -> Any:
    """Pydantic would take 0 for false, and "1" for true."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in ("true", "false", "yes", "no"):
        raise ValueError("must be true or false")
    return word


def _only_a_date(value: Any) -> Any:
    """Pydantic would take a number, also as text, for seconds since 1970: "2027" for that year."""
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value.strip())):
        return value
    raise ValueError("must be a date and time such as 2027-01-15T12:00:00Z")


def _id_check(*kinds: IdKind) -> BeforeValidator:
    """A sentence that names the kind that was given and the kind that is needed."""

    def check(value: Any) -> str:
        text = value.strip() if isinstance(value, str) else ""
        kind = kind_of(text)
        if kind in kinds:
            return text
        wanted = in_words(*kinds)
        if IdKind.INDEX in kinds:
            wanted += " or the name of one of your indexes"
        raise ValueError(f"needs the {wanted}; what was given is {said(kind)}")

    return BeforeValidator(check)


def _id_schema(*kinds: IdKind) -> WithJsonSchema:
    pattern = "|".join(ID_PATTERNS[kind] for kind in kinds)
    return WithJsonSchema({"type": "string", "pattern": pattern})


def from_json_text(value: Any) -> Any:
    """Some clients send a list or an object as its JSON text: read it once."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value, parse_float=Decimal)
        except ValueError:
            return value
    return value


Flag = Annotated[bool, BeforeValidator(_only_a_flag)]
"""True or false, also as that word."""

Moment = Annotated[AwareDatetime, BeforeValidator(_only_a_date)]
"""A date and time with its zone, as ISO 8601 text."""

Percent = Annotated[
    str,
    BeforeValidator(_percent_text),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}]}),
]
"""Percent with at most two decimals, as a number or text; kept as text."""

Share = Annotated[Percent, _within(1, BPS)]
"""A part of a whole, from 0.01 to 100 %."""

Buffer = Annotated[Percent, _within(0, BPS // 2)]
"""The cash buffer, at most half."""

Name = Annotated[str, AfterValidator(_name)]
"""What the owner calls something; trimmed."""

Amount = Annotated[
    str,
    BeforeValidator(_amount_text),
    WithJsonSchema({"type": "string", "pattern": DECIMAL_PATTERN}),
]
"""Whole units of an asset as a decimal string, above zero."""

Dollars = Annotated[Amount, AfterValidator(_dollars)]
"""A sum in dollars as a decimal string, above zero."""

IndexId = Annotated[
    str,
    _id_check(IdKind.INDEX),
    # A name is taken too, and replaced by the id before this is checked: see app/naming.py.
    WithJsonSchema({"type": "string"}),
    Field(description="Id or name of the index."),
]
PlanId = Annotated[
    str,
    _id_check(IdKind.PLAN),
    _id_schema(IdKind.PLAN),
    Field(description="Plan id (pln_…), from the preview."),
]
RebalanceId = Annotated[str, _id_check(IdKind.REBALANCE), _id_schema(IdKind.REBALANCE)]
DepositId = Annotated[
    str,
    _id_check(IdKind.DEPOSIT),
    _id_schema(IdKind.DEPOSIT),
    Field(description="Deposit id (dep_…), from deposit_address."),
]
ProgressId = Annotated[
    str,
    _id_check(IdKind.REBALANCE, IdKind.DEPOSIT, IdKind.WITHDRAWAL),
    WithJsonSchema({"type": "string"}),
    Field(description="Rebalance (reb_…), deposit (dep_…) or withdrawal id (wdr_…)."),
]
WebhookId = Annotated[
    str,
    _id_check(IdKind.WEBHOOK),
    _id_schema(IdKind.WEBHOOK),
    Field(description="Webhook id (whk_…), from create_webhook or list_webhooks."),
]
DeliveryId = Annotated[str, _id_check(IdKind.DELIVERY), _id_schema(IdKind.DELIVERY)]
AssetName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=140,
        description='Symbol (BTC), symbol and chain ("USDC on Base"), or asset id.',
    ),
]
