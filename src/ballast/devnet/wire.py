"""How values look on the wire: times, amounts, JSON. As the real service writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from ballast.devnet.errors import Refusal
from ballast.devnet.fates import Fate

U128_MAX: Final = 2**128 - 1


def iso_millis(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and Z, as JavaScript's Date writes it."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def formatted(units: int, decimals: int) -> str:
    """Whole units as 1Click writes them: "0.00037123", "25.0" for a whole number, "0" for none."""
    if units == 0:
        return "0"
    whole, rest = divmod(units, 10**decimals)
    fraction = str(rest).zfill(decimals).rstrip("0") if decimals else ""
    return f"{whole}.{fraction or '0'}"


def usd(units: int, decimals: int, price: Decimal) -> str:
    """The worth of an amount in US dollars, with 12 decimals, rounded down."""
    pico_dollars = units * int(price.scaleb(12)) // 10**decimals
    whole, rest = divmod(pico_dollars, 10**12)
    return f"{whole}.{rest:012d}"


def js_number(value: float) -> float:
    """A number as JavaScript would write it: 50 and not 50.0."""
    return int(value) if float(value).is_integer() else value


def compact_json(value: object) -> str:
    """JSON without spaces and without escaping what is not ASCII, like JSON.stringify."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def json_text(value: object) -> str:
    """As `compact_json`, but for answers that a fault has put NaN or Infinity in."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def body_json(body: bytes) -> Any:
    """The JSON of a request body.

    Raises:
        Refusal: 400, if it is not JSON in UTF-8.
    """
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        json.dumps(found, ensure_ascii=False).encode("utf-8")  # refuses half a surrogate pair
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "Request body is not valid JSON") from error
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """One request: what a handler may know of it. Header names are in lower case.

    `fate` is what a fault has in store for the swap that the request opens or pays.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now: datetime
    fate: Fate | None = None

    def json(self) -> Any:
        """The body's JSON, or a Refusal."""
        return body_json(self.body)

    @property
    def api_key(self) -> str | None:
        """The key sent in X-API-Key, or in the older Authorization: Bearer; None without one."""
        given = self.headers.get("x-api-key", "").strip()
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return given or (token.strip() if scheme.lower() == "bearer" else "") or None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer travels, where it is not simply sent. Real seconds; only over a socket.

    Attributes:
        reset: the connection is dropped instead; in process that is a ConnectionResetError.
        wait_seconds: before the first byte.
        chunk_bytes: sent at a time, with `chunk_seconds` between; 0 for all at once.
    """

    reset: bool = False
    wait_seconds: float = 0
    chunk_bytes: int = 0
    chunk_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: status and a JSON value; or, for `text`, just that."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    media_type: str = "application/json"
    delivery: Delivery | None = None
