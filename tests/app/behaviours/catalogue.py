"""What a row of the catalogue says: faults, what is done under them, and the end it comes to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.app.world import World

HALF_HOUR = timedelta(minutes=30)
BTC = "nep141:nbtc.bridge.near"
UNUSED = "ran out unused"
NO_ACCOUNT = "no readable account"
# Paid and delivered, and not booked while nobody can say so.
ARRIVED = ("sold", "bought")


@dataclass(frozen=True)
class Fault:
    """One fault of the devnet; until it is cleared, unless it has a count."""

    route: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    count: int | None = None
    skip: int = 0
    probability: str = "1"


def fault(
    route: str,
    kind: str,
    *,
    count: int | None = None,
    skip: int = 0,
    probability: str = "1",
    **settings: Any,
) -> Fault:
    """A fault with its settings by name."""
    return Fault(route, kind, settings, count, skip, probability)


Act = Callable[[World, Any], Awaitable[None]]


@dataclass(frozen=True)
class End:
    """How everything stands.

    Attributes:
        state: of the rebalance, deposit or withdrawal.
        swaps: states of its swaps, in their order.
        gap: what the devnet's books say of the account, less what the ledger says: nothing;
            "sold", the whole input of a swap that is still in flight; "bought", all that its swap
            brought and nobody has booked; "arrived", the same of a deposit.
        named: kinds of entries, beside those of swaps, that were booked.
        words: in the problem that is shown.
        index: state of the index.
        trading: on or halted.
        problems: words of what `verify` says beside; one for each problem.
    """

    state: str
    swaps: tuple[str, ...] = ()
    gap: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    words: str = ""
    index: str = "active"
    trading: str = "on"
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One way in which a venue misbehaves.

    Attributes:
        name: a sentence.
        ends: after `watched`, with the faults still on.
        then: after the faults are cleared and `later` has passed; the same if not given.
        moved: effective movements: intents of the index that the contract has executed.
        basket: which index: "one" makes one swap, "four" several, "cash" none.
        act: what else happens, just before the engine goes on; who pays a deposit.
        amount: of a withdrawal, in USDC.
        delivered: deliveries that the devnet's books show outside; as booked if not given.
    """

    name: str
    faults: tuple[Fault, ...]
    ends: End
    then: End | None = None
    moved: int = 1
    basket: str = "one"
    act: Act | None = None
    watched: timedelta = timedelta(minutes=40)
    later: timedelta = timedelta(hours=2)
    amount: str | None = None
    delivered: int | None = None


def done(*swaps: str, state: str = "completed", **more: Any) -> End:
    """An end of a rebalance whose swaps stand in these states; one that settled by default."""
    return End(state, swaps or ("settled",), **more)


def failed(words: str = "", **more: Any) -> End:
    """The only swap was given up, and nothing moved."""
    return End("failed", ("failed",), words=words, **more)


def watched(words: str, *gap: str, **more: Any) -> End:
    """The only swap needs attention: what was paid is still in flight."""
    return End("executing", ("attention",), gap=gap or ("sold",), words=words, **more)
