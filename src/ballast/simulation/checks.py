"""Every check together, as it is made after each step."""

from __future__ import annotations

from ballast.simulation.books_check import BooksCheck
from ballast.simulation.ledger_check import LedgerCheck
from ballast.simulation.states_check import StatesCheck
from ballast.simulation.story import ViolationError
from ballast.simulation.world import World


class Checks:
    """What must hold between any two steps, and what the witness has seen within one."""

    def __init__(self, world: World) -> None:
        self.ledger = LedgerCheck(world.records)
        self.books = BooksCheck(world.records, world.devnet.network, self.ledger, world.witness)
        self._states = StatesCheck(world.records, world.story, world.ahead)
        self._world = world

    def require(self) -> None:
        """Check everything.

        Raises:
            ViolationError: all that is wrong.
        """
        wrong = [*self._states.check(), *self.ledger.check(), *self.books.check()]
        wrong += [*self._world.witness.wrong, *self._world.story.mistakes]
        if wrong:
            raise ViolationError("\n".join(wrong))
