"""Reading a quote with suspicion: nothing is signed for an offer that is not what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from ballast.adapters.near_intents.quote_costs import (
    CostRules,
    cost_problems,
    echoed_fee_bps,
    format_problems,
)
from ballast.adapters.near_intents.quote_signature import is_signed_by
from ballast.adapters.near_intents.wire import (
    OfferWire,
    QuoteAnswer,
    QuoteRequest,
    clean_text,
    read_time,
)
from ballast.app.ports import Quote
from ballast.core.money import BPS
from ballast.errors import BallastError, ErrorCode

_INSIDE_ADDRESS: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_CHAIN_ADDRESS: Final = re.compile(r"[!-~]{4,200}", re.ASCII)
_MEMO: Final = re.compile(r"[!-~]{1,100}", re.ASCII)

# The service may wait as long as it likes, and adds its own fee to ours: those are summed up.
_ECHOED_OTHERWISE: Final = frozenset({"quoteWaitingTimeMs", "appFees"})

# What the echo may not add: each would send the money, or a message with it, somewhere else.
_UNASKED: Final = (
    "virtualChainRecipient",
    "virtualChainRefundRecipient",
    "customRecipientMsg",
    "insured",
    "rebates",
)


@dataclass(frozen=True, slots=True)
class QuoteRules:
    """What an offer must satisfy beside what was asked for.

    Attributes:
        costs: what it may cost.
        manager_public_key: `ed25519:<base58>` of the key that signs quotes; None if it is not
            known, and then signatures are not looked at.
    """

    costs: CostRules = field(default_factory=CostRules)
    manager_public_key: str | None = None


def checked_quote(
    request: QuoteRequest,
    response: Mapping[str, Any],
    deadline: datetime,
    rules: QuoteRules,
    decimals: Mapping[str, int] = MappingProxyType({}),
) -> Quote:
    """The offer in a response.

    Args:
        request: what was sent.
        response: the whole JSON answer.
        deadline: our own, which the request carries.
        decimals: of the assets, by id, as far as they are known.

    Raises:
        BallastError: `quote_refused` with every problem found in `details.problems`.
    """
    try:
        answer = QuoteAnswer.model_validate(response)
        fee_bps = echoed_fee_bps(answer.quote_request)
    except (ValidationError, ValueError) as error:
        raise refused_offer([f"it cannot be read: {clean_text(_first_line(error))}"]) from None
    problems = [
        *_echo_problems(request, answer.quote_request),
        *_amount_problems(request, answer.quote),
        *_handle_problems(request, answer.quote, deadline),
        *cost_problems(request, answer.quote, fee_bps, rules.costs),
        *format_problems(
            answer.quote,
            decimals.get(request.origin_asset),
            decimals.get(request.destination_asset),
        ),
        *_trust_problems(request, response, rules),
    ]
    if problems:
        raise refused_offer(problems)
    return _quote(answer.quote, deadline, fee_bps, response)


def refused_offer(problems: list[str]) -> BallastError:
    """`quote_refused`, with everything that is wrong with an offer."""
    return BallastError(
        ErrorCode.QUOTE_REFUSED, "The venue's offer is not what was asked for.", problems=problems
    )


def _first_line(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)


def _quote(
    offer: OfferWire, deadline: datetime, fee_bps: int, response: Mapping[str, Any]
) -> Quote:
    return Quote(
        units_in=offer.amount_in,
        minimum_in_units=offer.min_amount_in,
        units_out=offer.amount_out,
        minimum_out_units=offer.min_amount_out,
        deposit_address=offer.deposit_address or None,
        deposit_memo=offer.deposit_memo or None,
        deadline=deadline,
        seconds=int(offer.time_estimate or 0),
        fee_bps=fee_bps,
        withdraw_fee_units=offer.withdraw_fee or 0,
        wire=evidence(response),
    )


def evidence(value: Any) -> Any:
    """A JSON tree in which Decimals became text, so that it can be stored as it was."""
    if isinstance(value, dict):
        return {key: evidence(part) for key, part in value.items()}
    if isinstance(value, list):
        return [evidence(part) for part in value]
    return str(value) if isinstance(value, Decimal) else value


def _echo_problems(request: QuoteRequest, echo: Mapping[str, Any]) -> Iterator[str]:
    """Every asked field comes back as it was asked; nothing that redirects money was added."""
    body = request.body()
    for name, asked in body.items():
        given = echo.get(name, "SIMPLE" if name == "depositMode" else None)
        if name in _ECHOED_OTHERWISE or (given == asked and type(given) is type(asked)):
            continue
        if name == "slippageTolerance" and isinstance(given, Decimal) and given == asked:
            continue
        if name == "deadline" and _same_time(given, asked):
            continue
        yield f"it changed {name} from {clean_text(asked)} to {clean_text(given)}"
    yield from (f"it added {name}" for name in _UNASKED if echo.get(name) and name not in body)
    if echo.get("confidentiality") not in (None, "public"):
        yield "it changed the confidentiality"


def _same_time(given: object, asked: str) -> bool:
    try:
        return read_time(given) == read_time(asked)
    except ValueError:
        return False


def _amount_problems(request: QuoteRequest, offer: OfferWire) -> Iterator[str]:
    """The amounts are what was asked for, as far as the swap type fixes them.

    (1Click documentation, swap types: which side is fixed, and on which the slippage acts.)
    """
    asked, slippage = int(request.amount), request.slippage_tolerance
    fixed_out = request.swap_type == "EXACT_OUTPUT"
    flexible = request.swap_type == "FLEX_INPUT"
    fixed, side = (offer.amount_out, "gives") if fixed_out else (offer.amount_in, "asks for")
    if fixed != asked:
        yield f"it {side} {fixed} units instead of {asked}"
    exact_in = not (flexible or fixed_out)
    if not 0 < offer.min_amount_in <= offer.amount_in or (
        exact_in and offer.min_amount_in != asked
    ):
        yield f"its smallest input is {offer.min_amount_in} units of {offer.amount_in}"
    if fixed_out and offer.amount_in > _most_in(offer.min_amount_in, slippage):
        yield f"its input of {offer.amount_in} units is more than the slippage allows"
    if not 0 < offer.min_amount_out <= offer.amount_out:
        yield f"its smallest output is {offer.min_amount_out} units of {offer.amount_out}"
    floor = _least_out(offer.amount_out, slippage, flexible=flexible)
    if offer.min_amount_out < floor:
        yield f"its smallest output of {offer.min_amount_out} units is below {floor}"


def _most_in(least_in: int, slippage_bps: int) -> int:
    """The input that the slippage allows above the least, and one unit for rounding."""
    return -(-least_in * (BPS + slippage_bps) // BPS) + 1


def _least_out(units_out: int, slippage_bps: int, *, flexible: bool) -> int:
    """The least output that the slippage allows, less the one unit that rounding may cost.

    With a flexible input the slippage acts on both sides, so it counts twice.
    """
    kept = BPS - slippage_bps
    least = units_out * kept // BPS
    return (least * kept // BPS if flexible else least) - 1


def _handle_problems(request: QuoteRequest, offer: OfferWire, deadline: datetime) -> Iterator[str]:
    """A firm offer has a place to pay to, which stays open at least as long as we need it."""
    if request.dry:
        return
    inside = request.deposit_type == "INTENTS"
    form = _INSIDE_ADDRESS if inside else _CHAIN_ADDRESS
    if not form.fullmatch(offer.deposit_address or ""):
        yield "its deposit address is missing or has the wrong form"
    if offer.deposit_memo and not _MEMO.fullmatch(offer.deposit_memo):
        yield "its deposit memo has the wrong form"
    if bool(offer.deposit_memo) != (request.deposit_mode == "MEMO"):
        yield "a deposit memo is missing, or was not asked for"
    if offer.deposit_address == request.recipient:
        yield "its deposit address is our own account"
    if offer.deadline is None or offer.deadline < deadline:
        yield "it closes before our own deadline"


def _trust_problems(
    request: QuoteRequest, response: Mapping[str, Any], rules: QuoteRules
) -> Iterator[str]:
    if rules.manager_public_key is None:
        return
    # A dry quote promises nothing; whether the live service signs those is not established.
    if request.dry and not response.get("signature"):
        return
    if not is_signed_by(response, rules.manager_public_key):
        yield "its signature does not verify"
