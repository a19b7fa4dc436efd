"""What the engine of this process does, and which process is the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Leader:
    """A process that is the engine; `silent_seconds`: real ones since it last showed a pass."""

    process: int
    silent_seconds: int


def nobody() -> Leader | None:
    """Where it cannot be seen which process is the engine."""
    return None


def out_of_sight() -> Leader | None:
    """Where the engine may be on another machine, so that nothing is known against it."""
    return Leader(process=0, silent_seconds=0)


@dataclass(slots=True)
class EngineStatus:
    """What the engine of this process does.

    Attributes:
        state: `leading` while this process is the engine, `standing_by` while another one is,
            `off` while it does not try, `workers` where processes of their own do the work.
        passes: how often it has looked for due rows.
        leader: looks which process is the engine.
        screened: observation of the newest price with which all indexes were looked over.
        unreconciled: indexes that this process has not compared with the venue since it became the
            engine.
        whole: whether the books were whole when it became the engine; None: it has not looked.
    """

    state: str = "off"
    last_pass_at: datetime | None = None
    passes: int = 0
    steps: int = 0
    failed_steps: int = 0
    leader: Callable[[], Leader | None] = nobody
    screened: datetime | None = None
    unreconciled: set[str] = field(default_factory=set)
    whole: bool | None = None
