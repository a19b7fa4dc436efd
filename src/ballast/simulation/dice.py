"""Everything that is left to chance in a simulation, from its seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from ballast.devnet.seed import Draws

T = TypeVar("T")


class Dice:
    """Draws that depend on the seed, on what they are for, and on how many there were before.

    Args:
        purpose: dice of different purposes do not disturb each other.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        self._draws = Draws(seed)
        self._purpose = f"simulation|{purpose}"
        self._drawn = 0
        self._left = b""

    def bytes(self, count: int) -> bytes:
        """So many bytes, 32 at most: of a draw of 32, as long as it lasts."""
        if len(self._left) < count:
            self._drawn += 1
            self._left = self._draws.bytes(self._purpose, self._drawn)
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def below(self, limit: int) -> int:
        """A whole number from 0 up to, and without, the limit."""
        return int.from_bytes(self.bytes(4)) % limit

    def between(self, lowest: int, highest: int) -> int:
        """A whole number from the lowest to the highest."""
        return lowest + self.below(highest - lowest + 1)

    def chance(self, percent: int) -> bool:
        """True so many times in a hundred."""
        return self.below(100) < percent

    def one_of(self, choices: Sequence[T]) -> T:
        """Any of them."""
        return choices[self.below(len(choices))]

    def weighted(self, weights: Mapping[T, int]) -> T:
        """Any of them, as often as its weight says."""
        place = self.below(sum(weights.values()))
        for choice, weight in weights.items():
            place -= weight
            if place < 0:
                return choice
        raise AssertionError("the place is below the sum of all weights")
