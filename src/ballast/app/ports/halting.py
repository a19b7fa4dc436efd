"""Orders to halt that come past the database: whoever can reach neither a conversation nor a
terminal can still write a file, or send a signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ballast.core.halting import HaltLevel


@dataclass(frozen=True, slots=True)
class HaltOrder:
    """An order to halt.

    Attributes:
        why: `file` or `signal`.
        where: the paths of the files there are, or the signal's name.
    """

    level: HaltLevel
    why: str
    where: tuple[str, ...]


class HaltOrders(Protocol):
    """Where orders come from. Cheap enough to be asked before every signature."""

    def standing(self) -> HaltOrder | None:
        """The order that stands now, if one does."""
        ...

    def signal(self) -> None:
        """This process was told by a signal to halt."""
        ...

    def heeded(self, order: HaltOrder) -> None:
        """An order has become a row: one by a signal is over, one by a file stands with it."""
        ...
