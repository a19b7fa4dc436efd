"""What one unit of an index is worth: its value with money coming and going taken out.

A fund's unit: a deposit buys units at the price of the moment, a withdrawal gives some back, and
neither changes what a unit is worth. So its path is the time-weighted return (CFA Institute, Global
Investment Performance Standards: sub-periods between external cash flows, linked geometrically).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ballast.core.money import PICO

# Below a cent a value is all rounding: a unit's worth stays what it was.
LEAST_VALUE: Final = PICO // 100


@dataclass(frozen=True, slots=True)
class UnitValue:
    """An index's worth at one moment.

    Attributes:
        value_pico: of all that is held, in pico-dollars.
        unit_pico: of one unit, in pico-dollars; it begins at one dollar.
        paid_pico: what has come in less what has gone out, each at its value then; signed.
        sequence: of the ledger, up to which money coming and going is in it.
    """

    index_id: str
    owner_id: str
    at: datetime
    value_pico: int
    unit_pico: int
    paid_pico: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Money that came or went.

    Attributes:
        before_pico: value of the index just before it, at the prices of that moment.
        flow_pico: value of what came in, below zero of what went out.
    """

    before_pico: int
    flow_pico: int


def first_unit_value(index_id: str, owner_id: str, at: datetime) -> UnitValue:
    """That of an index which never held anything."""
    return UnitValue(index_id, owner_id, at, 0, PICO, 0, 0)


def advance(
    last: UnitValue, flows: Iterable[Flow], *, at: datetime, value_pico: int, sequence: int
) -> UnitValue:
    """The next unit value: linked over each flow since the last one.

    Between two flows a unit's worth grows as the value does; at a flow it stays. Each link is
    rounded half up to a pico-dollar.

    Args:
        flows: since `last`, oldest first.
        value_pico: of the index at `at`.
        sequence: of the ledger at `at`.
    """
    unit, value, paid = last.unit_pico, last.value_pico, last.paid_pico
    for flow in flows:
        unit = _grown(unit, value, flow.before_pico)
        value = max(flow.before_pico + flow.flow_pico, 0)
        paid += flow.flow_pico
    unit = _grown(unit, value, value_pico)
    return UnitValue(last.index_id, last.owner_id, at, value_pico, unit, paid, sequence)


def _grown(unit: int, value: int, later: int) -> int:
    if min(value, later) < LEAST_VALUE:
        return unit
    return (2 * unit * later + value) // (2 * value)
