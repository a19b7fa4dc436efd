"""To which cause an arrival belongs, when several things say that they brought it.

A balance tells how much is there, not from where. What the venue says of each swap and deposit is
a claim, and a claim may be untrue. One arrival is given to one claim only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """What is said to have arrived by one swap or deposit.

    Attributes:
        units: base units; None if it may bring some, and nobody says how many or that it has.
        is_doubted: the balance has contradicted it before.
    """

    units: int | None
    is_doubted: bool = False


def is_proven(surplus_units: int, mine: Claim, others: Sequence[Claim]) -> bool:
    """Whether what the account holds beyond the ledger shows that `mine` has arrived.

    Amounts are exact to the base unit, so a sum that fits says the most: if what is there is
    exactly this claim with some of the others, it has come; if it is exactly some of the others
    alone, it has not. What fits nothing (somebody sent more, unasked) must cover this claim and
    every other that is as believable. Once doubted, it must cover all of them, and nothing that
    could have brought it may still be open.
    """
    assert mine.units is not None, "what says no amount proves none"
    if surplus_units < mine.units:
        return False
    claimed = [one.units for one in others if one.units is not None]
    sums = _sums(claimed, surplus_units)
    if surplus_units - mine.units in sums:
        return True
    if surplus_units in sums:
        return False
    if not mine.is_doubted:
        believed = [one.units or 0 for one in others if not one.is_doubted]
        return surplus_units >= mine.units + sum(believed)
    return len(claimed) == len(others) and surplus_units >= mine.units + sum(claimed)


def own_units(surplus_units: int, mine: Claim, others: Sequence[Claim]) -> int:
    """How much of what the account holds beyond the ledger is `mine`, when that is to end now and
    nobody waits to see what the others bring.

    Returns:
        All of it, if nothing else may have brought any. What is claimed, if it is proven. Else
        what is left when every other claim has been met; nothing, while one of them may bring
        nobody knows how much. What is not taken here stays there for whoever has brought it.
    """
    if not others:
        return max(surplus_units, 0)
    if mine.units is not None and is_proven(surplus_units, mine, others):
        return mine.units
    claimed = [one.units for one in others if one.units is not None]
    if len(claimed) < len(others):
        return 0
    return max(surplus_units - sum(claimed), 0)


# So many claims have 4,096 sums. Of more than that only all together are looked at.
_FEW = 12


def _sums(claimed: Sequence[int], limit_units: int) -> set[int]:
    """What some, all or none of the claims add up to, as far as the limit."""
    if len(claimed) > _FEW:
        return {0, sum(claimed)}
    sums = {0}
    for units in claimed:
        sums |= {before + units for before in sums if before + units <= limit_units}
    return sums
