"""Whether every row moved as its state table allows, and what must be true of each alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from ballast.core.states import (
    MACHINES,
    DepositState,
    IndexState,
    IntentState,
    PlanState,
    RebalanceState,
    SwapState,
    WithdrawalState,
)
from ballast.simulation.clock import Ahead
from ballast.simulation.records import Records
from ballast.simulation.story import Story

WATCHED: Final[tuple[tuple[str, str, type[StrEnum]], ...]] = (
    ("indexes", "index_id", IndexState),
    ("plans", "plan_id", PlanState),
    ("rebalances", "rebalance_id", RebalanceState),
    ("swaps", "swap_id", SwapState),
    ("intents", "intent_id", IntentState),
    ("deposits", "deposit_id", DepositState),
    ("withdrawals", "withdrawal_id", WithdrawalState),
)
_DAY: Final = 86_400 * 10**6
# What was swapped, and whether that was because a person wanted everything sold.
_SPENT: Final = (
    "SELECT swaps.index_id, limits, value_pico, swaps.created_at,"
    " kind = 'liquidate' AND EXISTS (SELECT 1 FROM panic_sales AS sale"
    " WHERE sale.index_id = swaps.index_id AND sale.asked_at <= swaps.created_at"
    " AND coalesce(sale.ended_at, swaps.created_at) >= swaps.created_at) AS all_out"
    " FROM swaps JOIN indexes USING (index_id) JOIN rebalances USING (rebalance_id)"
    " WHERE purpose = 'swap' AND swaps.state NOT IN ('failed', 'refunded')"
    " ORDER BY swaps.created_at"
)
# Money that was sent out without a destination on the list when it was confirmed.
_UNLISTED: Final = (
    "SELECT withdrawal_id FROM withdrawals JOIN rebalances USING (rebalance_id)"
    " WHERE address IS NOT NULL AND NOT EXISTS (SELECT 1 FROM destinations AS one"
    " WHERE one.owner_id = withdrawals.owner_id AND one.chain = withdrawals.chain"
    " AND one.address = withdrawals.address AND one.added_at <= rebalances.created_at"
    " AND coalesce(one.removed_at, rebalances.created_at) >= rebalances.created_at)"
)

# What must return no row, each with the sentence that says so.
_NEVER: Final = (
    (
        "{} has a second intent.",
        "SELECT swap_id FROM intents GROUP BY swap_id HAVING count(*) > 1",
    ),
    (
        "{} has two rebalances under way.",
        "SELECT index_id FROM rebalances WHERE state IN ('executing', 'halted')"
        " GROUP BY index_id HAVING count(*) > 1",
    ),
    (
        "{} has ended, with a swap that has not.",
        "SELECT rebalance_id FROM rebalances JOIN swaps USING (rebalance_id)"
        " WHERE rebalances.state NOT IN ('executing', 'halted')"
        " AND swaps.state NOT IN ('settled', 'refunded', 'failed', 'written_off')",
    ),
    (
        "{} was caused by a deposit, and sells.",
        "SELECT swap_id FROM swaps JOIN rebalances USING (rebalance_id)"
        " JOIN indexes ON indexes.index_id = swaps.index_id"
        " WHERE kind = 'invest' AND sell <> base_asset_id",
    ),
    (
        "{} sells and buys the same asset.",
        "SELECT one.rebalance_id FROM swaps AS one JOIN swaps AS other USING (rebalance_id)"
        " WHERE one.purpose = 'swap' AND other.purpose = 'swap' AND one.sell = other.buy",
    ),
    (
        "{} was paid to the address of another swap or deposit.",
        "SELECT intent_id FROM intents WHERE receiver_id IN"
        " (SELECT receiver_id FROM intents GROUP BY receiver_id HAVING count(*) > 1)"
        " OR receiver_id IN (SELECT address FROM deposits)",
    ),
    (
        "{} belongs to another owner than its index.",
        "SELECT swap_id FROM swaps JOIN indexes USING (index_id)"
        " WHERE swaps.owner_id <> indexes.owner_id"
        " UNION ALL SELECT deposit_id FROM deposits JOIN indexes USING (index_id)"
        " WHERE deposits.owner_id <> indexes.owner_id"
        " UNION ALL SELECT entry_id FROM entries JOIN indexes USING (index_id)"
        " WHERE entries.owner_id <> indexes.owner_id",
    ),
    (
        "{} has targets that are not the whole.",
        "SELECT index_id FROM indexes WHERE"
        " (SELECT sum(cast(value AS INTEGER)) FROM json_each(targets)) <> 10000",
    ),
    (
        "{} has an intent that never executed, and an end that only an executed one has.",
        "SELECT swap_id FROM swaps JOIN intents USING (swap_id)"
        " WHERE swaps.state IN ('settled', 'refunded') AND intents.state <> 'executed'",
    ),
    (
        "{} has failed, though its intent may still execute.",
        "SELECT swap_id FROM swaps JOIN intents USING (swap_id)"
        " WHERE swaps.state = 'failed' AND intents.state <> 'expired'",
    ),
)


class StatesCheck:
    """Remembers the state of every row, and compares."""

    def __init__(self, records: Records, story: Story, ahead: Ahead) -> None:
        self._records = records
        self._story = story
        self._known: dict[str, dict[str, StrEnum]] = {table: {} for table, _, _ in WATCHED}
        self._known_decimals: dict[str, int] = {}
        self._ahead = ahead

    def check(self) -> list[str]:
        """What is wrong since the last look. What has changed is told."""
        wrong = [
            problem for table, key, states in WATCHED for problem in self._table(table, key, states)
        ]
        for sentence, sql in _NEVER:
            wrong += [sentence.format(found) for found in self._records.column(sql)]
        return [*wrong, *self._minimums(), *self._spent(), *self._decimals(), *self._destinations()]

    def _table(self, table: str, key: str, states: type[StrEnum]) -> Iterator[str]:
        known = self._known[table]
        rows = self._records.all(f"SELECT {key}, state FROM {table} ORDER BY {key}")  # noqa: S608
        for row_id, text in rows:
            state, before = states(text), known.get(row_id)
            if state is before:
                continue
            self._story.tell(f"      {row_id} {before or 'new'} -> {state}")
            if before is not None and state not in _REACHABLE[states, before]:
                yield f"{row_id} went from {before} to {state}."
            known[row_id] = state
        if len(rows) != len(known):
            yield f"Of {len(known)} {table} that were there, {len(rows)} are left."

    def _minimums(self) -> Iterator[str]:
        rows = self._records.all(
            "SELECT swap_id, output_units, minimum_units FROM swaps WHERE state = 'settled'"
        )
        for row in rows:
            if int(row["output_units"]) < int(row["minimum_units"]):
                yield f"{row['swap_id']} was booked below its signed minimum."

    def _spent(self) -> Iterator[str]:
        """Within a day no index swaps for more than its limit, whatever has become of the swaps.
        Payouts are limited as they are planned, and what comes meanwhile goes out with them. When
        a person has everything sold, that is not limited; it counts for whatever comes after."""
        rows = self._records.all(_SPENT)
        for newest in {row["index_id"]: row for row in rows if not row["all_out"]}.values():
            until = newest["created_at"]
            spent = sum(
                int(row["value_pico"])
                for row in rows
                if row["index_id"] == newest["index_id"]
                and until - _DAY < row["created_at"] <= until
            )
            if spent > int(json.loads(newest["limits"])["max_day_pico"]):
                yield f"{newest['index_id']} has spent more than its limit within a day."

    def _decimals(self) -> Iterator[str]:
        for asset_id, decimals in self._records.all("SELECT asset_id, decimals FROM assets"):
            if self._known_decimals.setdefault(asset_id, decimals) != decimals:
                yield f"{asset_id} is on record with other decimals than before."

    def _destinations(self) -> Iterator[str]:
        """Only times of one clock can be compared."""
        if not self._ahead.was_wrong:
            for found in self._records.column(_UNLISTED):
                yield f"{found} pays to an address that was not on the list."


def _reachable(start: StrEnum) -> frozenset[StrEnum]:
    """Every state that arrows lead to from here, in one step or more."""
    moves, found, fresh = MACHINES[type(start)], set[StrEnum](), {start}
    while fresh:
        fresh = {target for source, target in moves if source in fresh} - found
        found |= fresh
    return frozenset(found)


# By the machine as well: a word such as "published" is a state of several.
_REACHABLE: Final = {
    (states, state): _reachable(state) for _, _, states in WATCHED for state in states
}
