"""How a swap ends: what is taken, delivered and returned, also where a fate meddles with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ballast.devnet.books import NETWORK, SOLVER, Move, chain_account
from ballast.devnet.chains import CHAINS, transaction_hash
from ballast.devnet.clock import from_us
from ballast.devnet.fates import FateKind
from ballast.devnet.network import Network
from ballast.devnet.quoting import rate_at
from ballast.devnet.swaps import Payment, Swap, change_swap, close_payments, open_payments
from ballast.devnet.terms import PIPS, Charge

# A refund inside Intents of an asset that cannot be held there pays the one that can.
_HELD_AS: Final = {"1cs_v1:btc:native:coin": "nep141:nbtc.bridge.near"}


def deposit_account(swap: Swap) -> str:
    """Where in the books the money for a swap comes in."""
    if not swap.chain:
        return swap.address
    return chain_account(swap.chain, swap.address, swap.memo)


def settle(network: Network, swap: Swap, at_us: int) -> None:
    """Swap what has come in, or give it back if the price has moved too far.

    A withdrawal only fixes its amounts here: it stays PROCESSING, and the money where it is, for
    as long as the chain of destination takes; `deliver` does the rest.
    """
    seen = _seen(network, swap, at_us)
    if _is(swap, FateKind.REFUNDED):
        refund_all(network, swap, seen, _text_setting(swap, "reason"), at_us)
        return
    if _is(swap, FateKind.SUCCESS_BUT_REFUNDED):
        _refund_and_call_it_success(network, swap, seen, at_us)
        return
    if _is(swap, FateKind.FAILED_KEEPS_MONEY):
        _keep_the_money(network, swap, seen, at_us)
        return
    used, out = _fill(network, swap, sum(each.units for each in seen), at_us)
    if used == 0:
        refund_all(network, swap, seen, "SLIPPAGE_EXCEEDED", at_us)
        return
    change_swap(
        network,
        swap.n,
        amount_in=str(used),
        amount_out=str(out),
        slippage_bps=round((swap.terms.amount_out - out) * 10_000 / swap.terms.amount_out),
        near_hash=_near_hash(network, swap),
        updated_us=at_us,
        next_us=at_us + _bridge_us(network, swap),
    )


def deliver(network: Network, swap: Swap, at_us: int) -> None:
    """Book a swap whose amounts are fixed, and end it."""
    assert swap.amount_in is not None
    assert swap.amount_out is not None
    seen = _seen(network, swap, at_us)
    if _is(swap, FateKind.DELIVERY_FAILED) and swap.terms.withdraw_fee:
        refund_all(network, swap, seen, _text_setting(swap, "reason"), at_us)
        return
    excess = sum(each.units for each in seen) - swap.amount_in
    moves = _swap_moves(swap, swap.amount_in, swap.amount_out) + _refund_moves(swap, excess)
    network.books.post("settlement", swap.ref, at_us, moves)
    if _is(swap, FateKind.PAID_TWICE):
        again = Move(SOLVER, swap.terms.recipient_account, swap.terms.destination, swap.amount_out)
        network.books.post("second-payout", swap.ref, at_us, [again])
    close_payments(network, seen)
    chain = _chain_of(swap.terms.recipient_account)
    hash_ = transaction_hash(chain, network.draws.bytes("delivery-tx", swap.n))
    _end(network, swap, "SUCCESS", at_us, refunded=str(excess), destination_hash=hash_)


def refund_all(
    network: Network, swap: Swap, seen: Sequence[Payment], reason: str, at_us: int
) -> None:
    """Give everything back: REFUNDED, with this reason."""
    units = _return(network, swap, seen, "refund", at_us)
    _end(
        network,
        swap,
        "REFUNDED",
        at_us,
        refunded=str(units),
        refund_reason=reason,
        amount_in=None,
        amount_out=None,
        slippage_bps=None,
        near_hash=_near_hash(network, swap),
    )


def return_late(network: Network, swap: Swap, at_us: int) -> None:
    """Money that comes after the end goes back; the end stays what it was."""
    seen = _seen(network, swap, at_us)
    units = _return(network, swap, seen, "late-refund", at_us) if seen else 0
    change_swap(
        network,
        swap.n,
        refunded=str(swap.refunded + units),
        updated_us=at_us,
        next_us=_next_arrival(network, swap),
    )


def _refund_and_call_it_success(
    network: Network, swap: Swap, seen: Sequence[Payment], at_us: int
) -> None:
    """As one-click-sdk-typescript #20 tells it: all goes back, and the amounts stay null."""
    _return(network, swap, seen, "refund", at_us)
    _end(network, swap, "SUCCESS", at_us, near_hash=_near_hash(network, swap))


def _keep_the_money(network: Network, swap: Swap, seen: Sequence[Payment], at_us: int) -> None:
    units = sum(each.units for each in seen)
    kept = Move(deposit_account(swap), SOLVER, swap.terms.origin, units)
    network.books.post("kept", swap.ref, at_us, [kept])
    close_payments(network, seen)
    _end(network, swap, "FAILED", at_us)


