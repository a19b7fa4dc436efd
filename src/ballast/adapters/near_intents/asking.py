"""What is wanted, as a request for a quote."""

from __future__ import annotations

from typing import Final

from ballast.adapters.near_intents.signing import iso_millis
from ballast.adapters.near_intents.wire import ROUTING_PREFIXES, QuoteRequest
from ballast.app.ports import DepositAsk, ListedAsset, SwapAsk, WithdrawalAsk
from ballast.errors import BallastError, ErrorCode

# Chains on which an address is shared and a memo says whose money it is.
# (1Click API reference: depositMode MEMO)
_MEMO_DEPOSITS: Final = frozenset({"stellar", "xrp"})


def swap_request(ask: SwapAsk, *, firm: bool, wait_ms: int) -> QuoteRequest:
    """An exact input, from and to the account inside the venue.

    Raises:
        BallastError: `quote_refused` for an id that cannot be held.
    """
    refuse_routing_id(ask.buy)
    return QuoteRequest(
        dry=not firm,
        swap_type="EXACT_INPUT",
        slippage_tolerance=ask.slippage_bps,
        origin_asset=ask.sell,
        deposit_type="INTENTS",
        destination_asset=ask.buy,
        amount=str(ask.units),
        refund_to=ask.account_id,
        refund_type="INTENTS",
        recipient=ask.account_id,
        deadline=iso_millis(ask.deadline),
        quote_waiting_time_ms=wait_ms,
    )


def deposit_request(ask: DepositAsk, pay: ListedAsset, *, wait_ms: int) -> QuoteRequest:
    """A flexible input on the asset's chain, credited to the account inside the venue.

    Raises:
        BallastError: `quote_refused` for an id that cannot be held.
    """
    refuse_routing_id(ask.credit_asset_id)
    return QuoteRequest(
        dry=False,
        swap_type="FLEX_INPUT",
        slippage_tolerance=ask.slippage_bps,
        origin_asset=ask.pay_asset_id,
        deposit_type="ORIGIN_CHAIN",
        destination_asset=ask.credit_asset_id,
        amount=str(ask.units),
        refund_to=ask.refund_to or ask.account_id,
        refund_type="ORIGIN_CHAIN" if ask.refund_to else "INTENTS",
        recipient=ask.account_id,
        deadline=iso_millis(ask.deadline),
        deposit_mode="MEMO" if pay.asset.chain in _MEMO_DEPOSITS else "SIMPLE",
        quote_waiting_time_ms=wait_ms,
    )


def with_other_mode(request: QuoteRequest) -> QuoteRequest:
    """The same deposit, with a memo instead of without, or the other way round."""
    mode = "SIMPLE" if request.deposit_mode == "MEMO" else "MEMO"
    return request.model_copy(update={"deposit_mode": mode})


def withdrawal_request(ask: WithdrawalAsk, *, firm: bool, wait_ms: int) -> QuoteRequest:
    """An exact input from the account inside the venue, delivered on a chain.

    Raises:
        BallastError: `address_invalid` when a memo is due: the request has no place for one, and
            money sent to a shared address without it is lost.
    """
    if ask.memo:
        raise BallastError(
            ErrorCode.ADDRESS_INVALID,
            "The venue cannot deliver to an address that needs a memo. Use one that needs none.",
        )
    return QuoteRequest(
        dry=not firm,
        swap_type="EXACT_INPUT",
        slippage_tolerance=ask.slippage_bps,
        origin_asset=ask.sell,
        deposit_type="INTENTS",
        destination_asset=ask.payout_asset_id,
        amount=str(ask.units),
        refund_to=ask.account_id,
        refund_type="INTENTS",
        recipient=ask.recipient,
        recipient_type="DESTINATION_CHAIN",
        deadline=iso_millis(ask.deadline),
        quote_waiting_time_ms=wait_ms,
    )


def refuse_routing_id(asset_id: str) -> None:
    """A routing id means delivery on a chain; inside the venue it would be a balance of nothing.

    Raises:
        BallastError: `quote_refused`.
    """
    if asset_id.startswith(ROUTING_PREFIXES):
        raise BallastError(
            ErrorCode.QUOTE_REFUSED,
            "This asset id names a delivery route, not something that can be held.",
            asset_id=asset_id,
        )
