"""`POST /v0/quote`: a price, and for a live quote a deposit address that takes the money."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from ballast.devnet.chains import CHAINS
from ballast.devnet.clock import to_us
from ballast.devnet.errors import Refusal
from ballast.devnet.network import Network
from ballast.devnet.quote_request import Asked, check_usd_minimum, read_request
from ballast.devnet.quote_signature import QuoteSigner
from ballast.devnet.terms import Rate, Terms, charges, echoed_fees, platform_fee_bps, spread_bps
from ballast.devnet.tokens import Token
from ballast.devnet.wire import U128_MAX, Call, Reply, compact_json, formatted, iso_millis, usd

# A deposit address stays open this long after the deadline that was asked for (seen live).
GRACE: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Deposit:
    """Where to pay: address, and memo where the chain needs one. Chain "" is inside Intents."""

    address: str
    memo: str
    chain: str


def quote(network: Network, call: Call, has_key: bool) -> Reply:
    """Price a swap; a live quote also opens a deposit address. Answers 201, as the live service.

    Raises:
        Refusal: 400, with the service's words.
    """
    asked = read_request(network, call.json(), call.now)
    terms, rate = _terms(network, asked, call, has_key)
    if asked.body.dry:
        response = _response(asked, terms, rate, None, call)
        response["correlationId"] = dry_correlation_id(network, call)
        return Reply(201, _signed(network, response))
    with network.store.write():
        return Reply(201, _open_swap(network, asked, terms, rate, call))


def dry_correlation_id(network: Network, call: Call) -> str:
    """A correlation id for what leaves no trace: it depends on the request and the time alone."""
    key = (call.path, sorted(call.query.items()), call.body, to_us(call.now))
    return network.draws.uuid("dry-correlation", key)


def counted_correlation_id(network: Network) -> str:
    """A correlation id for what does. Only inside `store.write()`."""
    return network.draws.uuid("correlation", network.store.take_number("correlation"))


def quote_signer(network: Network) -> QuoteSigner:
    """The devnet's manager key, from its seed."""
    return QuoteSigner(network.draws.bytes("manager-key", 0))


def rate_at(network: Network, origin: Token, destination: Token, pips: int, at: Any) -> Rate:
    """The rate of a pair at a moment."""
    price = network.market.price
    return Rate(origin, destination, price(origin.coin, at), price(destination.coin, at), pips)


def _terms(network: Network, asked: Asked, call: Call, has_key: bool) -> tuple[Terms, Rate]:
    origin, destination = asked.origin, asked.destination
    platform = platform_fee_bps(origin, destination, has_key, asked.app_fees, asked.body.insured)
    taken = charges(asked.app_fees, platform, has_key, spread_bps(origin, destination))
    echoed_fees(asked.app_fees, platform)  # refuses fees above the cap
    rate = rate_at(network, origin, destination, sum(c.pips for c in taken), call.now)
    blank = Terms(
        swap_type=asked.body.swap_type,
        origin=origin.asset_id,
        destination=destination.asset_id,
        amount_in=asked.amount,
        min_amount_in=asked.amount,
        amount_out=asked.amount,
        min_amount_out=asked.amount,
        refund_account=asked.refund_account,
        refund_fee=_refund_fee(asked, rate.price_in),
        recipient_account=asked.recipient_account,
        withdraw_fee=_withdraw_fee(asked, rate.price_out),
        deadline_us=to_us(asked.deadline + GRACE),
        charges=taken,
    )
    return _checked(_with_amounts(asked, blank, rate), asked, rate), rate