def _return(network: Network, swap: Swap, seen: Sequence[Payment], kind: str, at_us: int) -> int:
    units = sum(each.units for each in seen)
    network.books.post(kind, swap.ref, at_us, _refund_moves(swap, units))
    close_payments(network, seen)
    return units


def _end(network: Network, swap: Swap, status: str, at_us: int, **fields: str | int | None) -> None:
    change_swap(
        network,
        swap.n,
        status=status,
        settled_us=at_us,
        updated_us=at_us,
        next_us=_next_arrival(network, swap),
        **fields,
    )


def _is(swap: Swap, kind: FateKind) -> bool:
    return swap.fate is not None and swap.fate.kind == kind


def _text_setting(swap: Swap, name: str) -> str:
    assert swap.fate is not None
    return str(swap.fate.settings[name])


def _seen(network: Network, swap: Swap, at_us: int) -> list[Payment]:
    return [each for each in open_payments(network, swap.n) if each.visible_us <= at_us]


def _next_arrival(network: Network, swap: Swap) -> int | None:
    """When the next unclosed payment becomes visible, if there is one."""
    return min((each.visible_us for each in open_payments(network, swap.n)), default=None)


def _near_hash(network: Network, swap: Swap) -> str:
    return transaction_hash("near", network.draws.bytes("settlement-tx", swap.n))


def _bridge_us(network: Network, swap: Swap) -> int:
    """How long the delivery takes: on a chain as long as the chain's confirmation."""
    account = swap.terms.recipient_account
    if not account.startswith("chain:") or network.settle_seconds[1] == 0:
        return 0
    return CHAINS[_chain_of(account)].confirm_seconds * 1_000_000


def _chain_of(account: str) -> str:
    """The chain of an account in the books; accounts inside Intents are on NEAR."""
    return account.split(":")[1] if account.startswith("chain:") else "near"


def _fill(network: Network, swap: Swap, deposited: int, at_us: int) -> tuple[int, int]:
    """Base units taken and delivered at the prices of `at_us`; (0, 0) if outside the slippage."""
    terms = swap.terms
    origin = network.known_token(terms.origin)
    destination = network.known_token(terms.destination)
    rate = rate_at(network, origin, destination, terms.charged_pips, from_us(at_us))
    if terms.swap_type == "EXACT_OUTPUT":
        needed = rate.in_for(terms.amount_out + terms.withdraw_fee)
        return (needed, terms.amount_out) if needed <= deposited else (0, 0)
    used = deposited if terms.swap_type == "FLEX_INPUT" else terms.amount_in
    promised = terms.amount_out * used // terms.amount_in
    least = terms.min_amount_out * used // terms.amount_in
    if _is(swap, FateKind.BELOW_MINIMUM):
        assert swap.fate is not None
        return used, max(1, least * (100 - int(swap.fate.settings["percent"])) // 100)
    fair = rate.out_for(used) - terms.withdraw_fee
    if fair < max(least, 1):
        return 0, 0
    # Solvers beat or miss the market by up to 2 or 1 basis points, never the promised minimum.
    luck = int(network.draws.fraction("luck", swap.n) * 300) - 100
    out = min(fair + fair * luck // PIPS, promised * 101 // 100)
    return used, max(out, least, 1)


def _swap_moves(swap: Swap, used: int, out: int) -> list[Move]:
    terms, source = swap.terms, deposit_account(swap)
    taken = [_charge_move(source, terms.origin, used, charge) for charge in terms.charges]
    to_solver = used - sum(move.units for move in taken)
    paid = [*taken, Move(source, SOLVER, terms.origin, to_solver)]
    if _is(swap, FateKind.SUCCESS_WITHOUT_MOVEMENT):
        return paid
    return [
        *paid,
        Move(SOLVER, terms.recipient_account, terms.destination, out),
        Move(SOLVER, NETWORK, terms.destination, terms.withdraw_fee),
    ]


def _charge_move(source: str, asset_id: str, used: int, charge: Charge) -> Move:
    return Move(source, charge.account, asset_id, used * charge.pips // PIPS)


def _refund_moves(swap: Swap, units: int) -> list[Move]:
    """Give back; on a chain the chain's fee comes out of it."""
    terms, source = swap.terms, deposit_account(swap)
    fee = min(terms.refund_fee, units)
    held_as = _HELD_AS.get(terms.origin, terms.origin)
    if held_as == terms.origin or _chain_of(terms.refund_account) != "near":
        back = [Move(source, terms.refund_account, terms.origin, units - fee)]
    else:
        back = [
            Move(source, SOLVER, terms.origin, units - fee),
            Move(SOLVER, terms.refund_account, held_as, units - fee),
        ]
    return [*back, Move(source, NETWORK, terms.origin, fee)]
