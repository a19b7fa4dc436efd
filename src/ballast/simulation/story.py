"""What happened in a simulation, line by line; and what must not have happened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog


class ViolationError(Exception):
    """Something that must always hold did not."""


@dataclass(slots=True)
class Story:
    """Everything that happened, in order. Two runs of one seed tell the same, to the letter.

    Attributes:
        mistakes: unexpected exceptions that the product has logged.
    """

    lines: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    def tell(self, line: str) -> None:
        """Go on with the story."""
        self.lines.append(line)

    def digest(self) -> str:
        """SHA-256 of all of it."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take in what the product logs while this lasts: warnings belong to the story, and an
        exception that nobody expected is a mistake."""
        before = structlog.get_config()
        structlog.configure(
            processors=[self._hear],
            wrapper_class=structlog.BoundLogger,
            logger_factory=structlog.PrintLoggerFactory(),
            cache_logger_on_first_use=False,
        )
        try:
            yield
        finally:
            structlog.configure(**before)

    def _hear(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        said = {name: value for name, value in event.items() if name not in ("event", "exc_info")}
        line = f"log {event['event']} {said}" if said else f"log {event['event']}"
        self.tell(f"      {line}")
        if method == "exception":
            self.mistakes.append(f"{line}: {_current_exception()}")
        raise structlog.DropEvent


def _current_exception() -> str:
    import sys
    import traceback

    error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
    return "".join(traceback.format_exception(error)) if error else ""
