"""What is told to others: a closed set of events, each with what it carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class EventKind(StrEnum):
    """Every event there is, by the name receivers see."""

    INDEX_CREATED = "index.created"
    INDEX_UPDATED = "index.updated"
    INDEX_PAUSED = "index.paused"
    INDEX_RESUMED = "index.resumed"
    INDEX_ARCHIVED = "index.archived"
    INDEX_REBALANCED = "index.rebalanced"
    REBALANCE_STARTED = "rebalance.started"
    REBALANCE_COMPLETED = "rebalance.completed"
    REBALANCE_PARTIAL = "rebalance.partial"
    REBALANCE_FAILED = "rebalance.failed"
    REBALANCE_CANCELLED = "rebalance.cancelled"
    TRADE_COMPLETED = "trade.completed"
    TRADE_FAILED = "trade.failed"
    DRIFT_THRESHOLD = "drift.threshold"
    DEPOSIT_CREDITED = "deposit.credited"
    DEPOSIT_ATTENTION = "deposit.attention"
    WITHDRAWAL_SENT = "withdrawal.sent"
    LIMIT_REFUSED = "limit.refused"
    CONFIRMATION_NEEDED = "confirmation.needed"
    TRADING_HALTED = "trading.halted"
    PRICE_FROZEN = "price.frozen"
    WEBHOOK_DISABLED = "webhook.disabled"


class Level(StrEnum):
    """How much an event matters to a person. critical: somebody should look now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class EventSpec:
    """What one kind of event says.

    Attributes:
        when: one sentence.
        fields: what its data holds beside what every event's does, and what each means.
    """

    level: Level
    when: str
    fields: Mapping[str, str]


_INDEX: Final = {
    "name": "its name, as the owner wrote it",
    "state": "of the index",
    "version": "counts its changes",
}
_REBALANCE: Final = {
    "rebalance_id": "ask get_progress about it",
    "plan_id": "what was agreed to",
    "kind": "rebalance, construct, invest, withdraw or liquidate",
    "started_by": "person, engine or monitor",
    "state": "of the rebalance",
    "swaps": "how many it holds",
    "settled": "how many of them have settled",
}
_TRADE: Final = {
    "swap_id": "the swap",
    "rebalance_id": "what it is part of",
    "state": "settled, refunded, failed or written_off",
    "sell_asset_id": "what was sold",
    "buy_asset_id": "what was bought",
    "input_units": "base units that were to be sold",
    "output_units": "base units that arrived",
    "refunded_units": "base units that came back",
}
_DEPOSIT: Final = {
    "deposit_id": "ask get_progress about it",
    "state": "of the deposit",
    "credit_asset_id": "what the payment becomes",
    "credited_units": "base units credited; null while nothing is",
}


def _spec(level: Level, when: str, fields: Mapping[str, str]) -> EventSpec:
    return EventSpec(level, when, MappingProxyType(dict(fields)))


