"""Orders to halt, by a file beside the others of Ballast or a signal to the process."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ballast.app.ports import HaltOrder
from ballast.core.halting import HaltLevel

FILE_NAME: Final = "halt"
SIGNAL: Final = "SIGUSR1"
_READ: Final = 64


class FileHaltOrders:
    """Implements `ballast.app.ports.HaltOrders`.

    The file's presence halts, whatever is in it; only the words `no_new_risk` ask for less than
    everything. One that cannot be read halts everything as well.

    Args:
        folders: where it is looked for: whoever has to stop everything guesses the place right.
    """

    def __init__(self, *folders: Path) -> None:
        self._files = [folder / FILE_NAME for folder in folders]
        self._signalled = False

    def standing(self) -> HaltOrder | None:
        """The order that stands now, if one does; of two the stricter."""
        if self._signalled:
            return HaltOrder(HaltLevel.NOTHING, "signal", (SIGNAL,))
        read = [(_level_in(file), str(file)) for file in self._files]
        levels = [level for level, _ in read if level is not None]
        if not levels:
            return None
        there = tuple(where for level, where in read if level is not None)
        return HaltOrder(max(levels), "file", there)

    def signal(self) -> None:
        """This process was told by a signal to halt."""
        self._signalled = True

    def heeded(self, order: HaltOrder) -> None:
        """An order has become a row."""
        if order.why == "signal":
            self._signalled = False


def _level_in(path: Path) -> HaltLevel | None:
    try:
        with path.open("rb") as file:
            words = file.read(_READ).split()
    except FileNotFoundError:
        return None
    except OSError:
        return HaltLevel.NOTHING
    return HaltLevel.NO_NEW_RISK if words == [b"no_new_risk"] else HaltLevel.NOTHING
