"""What 1Click and a NEAR node say, as models: strict about amounts, tolerant about the rest.

Unknown fields and nulls are accepted; states and chains are open sets; an amount is a whole number
of base units or the answer is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

from ballast.adapters.near_intents.signing import U128_MAX

MAX_TEXT: Final = 200
ROUTING_PREFIXES: Final = ("1cs_v1:", "1cs:")

_UNITS: Final = re.compile(r"(0|[1-9][0-9]{0,38})", re.ASCII)
_AMOUNT: Final = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def read_units(value: object) -> int:
    """Base units from a decimal integer string, or from a JSON integer.

    Raises:
        ValueError: signs, fractions, exponents, separators, or 2^128 and more.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _UNITS.fullmatch(text) or int(text) > U128_MAX:
        raise ValueError("not a whole number of base units")
    return int(text)


def read_time(value: object) -> datetime:
    """An RFC 3339 time with its zone, as aware UTC; digits below microseconds are dropped.

    Raises:
        ValueError: anything else, also a time without a zone.
    """
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("not a time with its zone")
    seconds, fraction, zone = found.groups()
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    return (
        datetime.fromisoformat(f"{seconds}{zone}".upper())
        .astimezone(UTC)
        .replace(microsecond=micros)
    )


def clean_text(value: object) -> str:
    """Text from outside, fit to be shown: no control, bidirectional or other invisible
    characters, white space as single blanks, at most 200 characters."""
    shown = "".join(
        " " if char.isspace() else char
        for char in str(value)[: 10 * MAX_TEXT]
        if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    return " ".join(shown.split())[:MAX_TEXT]


def _shown(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return clean_text(value)


def _message(value: object) -> str:
    """`message` is a text or a list of texts."""
    parts = value if isinstance(value, list) else [value]
    return clean_text("; ".join(str(part) for part in parts if part is not None))


def _hash(value: object) -> object:
    """A transaction is a text, or an object with its `hash`."""
    return value.get("hash") if isinstance(value, Mapping) else value


def _or_none(value: object, read: ValidatorFunctionWrapHandler) -> object:
    """What cannot be read is not known."""
    try:
        return read(value)
    except ValidationError:
        return None


def _amount(value: object) -> Decimal:
    """A decimal text such as "24.936000000000"; a JSON number is taken as well."""
    text = str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise ValueError("not a plain decimal number")
    return Decimal(text)


Units = Annotated[int, BeforeValidator(read_units)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
Time = Annotated[datetime, BeforeValidator(read_time)]
Shown = Annotated[str, BeforeValidator(_shown)]
Hash = Annotated[str, BeforeValidator(_hash), Field(max_length=MAX_TEXT)]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class TokenWire(_Wire):
    """One entry of `GET /v0/tokens`. A price that is missing or unreadable is None."""

    asset_id: str = Field(min_length=1, max_length=MAX_TEXT)
    decimals: int = Field(ge=0, le=36, strict=True)
    blockchain: Shown
    symbol: Shown = Field(min_length=1)
    price: Annotated[Decimal | None, WrapValidator(_or_none)] = None
    price_updated_at: Annotated[Time | None, WrapValidator(_or_none)] = None
    contract_address: str | None = Field(default=None, max_length=MAX_TEXT)


class AppFeeWire(_Wire):
    """A fee of a partner: an account inside the venue, and basis points."""

    recipient: str
    fee: int


class QuoteRequest(_Wire):
    """Body of `POST /v0/quote`, for what is public and has an end.

    `amount` in base units: of the origin asset, but of the destination for `EXACT_OUTPUT`.
    What is None is left out. Confidential types, `ANY_INPUT` and rebates are not asked for.
    """

    dry: bool
    swap_type: Literal["EXACT_INPUT", "EXACT_OUTPUT", "FLEX_INPUT"]
    slippage_tolerance: int
    origin_asset: str
    deposit_type: Literal["INTENTS", "ORIGIN_CHAIN"]
    destination_asset: str
    amount: str
    refund_to: str
    refund_type: Literal["INTENTS", "ORIGIN_CHAIN"]
    recipient: str
    recipient_type: Literal["INTENTS", "DESTINATION_CHAIN"] = "INTENTS"
    deadline: str
    deposit_mode: Literal["SIMPLE", "MEMO"] = "SIMPLE"
    quote_waiting_time_ms: int
    app_fees: tuple[AppFeeWire, ...] | None = None
    referral: str | None = None
    insured: bool | None = None
    session_id: str | None = None
    connected_wallets: tuple[str, ...] | None = None
    virtual_chain_recipient: str | None = None
    virtual_chain_refund_recipient: str | None = None
    custom_recipient_msg: str | None = None

    def body(self) -> dict[str, Any]:
        """As it goes out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class OfferWire(_Wire):
    """`quote` of a quote response: amounts and fees, and for a firm one the address.

    `refund_fee` is in units of the origin asset; `withdraw_fee` in those of the destination, and
    is taken off the amounts out already. What is in dollars or written for people may be missing.
    """

    amount_in: Units
    amount_in_formatted: Amount | None = None
    amount_in_usd: Amount | None = None
    min_amount_in: Units
    amount_out: Units
    amount_out_formatted: Amount | None = None
    amount_out_usd: Amount | None = None
    min_amount_out: Units
    deposit_address: str | None = None
    deposit_memo: str | None = None
    deadline: Time | None = None
    time_when_inactive: Time | None = None
    time_estimate: Decimal | None = None
    refund_fee: Units | None = None
    withdraw_fee: Units | None = None
    virtual_chain_recipient: str | None = None
    virtual_chain_refund_recipient: str | None = None
    custom_recipient_msg: str | None = None


class QuoteAnswer(_Wire):
    """Answer of `POST /v0/quote`. The echo of the request is kept as it came."""

    quote_request: dict[str, Any]
    quote: OfferWire
    signature: str | None = None


class GivenIntentWire(_Wire):
    """An unsigned payload of the service's: a text, to be signed byte for byte or not at all."""

    standard: Literal["erc191"]
    payload: str = Field(min_length=2, max_length=10_000)


class GenerateAnswer(_Wire):
    """Answer of `POST /v0/generate-intent`."""

    intent: GivenIntentWire


class SubmitAnswer(_Wire):
    """Answer of `POST /v0/submit-intent`."""

    intent_hash: str | None = None


class SwapDetailsWire(_Wire):
    """What a status says about amounts and payments; any of it may be missing."""

    amount_in: Units | None = None
    amount_out: Units | None = None
    refunded_amount: Units | None = None
    deposited_amount: Units | None = None
    refund_reason: Shown | None = None
    refund_fee: Annotated[Units | None, WrapValidator(_or_none)] = None
    withdraw_fee: Annotated[Units | None, WrapValidator(_or_none)] = None
    intent_hashes: list[Hash] | None = None
    near_tx_hashes: list[Hash] | None = None
    origin_chain_tx_hashes: list[Hash] | None = None
    destination_chain_tx_hashes: list[Hash] | None = None


class StatusAnswer(_Wire):
    """Answer of `GET /v0/status`."""

    status: Shown
    updated_at: Time | None = None
    swap_details: SwapDetailsWire | None = None
    quote_response: dict[str, Any] | None = None

    @property
    def deposit_type(self) -> object:
        """How the swap is paid, by the echoed request."""
        request = (self.quote_response or {}).get("quoteRequest")
        return request.get("depositType") if isinstance(request, dict) else None


class ErrorAnswer(_Wire):
    """A 4xx: `message` is a text or a list of them; it is cleaned."""

    message: Annotated[str, BeforeValidator(_message)] = ""


class _RelayWire(BaseModel):
    """The relay's names are in snake_case already."""

    model_config = ConfigDict(frozen=True)


class RelayPublishAnswer(_RelayWire):
    """`result` of `publish_intent`: OK, or FAILED with a reason."""

    status: Shown
    reason: Annotated[str, BeforeValidator(_message)] = ""
    intent_hash: str | None = None


class RelayTransaction(_RelayWire):
    """The transaction on NEAR that carries an intent."""

    hash: Hash | None = None


class RelayStatusAnswer(_RelayWire):
    """`result` of `get_status`."""

    status: Shown
    intent_hash: str | None = None
    data: Annotated[RelayTransaction | None, WrapValidator(_or_none)] = None


class RpcResult(_Wire):
    """`result` of a view call: the bytes of a JSON text, or the text of a contract's panic."""

    model_config = ConfigDict(alias_generator=None)

    result: list[int] | None = None
    error: Shown | None = None
    block_height: int | None = None


class RpcAccessKey(_Wire):
    """`result` of `view_access_key`: the key's last nonce, and a recent block."""

    model_config = ConfigDict(alias_generator=None)

    nonce: int = Field(ge=0, lt=2**64)
    block_hash: str = Field(max_length=MAX_TEXT)


class RpcTransactionRef(_Wire):
    """The hash of a transaction."""

    model_config = ConfigDict(alias_generator=None)

    hash: str = Field(max_length=MAX_TEXT)


class RpcTransaction(_Wire):
    """`result` of `send_tx`: how the transaction ended, and its hash."""

    model_config = ConfigDict(alias_generator=None)

    status: dict[str, Any] | None = None
    transaction: RpcTransactionRef | None = None


class RpcBlockHeader(_Wire):
    """The parts of a block's header that date it, in nanoseconds since 1970."""

    model_config = ConfigDict(alias_generator=None)

    height: int
    nanoseconds: Units = Field(validation_alias=AliasChoices("timestamp_nanosec", "timestamp"))


class RpcBlock(_Wire):
    """`result` of the method `block`."""

    header: RpcBlockHeader