EVENTS: Final[Mapping[EventKind, EventSpec]] = MappingProxyType(
    {
        EventKind.INDEX_CREATED: _spec(Level.INFO, "An index was created.", _INDEX),
        EventKind.INDEX_UPDATED: _spec(
            Level.INFO, "Name, targets, cash buffer, policy or limits of an index changed.", _INDEX
        ),
        EventKind.INDEX_PAUSED: _spec(
            Level.WARNING,
            "An index was paused: by its owner, or because a balance is less than its ledger says.",
            _INDEX | {"why": "owner or unexplained_difference"},
        ),
        EventKind.INDEX_RESUMED: _spec(Level.INFO, "A paused index may trade again.", _INDEX),
        EventKind.INDEX_ARCHIVED: _spec(Level.INFO, "An index was deleted for good.", _INDEX),
        EventKind.INDEX_REBALANCED: _spec(
            Level.INFO,
            "A rebalance has changed what an index holds, wholly or in part.",
            _INDEX | {"rebalance_id": "what changed it"},
        ),
        EventKind.REBALANCE_STARTED: _spec(Level.INFO, "A plan is being carried out.", _REBALANCE),
        EventKind.REBALANCE_COMPLETED: _spec(
            Level.INFO, "Every swap of a rebalance has settled.", _REBALANCE
        ),
        EventKind.REBALANCE_PARTIAL: _spec(
            Level.WARNING, "Some swaps of a rebalance have settled and some have not.", _REBALANCE
        ),
        EventKind.REBALANCE_CANCELLED: _spec(
            Level.INFO,
            "The owner gave up what a rebalance had not signed yet; the rest of it has ended.",
            _REBALANCE,
        ),
        EventKind.REBALANCE_FAILED: _spec(
            Level.WARNING, "No swap of a rebalance has settled.", _REBALANCE
        ),
        EventKind.TRADE_COMPLETED: _spec(Level.INFO, "A swap has settled.", _TRADE),
        EventKind.TRADE_FAILED: _spec(
            Level.WARNING, "A swap has ended without settling: the state says how.", _TRADE
        ),
        EventKind.DRIFT_THRESHOLD: _spec(
            Level.WARNING,
            "An index has crossed its drift threshold; once for each crossing.",
            {
                "largest_drift_points": "how far the furthest asset is from its target",
                "asset_id": "which one that is",
                "action": "alert, or trade if the policy lets Ballast act by itself",
            },
        ),
        EventKind.DEPOSIT_CREDITED: _spec(
            Level.INFO, "A deposit has arrived and is in the ledger.", _DEPOSIT
        ),
        EventKind.DEPOSIT_ATTENTION: _spec(
            Level.CRITICAL, "A deposit needs a person to look at it.", _DEPOSIT
        ),
        EventKind.WITHDRAWAL_SENT: _spec(
            Level.WARNING,
            "Money has left, or a liquidation has ended.",
            {
                "withdrawal_id": "ask get_progress about it",
                "state": "of the withdrawal",
                "chain": "where it went; null for a liquidation",
                "payout_asset_id": "what was delivered; null for a liquidation",
                "sent_units": "base units of the base asset that left",
                "delivered_units": "base units that were delivered",
                "transactions": "on that chain, as far as the venue names them",
            },
        ),
        EventKind.LIMIT_REFUSED: _spec(
            Level.CRITICAL,
            "A limit has stopped something.",
            {
                "attempt": "which operation, or what Ballast tried by itself",
                "limit": "the first of those that it would have broken",
            },
        ),
        EventKind.CONFIRMATION_NEEDED: _spec(
            Level.WARNING,
            "A plan is so large that a person has to agree to it, with `ballast confirm`; or a "
            "conversation wants everything sold.",
            {
                "plan_id": "what there is to agree to: a plan, or a question (ask_…)",
                "asked_usd": "what it is worth; `everything` if all is to be sold",
                "confirm_above_usd": "what is carried out without a person's word",
            },
        ),
        EventKind.TRADING_HALTED: _spec(
            Level.CRITICAL,
            "The kill switch is on, or stricter than before. Every owner whom it stops is told.",
            {
                "why": "owner, file, signal, venue_broke_its_word, backup_put_back, or "
                "books_damaged",
                "level": "no_new_risk: nothing is bought any more; nothing: nothing is signed",
            },
        ),
        EventKind.PRICE_FROZEN: _spec(
            Level.WARNING,
            "An asset of an index has no price that may be traded on.",
            {"asset_id": "the asset", "why": "the gate it did not pass"},
        ),
        EventKind.WEBHOOK_DISABLED: _spec(
            Level.WARNING,
            "A webhook is told nothing more until its owner lets it: what happens becomes dead "
            "letters. It is told to the owner's other webhooks and channels.",
            {
                "webhook_id": "which one; update_webhook lets it be told again",
                "label": "what its owner calls it",
                "why": "gone: it answered 410; failing: it has taken nothing for five days",
            },
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, written in the transaction in which it did.

    Attributes:
        index_id: which index it is about; None when it is about no single one.
        stream: what it is in order with: the index id, or the owner id without one.
        sequence: its place there, from 1 without a gap.
        data: what its kind's spec lists; JSON-ready, amounts as text.
        told_at: when it was handed on to whoever listens; None until then.
    """

    event_id: str
    owner_id: str
    index_id: str | None
    stream: str
    sequence: int
    kind: EventKind
    at: datetime
    data: Mapping[str, object]
    told_at: datetime | None
