"""`GET /v0/status` and `POST /v0/deposit/submit`.

Source: the 1Click API reference, and live answers for what it leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from ballast.devnet.clock import from_us, to_us
from ballast.devnet.errors import Refusal
from ballast.devnet.network import Network
from ballast.devnet.quoting import counted_correlation_id, dry_correlation_id
from ballast.devnet.swaps import Payment, Swap, change_swap, load_swap, payments, swap_number
from ballast.devnet.tokens import Token
from ballast.devnet.wire import Call, Reply, formatted, iso_millis, usd

# The echo of a quote in a status answer loses these and gains nulls (seen live).
_LOST: Final = ("quoteWaitingTimeMs", "insured")
_NULLS: Final = ("referral", "virtualChainRecipient", "virtualChainRefundRecipient",
                 "customRecipientMsg", "sessionId", "connectedWallets")  # fmt: skip


class SubmitDepositBody(BaseModel):
    """A hint that a transaction pays a deposit address."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, frozen=True)

    tx_hash: str
    deposit_address: str
    near_sender_account: str | None = None
    memo: str | None = None


def status(network: Network, call: Call) -> Reply:
    """How the swap of a deposit address stands.

    Raises:
        Refusal: 404 for an address, or an address with this memo, that no live quote gave out.
    """
    swap = _find(network, call.query.get("depositAddress", ""), call.query.get("depositMemo", ""))
    return Reply(200, _view(network, swap) | {"correlationId": dry_correlation_id(network, call)})


def submit_deposit(network: Network, call: Call) -> Reply:
    """Take the hint: a swap without a deposit becomes KNOWN_DEPOSIT_TX. Answers like status.

    Raises:
        Refusal: 400 for a misshapen body, 404 as for status.
    """
    try:
        body = SubmitDepositBody.model_validate(call.json())
    except ValidationError as error:
        names = sorted({str(each["loc"][0]) if each["loc"] else "body" for each in error.errors()})
        raise Refusal(400, [f"{name} is not valid" for name in names]) from error
    with network.store.write():
        swap = _find(network, body.deposit_address, body.memo or "")
        if swap.status == "PENDING_DEPOSIT":
            change_swap(
                network,
                swap.n,
                status="KNOWN_DEPOSIT_TX",
                hint_hash=body.tx_hash[:200],
                updated_us=to_us(call.now),
            )
        correlation = counted_correlation_id(network)
        return Reply(
            200, _view(network, load_swap(network, swap.n)) | {"correlationId": correlation}
        )


def _find(network: Network, address: str, memo: str) -> Swap:
    number = swap_number(network, address, memo)
    if number is None:
        raise Refusal(404, "Deposit address not found")
    return load_swap(network, number)


def _view(network: Network, swap: Swap) -> dict[str, Any]:
    request = {k: v for k, v in swap.response["quoteRequest"].items() if k not in _LOST}
    nulls = {name: None for name in _NULLS if name not in request}
    return {
        "quoteResponse": swap.response | {"quoteRequest": request | nulls},
        "status": swap.status,
        "updatedAt": iso_millis(from_us(swap.updated_us)),
        "swapDetails": _details(network, swap),
    }


def _details(network: Network, swap: Swap) -> dict[str, Any]:
    terms = swap.terms
    seen = [p for p in payments(network, swap.n) if p.visible_us <= to_us(network.clock.now())]
    origin = network.known_token(terms.origin)
    destination = network.known_token(terms.destination)
    deposited = sum(each.units for each in seen) if seen else None
    ended = swap.settled_us is not None
    withdraws = bool(terms.withdraw_fee) and swap.amount_out is not None
    return {
        **_hashes(swap, seen),
        **_amount(network, swap, "amountIn", swap.amount_in, origin),
        **_amount(network, swap, "amountOut", swap.amount_out, destination),
        **_amount(network, swap, "refundedAmount", swap.refunded if ended else None, origin),
        **_amount(network, swap, "depositedAmount", deposited, origin),
        "slippage": swap.slippage_bps,
        "refundReason": swap.refund_reason,
        "refundFee": str(terms.refund_fee) if swap.refunded and terms.refund_fee else None,
        "withdrawFee": str(terms.withdraw_fee) if withdraws else None,
        "referral": swap.response["quoteRequest"].get("referral"),
    }


def _hashes(swap: Swap, seen: Sequence[Payment]) -> dict[str, Any]:
    near = [each.tx_hash for each in seen if each.intent_hash]
    near += [swap.near_hash] if swap.near_hash else []
    delivered = [_link(swap.destination_hash)] if swap.destination_hash else []
    return {
        "intentHashes": [each.intent_hash for each in seen if each.intent_hash],
        "nearTxHashes": near,
        "originChainTxHashes": [_link(each.tx_hash) for each in seen if not each.intent_hash],
        "destinationChainTxHashes": delivered,
    }


def _link(tx_hash: str) -> dict[str, str]:
    return {"hash": tx_hash, "explorerUrl": ""}


def _amount(
    network: Network, swap: Swap, name: str, units: int | None, token: Token
) -> dict[str, str | None]:
    """An amount in its three forms; dollars at the time of settlement, else of the last change."""
    if units is None:
        return {name: None, f"{name}Formatted": None, f"{name}Usd": None}
    price = network.market.price(token.coin, from_us(swap.settled_us or swap.updated_us))
    return {
        name: str(units),
        f"{name}Formatted": formatted(units, token.decimals),
        f"{name}Usd": usd(units, token.decimals, price),
    }
