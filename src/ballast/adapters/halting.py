"""Orders to halt, by a file in the data directory or a signal to the process."""

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
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE_NAME
        self._signalled = False

    def standing(self) -> HaltOrder | None:
        """The order that stands now, if one does; of two the stricter."""
        if self._signalled:
            return HaltOrder(HaltLevel.NOTHING, "signal", SIGNAL)
        level = self._in_file()
        return None if level is None else HaltOrder(level, "file", str(self._file))

    def signal(self) -> None:
        """This process was told by a signal to halt."""
        self._signalled = True

    def heeded(self, order: HaltOrder) -> None:
        """An order has become a row."""
        if order.why == "signal":
            self._signalled = False

    def _in_file(self) -> HaltLevel | None:
        try:
            with self._file.open("rb") as file:
                words = file.read(_READ).split()
        except FileNotFoundError:
            return None
        except OSError:
            return HaltLevel.NOTHING
        return HaltLevel.NO_NEW_RISK if words == [b"no_new_risk"] else HaltLevel.NOTHING
