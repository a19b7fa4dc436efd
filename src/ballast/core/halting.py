"""How much the kill switch stops: three steps, each of which stops all that the one before does."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

from ballast.core.trading import Purpose, Swap


class HaltLevel(IntEnum):
    """What still goes on.

    NONE: everything. NO_NEW_RISK: selling into the base asset, withdrawing, and finishing what is
    signed; nothing is bought. NOTHING: only looking; nothing is signed.
    """

    NONE = 0
    NO_NEW_RISK = 1
    NOTHING = 2

    @property
    def word(self) -> str:
        """As it is written outside."""
        return self.name.lower()

    @classmethod
    def of_word(cls, word: str) -> Self:
        """The level of a word; KeyError for none."""
        return cls[word.upper()]

    def stops(self, *, opens_risk: bool) -> bool:
        """Whether it stops signing something.

        Args:
            opens_risk: whether that buys anything but the base asset.
        """
        return self is HaltLevel.NOTHING or (self is HaltLevel.NO_NEW_RISK and opens_risk)


def opens_risk(swap: Swap, base_asset_id: str) -> bool:
    """Whether a swap buys anything but the base asset of its index; a payout only leaves."""
    return swap.purpose is Purpose.SWAP and swap.buy != base_asset_id