def _with_amounts(asked: Asked, terms: Terms, rate: Rate) -> Terms:
    """The four amounts, by swap type (1Click documentation, swap types)."""
    slippage = Fraction(str(asked.body.slippage_tolerance)) / 10_000
    if asked.body.swap_type == "EXACT_OUTPUT":
        needed = rate.in_for(asked.amount + terms.withdraw_fee)
        proposed = -(-needed * (1 + slippage) // 1)  # rounded up
        return replace(terms, amount_in=int(proposed), min_amount_in=needed)
    amount_out = max(0, rate.out_for(asked.amount) - terms.withdraw_fee)
    least_out = int(amount_out * (1 - slippage) // 1)
    terms = replace(terms, amount_out=amount_out, min_amount_out=least_out)
    if asked.body.swap_type == "FLEX_INPUT":
        least_in = max(1, int(asked.amount * (1 - slippage) // 1))
        return replace(terms, min_amount_in=least_in)
    return terms


def _checked(terms: Terms, asked: Asked, rate: Rate) -> Terms:
    """Refuse what is too small, or too large for the contract's numbers."""
    worth = terms.amount_in * rate.price_in / 10**asked.origin.decimals
    check_usd_minimum(asked, worth)
    if asked.body.recipient_type == "DESTINATION_CHAIN":
        chain = CHAINS[asked.destination.blockchain]
        least = _units(chain.least_withdrawal_usd, asked.destination, rate.price_out)
        if terms.amount_out < least:
            # In units of the amount that was asked about: of the origin, or (seen once) of the
            # destination for EXACT_OUTPUT.
            exact_output = terms.swap_type == "EXACT_OUTPUT"
            needed = least if exact_output else rate.in_for(least + terms.withdraw_fee)
            raise Refusal(400, f"Amount is too low for bridge, try at least {needed}")
    if terms.amount_out == 0:
        raise Refusal(400, "Failed to get quote")
    if max(terms.amount_in, terms.amount_out) > U128_MAX:
        raise Refusal(400, "No liquidity available")
    return terms


def _refund_fee(asked: Asked, price: Decimal) -> int:
    if asked.body.refund_type == "INTENTS":
        return 0
    return _units(CHAINS[asked.origin.blockchain].fee_usd, asked.origin, price)


def _withdraw_fee(asked: Asked, price: Decimal) -> int:
    if asked.body.recipient_type == "INTENTS":
        return 0
    return _units(CHAINS[asked.destination.blockchain].fee_usd, asked.destination, price)


def _units(dollars: Decimal, token: Token, price: Decimal) -> int:
    """Base units worth so many dollars, rounded up."""
    return -int(-(Fraction(dollars) / Fraction(price) * 10**token.decimals) // 1)


def _response(
    asked: Asked, terms: Terms, rate: Rate, deposit: Deposit | None, call: Call
) -> dict[str, Any]:
    """The answer without correlation id and signature."""
    into, out = asked.origin.decimals, asked.destination.decimals
    body: dict[str, Any] = {
        "amountIn": str(terms.amount_in),
        "amountInFormatted": formatted(terms.amount_in, into),
        "amountInUsd": usd(terms.amount_in, into, rate.price_in),
        "minAmountIn": str(terms.min_amount_in),
        "amountOut": str(terms.amount_out),
        "amountOutFormatted": formatted(terms.amount_out, out),
        "amountOutUsd": usd(terms.amount_out, out, rate.price_out),
        "minAmountOut": str(terms.min_amount_out),
        "timeEstimate": _time_estimate(asked),
        "refundFee": str(terms.refund_fee),
        "withdrawFee": str(terms.withdraw_fee),
    }
    for name in ("virtualChainRecipient", "virtualChainRefundRecipient", "customRecipientMsg"):
        if name in (echo := asked.echo()):
            body[name] = echo[name]
    if deposit is not None:
        body |= _deposit_fields(asked, deposit)
    return {"timestamp": iso_millis(call.now), "quoteRequest": _echo(asked, terms), "quote": body}


def _deposit_fields(asked: Asked, deposit: Deposit) -> dict[str, str]:
    until = iso_millis(asked.deadline + GRACE)
    memo = {"depositMemo": deposit.memo} if deposit.memo else {}
    return {"depositAddress": deposit.address, "deadline": until, "timeWhenInactive": until} | memo


def _echo(asked: Asked, terms: Terms) -> dict[str, Any]:
    charged = sum(charge.pips for charge in terms.charges[:-1]) // 100
    platform = charged - sum(fee.fee for fee in asked.app_fees)
    fees = echoed_fees(asked.app_fees, platform)
    return asked.echo() | {"appFees": [asdict(fee) | {"limitOrderId": None} for fee in fees]}


def _time_estimate(asked: Asked) -> int:
    seconds = 10
    if asked.body.deposit_type == "ORIGIN_CHAIN":
        seconds += CHAINS[asked.origin.blockchain].confirm_seconds
    if asked.body.recipient_type == "DESTINATION_CHAIN":
        seconds += CHAINS[asked.destination.blockchain].confirm_seconds
    return seconds


def _signed(network: Network, response: dict[str, Any]) -> dict[str, Any]:
    return response | {"signature": quote_signer(network).sign(response)}


def _open_swap(
    network: Network, asked: Asked, terms: Terms, rate: Rate, call: Call
) -> dict[str, Any]:
    number = network.store.take_number("swap")
    deposit = _deposit(network, asked, number)
    response = _signed(network, _response(asked, terms, rate, deposit, call))
    network.store.run(
        "INSERT INTO swaps (n, address, memo, chain, response, terms, status, updated_us, fate)"
        " VALUES (?, ?, ?, ?, ?, ?, 'PENDING_DEPOSIT', ?, ?)",
        number,
        deposit.address,
        deposit.memo,
        deposit.chain,
        compact_json(response),
        terms.to_text(),
        to_us(call.now),
        call.fate.to_text() if call.fate else None,
    )
    return response | {"correlationId": counted_correlation_id(network)}


def _deposit(network: Network, asked: Asked, number: int) -> Deposit:
    raw = network.draws.bytes("deposit-address", number)
    if asked.body.deposit_type == "INTENTS":
        return Deposit(raw.hex(), "", "")
    name = asked.origin.blockchain
    chain = CHAINS[name]
    if chain.needs_memo:  # one address for everybody; the memo tells the swaps apart
        shared = network.draws.bytes("shared-address", name)
        return Deposit(chain.make_address(shared), str(100_000_000 + number), name)
    return Deposit(chain.make_address(raw), "", name)
