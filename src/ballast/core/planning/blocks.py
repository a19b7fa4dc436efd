"""Ways to split legs into many balanced blocks, fast at any size.

None of them is always best: finding the most blocks is subset sum. Each closes a block only while
what remains can still be settled, so each always ends with a valid partition.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations, islice
from typing import Final, NamedTuple

from ballast.core.planning.table import Block, LegTable, Partition

# Sets of four are looked for among at most so many legs, and at most so many sets of three are
# compared: with many equal legs there are tens of thousands, and one is as good as the other.
_MOST_LEGS_FOR_FOURS: Final = 40
_MOST_THREES: Final = 4_000


def two_pointer(table: LegTable) -> Partition:
    """Largest sale against largest purchase, down both sides: what no plan may be worse than.

    A block closes where what is carried on is within tolerance.
    """
    work = _Work(table)
    work.close_those_that_may_stay()
    sells, buys = work.open_sides()
    carried: list[int] = []
    while sells or buys:
        side = buys if sum(table.amounts[i] for i in carried) > 0 else sells
        carried.append((side or sells or buys).pop(0))
        if work.close(carried):
            carried = []
    return work.finish()


def best_fit(table: LegTable) -> Partition:
    """For the largest group left: an opposite one that fits, else two that do, else the largest."""
    work = _Work(table)
    work.close_those_that_may_stay()
    _fit_groups(work)
    return work.finish()


def packed_blocks(table: LegTable) -> Partition:
    """Pairs first, then sets of three and four, least contested first; best fit for the rest."""
    work = _Work(table)
    work.close_those_that_may_stay()
    _close_pairs(work)
    _close_threes(work)
    _close_fours(work)
    _fit_groups(work)
    return work.finish()


class _Work:
    """Open legs, closed blocks, and whether the open ones can still be settled.

    Attributes:
        slacks: how far each leg may end from its amount.
    """

    def __init__(self, table: LegTable) -> None:
        self.table = table
        self.blocks: Partition = []
        self.open = dict.fromkeys(range(len(table.assets)))
        columns = zip(table.amounts, table.lows, table.highs, strict=True)
        self.slacks = [max(amount - low, high - amount) for amount, low, high in columns]
        self._low, self._high = sum(table.lows), sum(table.highs)

    def close(self, block: Iterable[int]) -> bool:
        """Close a block if it is balanced, and what stays open then is, too."""
        members = tuple(sorted(block))
        low = sum(self.table.lows[i] for i in members)
        high = sum(self.table.highs[i] for i in members)
        if not (low <= 0 <= high and self._low - low <= 0 <= self._high - high):
            return False
        self.blocks.append(members)
        self._low, self._high = self._low - low, self._high - high
        for i in members:
            del self.open[i]
        return True

    def close_those_that_may_stay(self) -> None:
        """Smallest first: the more of them stay, the more the others must absorb."""
        for i in reversed(list(self.open)):
            if self.table.may_stay(i):
                self.close((i,))

    def open_sides(self) -> tuple[list[int], list[int]]:
        """Open sales and purchases, each largest first."""
        amounts = self.table.amounts
        return [i for i in self.open if amounts[i] > 0], [i for i in self.open if amounts[i] < 0]

    def finish(self) -> Partition:
        """All blocks; what is still open is one of them."""
        if self.open:
            self.blocks.append(tuple(self.open))
            self.open = {}
        return self.blocks


class _Group(NamedTuple):
    """Legs carried together. Sorted, the largest excess comes first."""

    below_zero: int
    """Minus the size of the excess."""
    members: Block
    low: int
    high: int

    @staticmethod
    def of(table: LegTable, legs: Block) -> _Group:
        return _Group(
            -abs(sum([table.amounts[i] for i in legs])),
            legs,
            sum([table.lows[i] for i in legs]),
            sum([table.highs[i] for i in legs]),
        )

    def fits(self, *others: _Group) -> bool:
        low = self.low + sum([other.low for other in others])
        return low <= 0 <= self.high + sum([other.high for other in others])


def _fit_groups(work: _Work) -> None:
    table = work.table
    sells, buys = (sorted(_Group.of(table, (i,)) for i in side) for side in work.open_sides())
    while sells and buys:
        first_side, other_side = (sells, buys) if sells[0] <= buys[0] else (buys, sells)
        first = first_side.pop(0)
        joined = first.members
        for partner in _partners(first, other_side):
            other_side.remove(partner)
            joined += partner.members
        if not work.close(joined):
            excess = sum(table.amounts[i] for i in joined)
            insort(sells if excess > 0 else buys, _Group.of(table, joined))


def _partners(first: _Group, opposite: list[_Group]) -> tuple[_Group, ...]:
    for group in opposite:
        if first.fits(group):
            return (group,)
    return _two_that_fit(first, opposite) or (opposite[0],)


def _two_that_fit(first: _Group, opposite: list[_Group]) -> tuple[_Group, ...]:
    """Two groups that balance a third, met from both ends of the sorted list."""
    left, right = 0, len(opposite) - 1
    while left < right:
        if first.fits(opposite[left], opposite[right]):
            return opposite[left], opposite[right]
        if opposite[left].below_zero + opposite[right].below_zero < first.below_zero:
            left += 1
        else:
            right -= 1
    return ()


def _close_pairs(work: _Work) -> None:
    """Match the leg with the fewest possible partners first, to the one who has the fewest."""
    partners = _possible_partners(work)
    while partners:
        leg = min(partners, key=lambda i: (len(partners[i]), i))
        chosen = min(partners[leg], key=lambda i: (len(partners[i]), i), default=None)
        if chosen is None:
            del partners[leg]
        elif work.close((leg, chosen)):
            _drop(partners, leg)
            _drop(partners, chosen)
        else:
            partners[leg].discard(chosen)
            partners[chosen].discard(leg)


def _possible_partners(work: _Work) -> dict[int, set[int]]:
    lows, highs = work.table.lows, work.table.highs
    sells, buys = work.open_sides()
    partners: dict[int, set[int]] = {i: set() for i in work.open}
    for i in sells:
        low, high = lows[i], highs[i]
        fitting = [j for j in buys if low + lows[j] <= 0 <= high + highs[j]]
        partners[i].update(fitting)
        for j in fitting:
            partners[j].add(i)
    return partners


def _drop(partners: dict[int, set[int]], leg: int) -> None:
    for other in partners.pop(leg):
        partners[other].discard(leg)


def _close_threes(work: _Work) -> None:
    """Two of one side with one of the other, in the order of how contested their legs are."""
    balanced = (block for block in _threes(work) if work.table.is_balanced(block))
    candidates = list(islice(balanced, _MOST_THREES))
    contested = Counter(i for block in candidates for i in block)
    for block in sorted(candidates, key=lambda b: (sum(contested[i] for i in b), b)):
        if all(i in work.open for i in block):
            work.close(block)


def _threes(work: _Work) -> Iterator[Block]:
    amounts, slacks = work.table.amounts, work.slacks
    for side, other in (sides := work.open_sides()), sides[::-1]:
        near = _Near(work, other)
        for i, j in combinations(side, 2):
            for k in near.around(abs(amounts[i] + amounts[j]), slacks[i] + slacks[j]):
                yield (i, j, k)


def _close_fours(work: _Work) -> None:
    """For each open leg, largest first, the first three others that settle it."""
    if len(work.open) > _MOST_LEGS_FOR_FOURS:
        return
    for leg in list(work.open):
        if leg in work.open:
            block = next((b for b in _fours(work, leg) if work.table.is_balanced(b)), None)
            if block is not None:
                work.close(block)


def _fours(work: _Work, leg: int) -> Iterator[Block]:
    amounts, slacks = work.table.amounts, work.slacks
    to_sell, to_buy = (_Near(work, side) for side in work.open_sides())
    for i, j in combinations([i for i in work.open if i != leg], 2):
        excess = amounts[leg] + amounts[i] + amounts[j]
        near = to_buy if excess > 0 else to_sell
        for k in near.around(abs(excess), slacks[leg] + slacks[i] + slacks[j]):
            if k not in (leg, i, j):
                yield (leg, i, j, k)


class _Near:
    """Legs of one side, to be found by size."""

    def __init__(self, work: _Work, side: list[int]) -> None:
        self._legs = side[::-1]
        self._sizes = [abs(work.table.amounts[i]) for i in self._legs]
        self._widest = max((work.slacks[i] for i in side), default=0)

    def around(self, size: int, slack: int) -> list[int]:
        """Legs that may balance others of this excess and slack; a superset of those that do."""
        reach = self._widest + slack
        first = bisect_left(self._sizes, size - reach)
        return self._legs[first : bisect_right(self._sizes, size + reach)]
