"""`POST /v0/generate-intent` and `POST /v0/submit-intent`.

Source: the 1Click API reference. Its refusals are not published: status 400, and the contract's
reason within the message.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ballast.devnet.chains import is_near_account
from ballast.devnet.clock import to_us
from ballast.devnet.errors import ContractPanic, Refusal
from ballast.devnet.network import VERIFIER_ID, Network
from ballast.devnet.publishing import publish
from ballast.devnet.quoting import counted_correlation_id
from ballast.devnet.swaps import Swap, load_swap, swap_number
from ballast.devnet.wire import Call, Reply, compact_json

_B = TypeVar("_B", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, frozen=True)


class GenerateIntentBody(_Body):
    """Which swap to pay, and who signs."""

    type: Literal["swap_transfer"]
    standard: Literal[
        "nep413", "erc191", "raw_ed25519", "webauthn", "ton_connect", "sep53", "tip191"
    ]
    signer_id: str
    deposit_address: str


class SignedDataBody(_Body):
    """A signed payload."""

    standard: str
    payload: str = Field(max_length=200_000)
    signature: str = Field(max_length=200)


class SubmitIntentBody(_Body):
    """A signed payload to carry out."""

    type: Literal["swap_transfer"]
    signed_data: SignedDataBody


def generate_intent(network: Network, call: Call) -> Reply:
    """The payload that pays a swap's deposit address, for the signer to check and sign.

    Raises:
        Refusal: 400 for a misshapen body or another standard than erc191; 404 for an address
            that no live quote of the kind INTENTS gave out.
    """
    body = _read(GenerateIntentBody, call.json())
    if body.standard != "erc191":
        raise Refusal(400, f"standard {body.standard} is not available on the devnet")
    if not is_near_account(body.signer_id):
        raise Refusal(400, "signerId is not valid")
    with network.store.write():
        number = swap_number(network, body.deposit_address)
        swap = load_swap(network, number) if number else None
        if swap is None or swap.chain:
            raise Refusal(404, "Deposit address not found")
        intent = {"standard": "erc191", "payload": _payload(network, swap, body.signer_id)}
        return Reply(201, {"intent": intent, "correlationId": counted_correlation_id(network)})


def submit_intent(network: Network, call: Call) -> Reply:
    """Carry out a signed payload on the verifier contract, at once and finally.

    Raises:
        Refusal: 400 for a misshapen body, or with the contract's reason in the message.
    """
    signed = read_submitted(call)
    try:
        (executed,) = publish(network, call, [signed], "submit-intent")
    except ContractPanic as panic:
        raise Refusal(400, f"Failed to publish intent: {panic}") from panic
    return submitted(network, executed.intent_hash)


def read_submitted(call: Call) -> dict[str, str]:
    """The MultiPayload in a request to submit-intent.

    Raises:
        Refusal: 400 for a misshapen body.
    """
    body = _read(SubmitIntentBody, call.json())
    return body.signed_data.model_dump()


def submitted(network: Network, intent_hash: str) -> Reply:
    """What submit-intent answers when it has taken a payload."""
    correlation = network.draws.uuid("submit-correlation", intent_hash)
    return Reply(201, {"intentHash": intent_hash, "correlationId": correlation})


def _read(kind: type[_B], given: Any) -> _B:
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        names = [".".join(map(str, each["loc"])) or "body" for each in error.errors()]
        raise Refusal(400, [f"{name} is not valid" for name in names]) from error


def _payload(network: Network, swap: Swap, signer_id: str) -> str:
    """One transfer of exactly the amount in, good until the quote's deadline."""
    until = str(swap.response["quote"]["deadline"])
    deadline_ns = to_us(datetime.fromisoformat(until)) * 1000
    transfer = {
        "intent": "transfer",
        "receiver_id": swap.address,
        "tokens": {swap.terms.origin: str(swap.terms.amount_in)},
    }
    return compact_json(
        {
            "signer_id": signer_id,
            "verifying_contract": VERIFIER_ID,
            "deadline": until,
            "nonce": _nonce(network, deadline_ns),
            "intents": [transfer],
        }
    )


def _nonce(network: Network, deadline_ns: int) -> str:
    """A version-1 nonce with the current salt: magic, version, salt, deadline in ns, 15 bytes."""
    number = network.store.take_number("nonce")
    head = bytes.fromhex("5628f6c600" + network.current_salt()) + deadline_ns.to_bytes(8, "little")
    return base64.b64encode(head + network.draws.bytes("nonce", number)[:15]).decode()
