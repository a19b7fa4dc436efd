"""The state machines, as tables. `move` refuses every arrow that is not here.

docs/states.md gives each arrow a sentence; it is generated from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

Moves = Mapping[tuple[StrEnum, StrEnum], str]


class IndexState(StrEnum):
    """pending: never funded. archived: read-only for ever."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class PlanState(StrEnum):
    """open: may be executed until it expires."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class IntentState(StrEnum):
    """The signed message. unknown: it was sent, or may have been, and no answer came."""

    SIGNED = "signed"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    UNKNOWN = "unknown"
    EXECUTED = "executed"
    EXPIRED = "expired"


class SwapState(StrEnum):
    """One leg. failed: nothing moved, with evidence. attention: a person should look.
    written_off: a person has looked and ended it."""

    PLANNED = "planned"
    QUOTED = "quoted"
    SIGNED = "signed"
    PUBLISHED = "published"
    SETTLED = "settled"
    REFUNDED = "refunded"
    FAILED = "failed"
    ATTENTION = "attention"
    WRITTEN_OFF = "written_off"


class RebalanceState(StrEnum):
    """halted: the owner paused its index, and what is not signed waits. partial: some swaps settled
    and some did not; what is left is stated."""

    EXECUTING = "executing"
    HALTED = "halted"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DepositState(StrEnum):
    """credited: the money is in the ledger."""

    AWAITING = "awaiting"
    SEEN = "seen"
    PROCESSING = "processing"
    CREDITED = "credited"
    REFUNDED = "refunded"
    EXPIRED = "expired"
    ATTENTION = "attention"


class WithdrawalState(StrEnum):
    """planned: shown, not agreed to. sent: delivered on the chain."""

    PLANNED = "planned"
    CONFIRMED = "confirmed"
    SELLING = "selling"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    ATTENTION = "attention"


class WebhookState(StrEnum):
    """paused: by its owner. disabled: by Ballast, because it takes nothing. Of both, what happens
    meanwhile becomes dead letters."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    DELETED = "deleted"


class SaleState(StrEnum):
    """Selling all that one index holds, at the owner's word."""

    WAITING = "waiting"
    SELLING = "selling"
    SOLD = "sold"
    LEFT = "left"
    CANCELLED = "cancelled"


