"""Webhooks: who is told of which events, how often it is tried, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ballast.core.events import Event, EventKind
from ballast.core.states import DeliveryState, WebhookState, move

# Waits between the attempts of one delivery: 23 h 43 min together, so that a receiver that is down
# for a night misses nothing. Jitter adds up to a fifth to each.
RETRY_WAITS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=6),
    timedelta(hours=10),
)
JITTER_SHARE: Final = 5
# A receiver that has answered nothing right for this long is left alone.
FAILING_FOR: Final = timedelta(days=5)
GONE: Final = 410
# How long what was signed with the secret before still verifies, unless asked otherwise.
SECRET_OVERLAP: Final = timedelta(hours=24)
MOST_PER_OWNER: Final = 100


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is told of events.

    Attributes:
        kinds: which events; empty for all.
        secret: what messages are signed with, sealed; empty once the webhook is deleted.
        previous_secret: the one before, sealed; messages carry both signatures until
            `previous_until`.
        failing_since: of the first failure since the last success; by the wall clock, as are all
            times here.
        problem: why it fails, or was disabled, in our own words.
    """

    webhook_id: str
    owner_id: str
    url: str
    label: str
    kinds: tuple[EventKind, ...]
    state: WebhookState
    secret: str
    previous_secret: str | None
    previous_until: datetime | None
    failing_since: datetime | None
    problem: str
    created_at: datetime
    updated_at: datetime

    @property
    def sealed_under(self) -> str:
        """Which master key its secrets are sealed under."""
        return self.secret.partition(".")[0]

    def wants(self, event: Event) -> bool:
        """Whether it asked for events of this kind; of its own end it cannot be told."""
        if event.kind is EventKind.WEBHOOK_DISABLED and event.data["webhook_id"] == self.webhook_id:
            return False
        return not self.kinds or event.kind in self.kinds

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """The sealed secrets to sign with, the present one first."""
        if self.previous_secret and self.previous_until and now < self.previous_until:
            return (self.secret, self.previous_secret)
        return (self.secret,)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one webhook. Of a webhook and stream only the first pending one is
    due: the next waits, so that what a receiver sees is in order.

    Attributes:
        attempts: how many were begun.
        due_at: when it is tried next; None while an earlier one is pending, and at its end.
        status: of the last answer.
        problem: why the last attempt brought no success.
    """

    delivery_id: str
    owner_id: str
    webhook_id: str
    event_id: str
    stream: str
    sequence: int
    kind: EventKind
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    status: int | None
    problem: str
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


def delivered(delivery: Delivery, status: int, now: datetime) -> Delivery:
    """After an answer that took it."""
    return replace(
        _ended(delivery, DeliveryState.DELIVERED, now),
        status=status,
        problem="",
    )


def not_delivered(
    delivery: Delivery, status: int | None, problem: str, now: datetime, chance: int
) -> Delivery:
    """After an attempt that failed: due again, or dead once the schedule is through.

    Args:
        chance: 0 to 255, evenly: how much of the jitter is added to the wait, rounded down to
            microseconds.
    """
    failed = replace(delivery, status=status, problem=problem, updated_at=now)
    if delivery.attempts > len(RETRY_WAITS):
        return _ended(failed, DeliveryState.DEAD, now)
    wait = RETRY_WAITS[delivery.attempts - 1]
    return replace(failed, due_at=now + wait + wait * chance // (255 * JITTER_SHARE))


class GivenUp(StrEnum):
    """Why a webhook is disabled."""

    GONE = "gone"
    FAILING = "failing"

    @property
    def words(self) -> str:
        """As its owner reads it."""
        if self is GivenUp.GONE:
            return "It answered 410: gone for good."
        return f"It has taken nothing for {FAILING_FOR.days} days."


def given_up(webhook: Webhook, status: int | None, now: datetime) -> GivenUp | None:
    """Why a webhook is disabled after a failure; None while it is tried on."""
    if status == GONE:
        return GivenUp.GONE
    if webhook.failing_since is not None and now - webhook.failing_since >= FAILING_FOR:
        return GivenUp.FAILING
    return None


def _ended(delivery: Delivery, state: DeliveryState, now: datetime) -> Delivery:
    return replace(
        delivery,
        state=move(delivery.state, state),
        due_at=None,
        updated_at=now,
        ended_at=now,
    )
