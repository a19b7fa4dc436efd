"""What happens to a swap after money has come in, by due time.

There is no background task. Each swap row says when something happens to it next, and the first
request of any process at or after that time carries it out, with the prices of the due time.
So it makes no difference who looks, or when.
"""

from __future__ import annotations

from typing import Final

from ballast.devnet.books import Move, outside_wallet
from ballast.devnet.chains import CHAINS, transaction_hash
from ballast.devnet.clock import to_us
from ballast.devnet.fates import Fate, FateKind
from ballast.devnet.network import Network
from ballast.devnet.outcomes import deliver, deposit_account, refund_all, return_late, settle
from ballast.devnet.swaps import (
    TERMINAL,
    Swap,
    change_swap,
    load_swap,
    open_payments,
    swap_number,
)
from ballast.devnet.verifier import Executed

# This share of the settlement time passes before an intent's transfer is noticed; the rest swaps.
_NOTICE_SHARE: Final = 0.3


def settle_due(network: Network) -> None:
    """Carry out everything whose time has come, in order of time. Cheap when there is nothing."""
    now_us = to_us(network.clock.now())
    if _next_due(network, now_us) is None:
        return
    with network.store.write():
        while (number := _next_due(network, now_us)) is not None:
            _step(network, load_swap(network, number))


def note_executed(network: Network, each: Executed, tx_hash: str, fate: Fate | None = None) -> None:
    """Notice transfers to deposit addresses. Inside the transaction that executed the intent.

    Another asset than the quote's is never noticed, as in the real service.
    """
    for move in each.moves:
        number = swap_number(network, move.target)
        if number is None:
            continue
        swap = load_swap(network, number)
        if not swap.chain and swap.terms.origin == move.asset_id:
            notice = int(_settle_us(network, swap.n) * _NOTICE_SHARE)
            meet_fate(network, swap.n, fate)
            _add_payment(network, swap, move.units, notice, tx_hash, each.intent_hash)


def meet_fate(network: Network, number: int, fate: Fate | None) -> None:
    """What a fault has in store for this swap from now on. Only inside `store.write()`."""
    if fate is not None:
        change_swap(network, number, fate=fate.to_text())


def pay_from_outside(
    network: Network, swap: Swap, asset_id: str, units: int, fate: Fate | None = None
) -> tuple[str, int]:
    """The outside wallet pays a swap's address on its chain. Only inside `store.write()`.

    Returns:
        The transaction's hash, and the time in microseconds from which the service counts it.
    """
    at_us = to_us(network.clock.now())
    raw = network.draws.bytes("outside-tx", network.store.take_number("outside-tx"))
    tx_hash = transaction_hash(swap.chain, raw)
    target = deposit_account(swap)
    network.books.post(
        "outside-payment",
        tx_hash,
        at_us,
        [Move(outside_wallet(swap.chain), target, asset_id, units)],
    )
    wait = 0 if network.settle_seconds[1] == 0 else CHAINS[swap.chain].confirm_seconds
    if asset_id == swap.terms.origin:
        meet_fate(network, swap.n, fate)
        _add_payment(network, swap, units, wait * 1_000_000, tx_hash, None)
        if swap.status == "PENDING_DEPOSIT":
            change_swap(network, swap.n, status="KNOWN_DEPOSIT_TX", updated_us=at_us)
    return tx_hash, at_us + wait * 1_000_000


def _next_due(network: Network, now_us: int) -> int | None:
    row = network.store.one(
        "SELECT n FROM swaps WHERE next_us <= ? ORDER BY next_us, n LIMIT 1", now_us
    )
    return int(row["n"]) if row else None


def _settle_us(network: Network, number: int) -> int:
    """How long this swap takes: between the two bounds, mostly near the shorter one."""
    shortest, longest = network.settle_seconds
    share = network.draws.fraction("settle-time", number) ** 2
    return int((shortest + (longest - shortest) * share) * 1_000_000)


def _add_payment(
    network: Network, swap: Swap, units: int, wait_us: int, tx_hash: str, intent_hash: str | None
) -> None:
    at_us = to_us(network.clock.now())
    network.store.run(
        "INSERT INTO deposits (swap_n, amount, arrived_us, visible_us, tx_hash, intent_hash)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        swap.n,
        str(units),
        at_us,
        at_us + wait_us,
        tx_hash,
        intent_hash,
    )
    if swap.status != "PROCESSING":  # then the settlement looks at it
        due = [moment for moment in (swap.next_us, at_us + wait_us) if moment is not None]
        change_swap(network, swap.n, next_us=min(due))


def _step(network: Network, swap: Swap) -> None:
    """Let happen to one swap what is due at its `next_us`."""
    assert swap.next_us is not None
    at_us = swap.next_us
    if swap.status in TERMINAL:
        return_late(network, swap, at_us)
    elif swap.status != "PROCESSING":
        _look_for_funds(network, swap, at_us)
    elif swap.amount_in is None:
        settle(network, swap, at_us)
    else:
        deliver(network, swap, at_us)


def _look_for_funds(network: Network, swap: Swap, at_us: int) -> None:
    """Enough, not yet enough, or too late?"""
    if _overlooked(network, swap, at_us):
        return
    deadline_us = swap.terms.deadline_us
    found = open_payments(network, swap.n)
    seen = [each for each in found if each.visible_us <= at_us]
    coming = [each for each in found if each.visible_us > at_us]
    in_time = sum(each.units for each in seen if each.arrived_us <= deadline_us)
    hoped_for = any(each.arrived_us <= deadline_us for each in coming)
    if in_time >= swap.terms.min_amount_in:
        due_us = _settlement_due(network, swap, at_us)
        change_swap(network, swap.n, status="PROCESSING", next_us=due_us, updated_us=at_us)
    elif at_us < deadline_us or hoped_for:
        due_us = min([each.visible_us for each in coming] + [deadline_us] * (at_us < deadline_us))
        change_swap(network, swap.n, status="INCOMPLETE_DEPOSIT", next_us=due_us, updated_us=at_us)
    else:
        refund_all(
            network, swap, seen, "PARTIAL_DEPOSIT" if in_time else "DEADLINE_EXCEEDED", at_us
        )


def _overlooked(network: Network, swap: Swap, at_us: int) -> bool:
    """Whether fate lets the service not see the money, for some time or for good."""
    fate = swap.fate
    if fate is None or fate.kind != FateKind.STUCK or fate.settings["state"] == "PROCESSING":
        return False
    hold_us = _hold_us(fate)
    if hold_us is None:
        change_swap(network, swap.n, next_us=None)
    else:  # once: then the fate is over
        change_swap(network, swap.n, next_us=at_us + hold_us, fate=None)
    return True


def _settlement_due(network: Network, swap: Swap, at_us: int) -> int | None:
    """When a swap whose money is there settles; None for never."""
    due_us = at_us + int(_settle_us(network, swap.n) * (1 - _NOTICE_SHARE))
    if swap.fate is None or "seconds" not in swap.fate.settings:
        return due_us
    hold_us = _hold_us(swap.fate)
    return None if hold_us is None else due_us + hold_us


def _hold_us(fate: Fate) -> int | None:
    """How much longer than promised; None for ever."""
    seconds = fate.settings["seconds"]
    return None if seconds is None else int(seconds * 1_000_000)
