"""Those who are told: programs at URLs, and people by the services they use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ballast.core.events import Level


@dataclass(frozen=True, slots=True)
class Message:
    """One event for one receiver.

    Attributes:
        message_id: the same for every attempt, so that a receiver can tell a repetition.
        sent_at: of this attempt; receivers refuse what is too old.
        body: JSON, the same to the byte for every attempt.
        secrets: what it is signed with, each on its own.
    """

    url: str
    message_id: str
    sent_at: datetime
    body: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt: a status, or a problem in our own words."""

    status: int | None
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


class Receivers(Protocol):
    """Sends messages to receivers. Nothing a receiver says comes back but its status."""

    def check_url(self, url: str) -> None:
        """Refuse a URL that is never sent to. Raises BallastError `url_not_allowed`."""
        ...

    async def send(self, message: Message) -> Attempt:
        """Sign a message and send it once, for a bounded time. Raises nothing."""
        ...

    async def close(self) -> None: ...


class Notifier(Protocol):
    """Sends a message to an address of one of many services."""

    def require(self) -> None:
        """Raises BallastError `settings_invalid` when what sends messages is not installed."""
        ...

    def service_of(self, address: str) -> str:
        """Which service an address is of.

        Raises:
            BallastError: `invalid_input` when it is an address of none; `settings_invalid` when
                what sends messages is not installed.
        """
        ...

    async def send(self, address: str, title: str, text: str, level: Level) -> str:
        """Send one message, for a bounded time; why it could not be sent, or nothing. Raises
        nothing, and tells nothing that the service has said."""
        ...

    def close(self) -> None: ...