class DeliveryState(StrEnum):
    """One event on its way to one webhook. dead: given up, and kept to be sent again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


# A swap of which nothing has been signed yet: it can wait, and it can be given up.
UNSIGNED: Final = (SwapState.PLANNED, SwapState.QUOTED)


INDEX_MOVES: Final[Moves] = MappingProxyType(
    {
        (IndexState.PENDING, IndexState.ACTIVE): "The first deposit has been credited.",
        (IndexState.PENDING, IndexState.ARCHIVED): "The owner gave it up before funding it.",
        (
            IndexState.ACTIVE,
            IndexState.PAUSED,
        ): "The owner paused it: nothing new starts, and what is not signed waits.",
        (IndexState.PAUSED, IndexState.ACTIVE): "The owner resumed it.",
        (IndexState.ACTIVE, IndexState.ARCHIVED): "Emptied to dust, then archived by the owner.",
        (IndexState.PAUSED, IndexState.ARCHIVED): "Emptied to dust, then archived by the owner.",
    }
)

PLAN_MOVES: Final[Moves] = MappingProxyType(
    {
        (
            PlanState.OPEN,
            PlanState.USED,
        ): "A rebalance was started from it, in the same transaction.",
        (PlanState.OPEN, PlanState.EXPIRED): "Its prices are too old to act on.",
        (PlanState.OPEN, PlanState.CANCELLED): "The index was paused, changed or archived.",
    }
)

INTENT_MOVES: Final[Moves] = MappingProxyType(
    {
        # The exact bytes are committed as SIGNED before anything leaves the process.
        (
            IntentState.SIGNED,
            IntentState.PUBLISHING,
        ): "Committed just before the first byte is sent.",
        (IntentState.SIGNED, IntentState.EXPIRED): "Never sent, and its deadline has passed.",
        (IntentState.PUBLISHING, IntentState.PUBLISHED): "The venue accepted it.",
        # After a crash PUBLISHING means "we do not know": ask by hash, then re-send the same bytes.
        (IntentState.PUBLISHING, IntentState.UNKNOWN): "It may have been sent; no answer is known.",
        (IntentState.PUBLISHED, IntentState.EXECUTED): "Its nonce is used, or its swap has ended.",
        (IntentState.PUBLISHED, IntentState.UNKNOWN): "The venue no longer accounts for it.",
        (
            IntentState.UNKNOWN,
            IntentState.PUBLISHING,
        ): "Unused and valid: the same bytes go out again.",
        (IntentState.UNKNOWN, IntentState.PUBLISHED): "The venue turned out to have it.",
        (IntentState.UNKNOWN, IntentState.EXECUTED): "Its nonce turned out to be used.",
        # A passed deadline alone is not enough: final chain time must be past it, the nonce unused.
        (
            IntentState.UNKNOWN,
            IntentState.EXPIRED,
        ): "Its deadline is final and its nonce is unused.",
    }
)

SWAP_MOVES: Final[Moves] = MappingProxyType(
    {
        (SwapState.PLANNED, SwapState.QUOTED): "A firm quote was taken and checked.",
        (
            SwapState.PLANNED,
            SwapState.FAILED,
        ): "No acceptable quote, or given up; nothing was signed.",
        (SwapState.QUOTED, SwapState.PLANNED): "The quote ran out before anything was signed.",
        (
            SwapState.QUOTED,
            SwapState.FAILED,
        ): "The owner gave it up, or it could not be signed.",
        (SwapState.QUOTED, SwapState.SIGNED): "The intent's bytes are committed.",
        (SwapState.SIGNED, SwapState.PUBLISHED): "The venue has the intent.",
        (SwapState.SIGNED, SwapState.FAILED): "The intent expired unused: nothing moved.",
        (SwapState.SIGNED, SwapState.ATTENTION): "The venue's answers contradict each other.",
        (SwapState.PUBLISHED, SwapState.SETTLED): "The bought asset has arrived.",
        (SwapState.PUBLISHED, SwapState.REFUNDED): "The sold asset has come back.",
        (SwapState.PUBLISHED, SwapState.FAILED): "The intent expired unused: nothing moved.",
        (
            SwapState.PUBLISHED,
            SwapState.ATTENTION,
        ): "Past its own time limit, or outside the quote.",
        (SwapState.ATTENTION, SwapState.SETTLED): "Evidence came: the bought asset has arrived.",
        (SwapState.ATTENTION, SwapState.REFUNDED): "Evidence came: the sold asset has come back.",
        (SwapState.ATTENTION, SwapState.FAILED): "Evidence came: nothing moved, and nothing can.",
        (
            SwapState.ATTENTION,
            SwapState.WRITTEN_OFF,
        ): "The owner ended it: what arrived is booked, what is missing is unexplained.",
    }
)

REBALANCE_MOVES: Final[Moves] = MappingProxyType(
    {
        (RebalanceState.EXECUTING, RebalanceState.COMPLETED): "Every swap settled; books agree.",
        (RebalanceState.EXECUTING, RebalanceState.PARTIAL): "Some swaps settled, some did not.",
        (RebalanceState.EXECUTING, RebalanceState.FAILED): "No swap settled.",
        (
            RebalanceState.EXECUTING,
            RebalanceState.HALTED,
        ): "The owner paused the index before everything was signed.",
        (RebalanceState.HALTED, RebalanceState.EXECUTING): "The owner resumed the index.",
        (RebalanceState.HALTED, RebalanceState.CANCELLED): "The owner gave up what was not signed.",
    }
)

DEPOSIT_MOVES: Final[Moves] = MappingProxyType(
    {
        (DepositState.AWAITING, DepositState.SEEN): "The venue saw a payment to the address.",
        (DepositState.AWAITING, DepositState.PROCESSING): "The venue is converting the payment.",
        (DepositState.AWAITING, DepositState.CREDITED): "It settled between two looks.",
        (DepositState.AWAITING, DepositState.REFUNDED): "It was sent back between two looks.",
        (DepositState.AWAITING, DepositState.EXPIRED): "Nothing came before the address closed.",
        (DepositState.AWAITING, DepositState.ATTENTION): "The venue reports a failure.",
        (DepositState.SEEN, DepositState.PROCESSING): "The payment is confirmed and converting.",
        (DepositState.SEEN, DepositState.CREDITED): "It settled between two looks.",
        (DepositState.SEEN, DepositState.REFUNDED): "Too little or too late: sent back.",
        (DepositState.SEEN, DepositState.ATTENTION): "No end within the time limit, or a failure.",
        (DepositState.PROCESSING, DepositState.CREDITED): "The base asset has arrived.",
        (DepositState.PROCESSING, DepositState.REFUNDED): "The venue sent the payment back.",
        (
            DepositState.PROCESSING,
            DepositState.ATTENTION,
        ): "No end within the time limit, or a failure.",
        # A payment can arrive after we stopped waiting: it must not be lost from view.
        (DepositState.EXPIRED, DepositState.ATTENTION): "A payment came after the address closed.",
        (DepositState.EXPIRED, DepositState.REFUNDED): "A late payment was sent back.",
        (
            DepositState.ATTENTION,
            DepositState.CREDITED,
        ): "Evidence came: the base asset has arrived.",
        (
            DepositState.ATTENTION,
            DepositState.REFUNDED,
        ): "Evidence came: the payment was sent back.",
        (
            DepositState.ATTENTION,
            DepositState.EXPIRED,
        ): "A week after it closed nobody has paid: there was nothing to look at.",
    }
)

WITHDRAWAL_MOVES: Final[Moves] = MappingProxyType(
    {
        (WithdrawalState.PLANNED, WithdrawalState.CONFIRMED): "The owner agreed to the plan.",
        (WithdrawalState.CONFIRMED, WithdrawalState.SELLING): "Its sales have been started.",
        (WithdrawalState.CONFIRMED, WithdrawalState.SENDING): "Nothing had to be sold first.",
        (WithdrawalState.SELLING, WithdrawalState.SENDING): "The sales have ended; the rest goes.",
        (WithdrawalState.SELLING, WithdrawalState.SENT): "A liquidation: the cash stays inside.",
        (
            WithdrawalState.SELLING,
            WithdrawalState.FAILED,
        ): "Too little to send; or the owner gave it up.",
        (WithdrawalState.SENDING, WithdrawalState.SENT): "The venue delivered it on the chain.",
        (
            WithdrawalState.SENDING,
            WithdrawalState.FAILED,
        ): "It never left, was given up, or came back.",
        (WithdrawalState.SENDING, WithdrawalState.ATTENTION): "No end within the time limit.",
        (WithdrawalState.ATTENTION, WithdrawalState.SENT): "Evidence came: it was delivered.",
        (
            WithdrawalState.ATTENTION,
            WithdrawalState.FAILED,
        ): "Evidence came: it is all still here; or the owner ended it.",
    }
)

WEBHOOK_MOVES: Final[Moves] = MappingProxyType(
    {
        (WebhookState.ACTIVE, WebhookState.PAUSED): "The owner paused it.",
        (
            WebhookState.ACTIVE,
            WebhookState.DISABLED,
        ): "It answered 410, or took nothing for five days.",
        (WebhookState.PAUSED, WebhookState.ACTIVE): "The owner resumed it; its URL was tried.",
        (WebhookState.DISABLED, WebhookState.ACTIVE): "The owner resumed it; its URL was tried.",
        (WebhookState.DISABLED, WebhookState.PAUSED): "The owner paused it.",
        (WebhookState.ACTIVE, WebhookState.DELETED): "The owner deleted it.",
        (WebhookState.PAUSED, WebhookState.DELETED): "The owner deleted it.",
        (WebhookState.DISABLED, WebhookState.DELETED): "The owner deleted it.",
    }
)

DELIVERY_MOVES: Final[Moves] = MappingProxyType(
    {
        (DeliveryState.PENDING, DeliveryState.DELIVERED): "The receiver answered with a 2xx.",
        (
            DeliveryState.PENDING,
            DeliveryState.DEAD,
        ): "Tried for a day in vain, or its webhook is not active.",
        (DeliveryState.DEAD, DeliveryState.PENDING): "The owner lets it be tried once more.",
        (DeliveryState.DELIVERED, DeliveryState.PENDING): "The owner asks for it to be sent again.",
    }
)

SALE_MOVES: Final[Moves] = MappingProxyType(
    {
        (SaleState.WAITING, SaleState.SELLING): "Nothing else runs: a first plan was started.",
        (SaleState.WAITING, SaleState.SOLD): "It holds nothing but its base asset and dust.",
        (SaleState.WAITING, SaleState.LEFT): "Nothing of it can be sold within the budget.",
        (SaleState.WAITING, SaleState.CANCELLED): "The owner resumed trading.",
        (SaleState.SELLING, SaleState.SOLD): "All is sold, but for dust.",
        (
            SaleState.SELLING,
            SaleState.LEFT,
        ): "What is left cannot be sold within the budget: it stays, and is named.",
        (SaleState.SELLING, SaleState.CANCELLED): "The owner resumed trading between two rounds.",
    }
)

MACHINES: Final[Mapping[type[StrEnum], Moves]] = MappingProxyType(
    {
        IndexState: INDEX_MOVES,
        PlanState: PLAN_MOVES,
        IntentState: INTENT_MOVES,
        SwapState: SWAP_MOVES,
        RebalanceState: REBALANCE_MOVES,
        DepositState: DEPOSIT_MOVES,
        WithdrawalState: WITHDRAWAL_MOVES,
        WebhookState: WEBHOOK_MOVES,
        DeliveryState: DELIVERY_MOVES,
        SaleState: SALE_MOVES,
    }
)

S = TypeVar("S", bound=StrEnum)


class IllegalMoveError(AssertionError):
    """A state change that the tables do not know: our own mistake, never a caller's."""


def move(current: S, target: S) -> S:
    """Take one arrow.

    Raises:
        IllegalMoveError: when the table has no such arrow.
    """
    if (current, target) not in MACHINES[type(current)]:
        raise IllegalMoveError(f"{type(current).__name__}: {current} -> {target}")
    return target


def is_terminal(state: StrEnum) -> bool:
    """Whether no arrow leaves this state."""
    return all(start is not state for start, _ in MACHINES[type(state)])
