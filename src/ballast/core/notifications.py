"""Messages to people: which events go to which channel, grouped, and in which words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ballast.core.events import EVENTS, Event, EventKind, Level
from ballast.core.notice_templates import Templates, filled_in, said, template_for

# After a message, whatever else happens is kept for one message at the end of this time.
GROUPED_FOR: Final = timedelta(minutes=5)
# How long a message that could not be sent is tried again: then what it held has failed.
TRIED_FOR: Final = timedelta(days=1)
RETRY_AFTER: Final = timedelta(minutes=10)
MOST_LINES: Final = 20
_RANK: Final = {level: rank for rank, level in enumerate(Level)}

# What is said of each event behind the name of its index. The fields are those of its data.
WORDS: Final[Mapping[EventKind, str]] = MappingProxyType(
    {
        EventKind.INDEX_CREATED: "was created",
        EventKind.INDEX_UPDATED: "was changed",
        EventKind.INDEX_PAUSED: "was paused ({why})",
        EventKind.INDEX_RESUMED: "may trade again",
        EventKind.INDEX_ARCHIVED: "was deleted",
        EventKind.INDEX_REBALANCED: "holds something else now",
        EventKind.REBALANCE_STARTED: "{kind} started: {swaps} swaps",
        EventKind.REBALANCE_COMPLETED: "{kind} completed: {settled} of {swaps} swaps settled",
        EventKind.REBALANCE_PARTIAL: "{kind} ended in part: {settled} of {swaps} swaps settled",
        EventKind.REBALANCE_FAILED: "{kind} failed: none of {swaps} swaps settled",
        EventKind.REBALANCE_CANCELLED: "{kind} was given up: {settled} of {swaps} swaps settled",
        EventKind.TRADE_COMPLETED: "a swap settled",
        EventKind.TRADE_FAILED: "a swap ended as {state}",
        EventKind.DRIFT_THRESHOLD: "has drifted by {largest_drift_points} points ({action})",
        EventKind.DEPOSIT_CREDITED: "a deposit was credited",
        EventKind.DEPOSIT_ATTENTION: "a deposit needs you: {deposit_id}",
        EventKind.WITHDRAWAL_SENT: "a withdrawal has ended: {withdrawal_id}",
        EventKind.LIMIT_REFUSED: "a limit ({limit}) has stopped {attempt}",
        EventKind.CONFIRMATION_NEEDED: "a plan waits for your word (USD: {asked_usd}); in a "
        "terminal: ballast confirm {plan_id}",
        EventKind.TRADING_HALTED: "trading is halted ({why}: {level})",
        EventKind.PRICE_FROZEN: "no usable price for {asset_id} ({why})",
        EventKind.WEBHOOK_DISABLED: "a webhook is told nothing more ({why}): {webhook_id}",
    }
)


# What a level of the kill switch means; "nothing" alone would be read as the contrary.
_HALTED: Final = MappingProxyType(
    {"nothing": "nothing is signed", "no_new_risk": "nothing is bought"}
)


class NoticeState(StrEnum):
    """One event on its way to one channel."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Channel:
    """Where a person wants to be told: by e-mail, Discord, Telegram, Slack and the like.

    Attributes:
        service: the scheme of its address; the address itself is never shown.
        address: as the library for it writes it, sealed: it holds tokens and passwords.
        level: the least that is told here.
        next_at: before this nothing is sent; by the wall clock, as are all times here.
        problem: why the last message was not sent; empty when it was.
        removed_at: None while it is in use.
    """

    channel_id: str
    owner_id: str
    label: str
    service: str
    address: str
    level: Level
    next_at: datetime
    problem: str
    created_at: datetime
    removed_at: datetime | None

    @property
    def sealed_under(self) -> str:
        """Which master key its address is sealed under."""
        return self.address.partition(".")[0]

    def wants(self, event: Event) -> bool:
        """Whether an event matters enough."""
        return _RANK[EVENTS[event.kind].level] >= _RANK[self.level]


@dataclass(frozen=True, slots=True)
class Notice:
    """One event for one channel."""

    channel_id: str
    event_id: str
    owner_id: str
    state: NoticeState
    created_at: datetime
    ended_at: datetime | None


def title_of(
    events: Sequence[Event], mode: str, names: Mapping[str, str], templates: Templates
) -> str:
    """One line: how many events, and of which money; or the owner's own, about a single event.

    Args:
        names: of indexes, by id.
    """
    if len(events) == 1:
        own = template_for(events[0], templates)
        if own is not None and own.title:
            return _in_own_words(own.title, events[0], names, mode).replace("\n", " ")
    count = "one event" if len(events) == 1 else f"{len(events)} events"
    return f"Ballast ({mode}): {count}"


def text_of(
    events: Sequence[Event], mode: str, names: Mapping[str, str], templates: Templates
) -> str:
    """A line for each event, or what its owner wants said of it, oldest first, at most
    `MOST_LINES` of them.

    Args:
        names: of indexes, by id.
    """
    lines = []
    for one in events[:MOST_LINES]:
        own = template_for(one, templates)
        text = own.text if own is not None else ""
        lines.append(_in_own_words(text, one, names, mode) if text else line_of(one, names))
    left = len(events) - len(lines)
    return "\n".join([*lines, f"and {left} more"] if left else lines)


def _in_own_words(text: str, event: Event, names: Mapping[str, str], mode: str) -> str:
    return filled_in(text, event, _about(event, names), mode, _words_of(event))


def line_of(event: Event, names: Mapping[str, str]) -> str:
    """When, about what, and what."""
    return f"{event.at:%Y-%m-%d %H:%M} UTC  {_about(event, names)}: {_words_of(event)}"


def _about(event: Event, names: Mapping[str, str]) -> str:
    return names.get(event.index_id, event.index_id) if event.index_id else "Ballast"


def _words_of(event: Event) -> str:
    values = {key: said(key, one) for key, one in event.data.items()}
    if event.kind is EventKind.TRADING_HALTED and "level" in values:
        values["level"] = _HALTED.get(values["level"], values["level"])
    # One written by an older version may lack a field of today.
    return WORDS[event.kind].format_map(defaultdict(str, values))
