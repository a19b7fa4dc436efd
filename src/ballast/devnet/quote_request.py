"""The body of `POST /v0/quote`: its shape, and what the service refuses.

Source: the 1Click API reference; the words of the refusals are those seen live where known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ballast.devnet.books import chain_account
from ballast.devnet.chains import CHAINS, is_near_account
from ballast.devnet.errors import Refusal
from ballast.devnet.network import Network
from ballast.devnet.terms import AppFee
from ballast.devnet.tokens import RETIRED_IDS, Token
from ballast.devnet.wire import U128_MAX, js_number

_Text = Annotated[str, Field(max_length=4096)]
_USD_MINIMUMS: Final = {"bsc": Decimal(1000), "tron": Decimal(100)}


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, frozen=True)


class AppFeeBody(_Body):
    """A partner's fee in basis points."""

    recipient: _Text
    fee: int = Field(ge=0, le=10_000)


class QuoteBody(_Body):
    """The request; names on the wire are in camelCase. Unknown fields are ignored."""

    dry: bool
    deposit_mode: Literal["SIMPLE", "MEMO"] = "SIMPLE"
    swap_type: Literal["EXACT_INPUT", "EXACT_OUTPUT", "FLEX_INPUT", "ANY_INPUT"]
    slippage_tolerance: float = Field(ge=0, le=10_000, allow_inf_nan=False)
    origin_asset: _Text
    deposit_type: Literal["ORIGIN_CHAIN", "INTENTS", "CONFIDENTIAL_INTENTS"]
    destination_asset: _Text
    amount: _Text
    refund_to: _Text
    refund_type: Literal["ORIGIN_CHAIN", "INTENTS", "CONFIDENTIAL_INTENTS"]
    recipient: _Text
    recipient_type: Literal["DESTINATION_CHAIN", "INTENTS", "CONFIDENTIAL_INTENTS"]
    deadline: _Text
    confidentiality: Literal["public", "basic", "advanced"] = "public"
    quote_waiting_time_ms: float = Field(default=0, ge=0, allow_inf_nan=False)
    insured: bool = False
    app_fees: list[AppFeeBody] = Field(default=[], max_length=20)
    referral: _Text | None = None
    connected_wallets: list[str] | None = None
    session_id: _Text | None = None
    virtual_chain_recipient: _Text | None = None
    virtual_chain_refund_recipient: _Text | None = None
    custom_recipient_msg: _Text | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid request with its assets, amount and accounts made out."""

    body: QuoteBody
    origin: Token
    destination: Token
    amount: int
    deadline: datetime
    refund_account: str
    recipient_account: str
    app_fees: tuple[AppFee, ...]

    def echo(self) -> dict[str, Any]:
        """`quoteRequest` of the answer without fees: defaults filled in, retired ids replaced."""
        optional = {"referral", "connectedWallets", "sessionId", "virtualChainRecipient",
                    "virtualChainRefundRecipient", "customRecipientMsg"}  # fmt: skip
        found = self.body.model_dump(by_alias=True)
        found = {k: v for k, v in found.items() if k not in optional or v is not None}
        return found | {
            "slippageTolerance": js_number(self.body.slippage_tolerance),
            "quoteWaitingTimeMs": js_number(self.body.quote_waiting_time_ms),
            "originAsset": self.origin.asset_id,
            "destinationAsset": self.destination.asset_id,
        }


def read_request(network: Network, given: Any, now: datetime) -> Asked:
    """Validate a whole quote request.

    Raises:
        Refusal: 400 with the service's words; a list of them if fields are missing or misshapen.
    """
    body = _shape(given)
    amount, deadline = _amount(body.amount), _deadline(body.deadline, now)
    origin, destination = _assets(network, body)
    _check_deposit_mode(body, origin)
    return Asked(
        body=body,
        origin=origin,
        destination=destination,
        amount=amount,
        deadline=deadline,
        refund_account=_refund_account(body, origin),
        recipient_account=_recipient_account(body, destination),
        app_fees=_app_fees(body),
    )


def check_usd_minimum(asked: Asked, worth: Decimal) -> None:
    """Refuse what is too small to go from chain to chain (1Click documentation, swap limits)."""
    types = asked.body.deposit_type, asked.body.recipient_type
    least = _USD_MINIMUMS.get(asked.origin.blockchain)
    if types == ("ORIGIN_CHAIN", "DESTINATION_CHAIN") and least is not None and worth < least:
        raise Refusal(400, f"Temporary swap limits: minimum swap amount is ${least:,}")


def _shape(given: Any) -> QuoteBody:
    if not isinstance(given, dict):
        raise Refusal(400, "Request body must be a JSON object")
    try:
        return QuoteBody.model_validate(given)
    except ValidationError as error:
        raise Refusal(400, [_complaint(each) for each in error.errors()]) from error


def _complaint(error: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in error["loc"])
    expected = error.get("ctx", {}).get("expected")
    if error["type"] == "missing":
        return f"{name} should not be empty"
    if expected:
        return f"{name} must be one of the following values: {expected}"
    kinds = {"string_type": "a string", "bool_type": "a boolean value", "float_type": "a number"}
    return (
        f"{name} must be {kinds[error['type']]}"
        if error["type"] in kinds
        else f"{name} is not valid"
    )


def _amount(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,39}", text) or not 0 < int(text) <= U128_MAX:
        raise Refusal(400, "amount must be a positive integer string in base units")
    return int(text)


def _deadline(text: str, now: datetime) -> datetime:
    try:
        deadline = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "deadline must be a valid ISO 8601 date string") from error
    if deadline.tzinfo is None:
        deadline = deadline.replace(tzinfo=UTC)
    if deadline <= now:
        raise Refusal(400, "deadline must be in the future")
    if deadline.year >= 9999:  # three days are added to it
        raise Refusal(400, "deadline must be a valid ISO 8601 date string")
    return deadline


def _assets(network: Network, body: QuoteBody) -> tuple[Token, Token]:
    kinds = {body.deposit_type, body.refund_type, body.recipient_type}
    if "CONFIDENTIAL_INTENTS" in kinds or body.confidentiality != "public":
        raise Refusal(400, "Confidential intents are not available on the devnet")
    if body.swap_type == "ANY_INPUT":
        raise Refusal(400, "ANY_INPUT is not available on the devnet")
    origin = network.token(RETIRED_IDS.get(body.origin_asset, body.origin_asset))
    destination = network.token(RETIRED_IDS.get(body.destination_asset, body.destination_asset))
    if origin is None:
        raise Refusal(400, "tokenIn is not valid")
    if destination is None or (destination.is_routing and body.recipient_type == "INTENTS"):
        raise Refusal(400, "tokenOut is not valid")
    if origin.is_routing and body.deposit_type == "INTENTS":
        raise Refusal(400, f"{body.origin_asset} is not supported as origin asset")
    if origin == destination and (body.deposit_type, body.recipient_type) == ("INTENTS", "INTENTS"):
        raise Refusal(400, "Quoting for this pair is not available")
    return origin, destination


def _check_deposit_mode(body: QuoteBody, origin: Token) -> None:
    needs_memo = body.deposit_type == "ORIGIN_CHAIN" and CHAINS[origin.blockchain].needs_memo
    if needs_memo != (body.deposit_mode == "MEMO"):
        raise Refusal(400, "Incorrect depositMode")


def _refund_account(body: QuoteBody, origin: Token) -> str:
    if not body.refund_to:
        raise Refusal(400, "refundTo should not be empty")
    account = _book_account(body.refund_type, body.refund_to, origin.blockchain)
    if account is None:
        raise Refusal(400, "refundTo is not valid")
    return account


def _recipient_account(body: QuoteBody, destination: Token) -> str:
    account = _book_account(body.recipient_type, body.recipient, destination.blockchain)
    if account is None:
        raise Refusal(400, "recipient is not valid")
    return account


def _book_account(kind: str, address: str, blockchain: str) -> str | None:
    if kind == "INTENTS":
        return address if is_near_account(address) else None
    valid = CHAINS[blockchain].is_address(address)
    return chain_account(blockchain, address) if valid else None


def _app_fees(body: QuoteBody) -> tuple[AppFee, ...]:
    for fee in body.app_fees:
        if not is_near_account(fee.recipient):
            raise Refusal(400, "appFees recipient is not valid")
    return tuple(AppFee(fee.recipient, fee.fee) for fee in body.app_fees)
