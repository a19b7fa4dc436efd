"""The INSERT and UPDATE of each write."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, insert, update

from ballast.adapters.store import rows
from ballast.adapters.store import tables as t
from ballast.adapters.store.phrases import InsertOr
from ballast.adapters.store.queries import WAITING

SAVE_INDEX: Final = rows.INDEXES.replace("index_id", "version")
SAVE_REBALANCE: Final = rows.REBALANCES.replace("rebalance_id", "state")
SAVE_SWAP: Final = rows.SWAPS.replace("swap_id", "state")
SAVE_INTENT: Final = rows.INTENTS.replace("intent_id", "state")
SAVE_DEPOSIT: Final = rows.DEPOSITS.replace("deposit_id", "state")
SAVE_WITHDRAWAL: Final = rows.WITHDRAWALS.replace("withdrawal_id", "state")
REMOVE_DESTINATION: Final = (
    update(t.destinations)
    .where(
        t.destinations.c.destination_id == bindparam("key_destination_id"),
        t.destinations.c.owner_id == bindparam("key_owner_id"),
        t.destinations.c.removed_at.is_(None),
    )
    .values(removed_at=bindparam("new_removed_at"))
)
SAVE_PLAN_STATE: Final = (
    update(t.plans)
    .where(t.plans.c.plan_id == bindparam("key_plan_id"), t.plans.c.state == bindparam("was_state"))
    .values(state=bindparam("state"))
)

REPLACE_KEY: Final = (
    update(t.keys)
    .where(
        t.keys.c.index_id == bindparam("key_index_id"),
        t.keys.c.account_id == bindparam("key_account_id"),
    )
    .values(
        master_key_id=bindparam("new_master_key_id"),
        nonce=bindparam("new_nonce"),
        ciphertext=bindparam("new_ciphertext"),
    )
)

ADD_OBSERVATION: Final = InsertOr(t.observations, on=("asset_id", "observed_at", "source"))
RECONCILE_ALL: Final = (
    update(t.indexes)
    .where(t.indexes.c.reconcile_at.is_not(None))
    .values(reconcile_at=bindparam("at"))
)

# A row that was moved or woken meanwhile keeps its time.
POSTPONE: Final = {
    kind: update(one.table)
    .where(
        one.table.c[one.key] == bindparam("key_row_id"),
        one.table.c[one.at] == bindparam("was_due_at"),
    )
    .values({one.at: bindparam("new_due_at")})
    for kind, one in WAITING.items()
}

ADD_POSTING: Final = insert(t.postings)
PUT_BALANCE: Final = InsertOr(
    t.balances, on=("index_id", "asset_id", "account"), replace=("units",)
)
# Only the pair that says "the same payment"; a payment id used twice is still refused.
ADD_PAYMENT: Final = InsertOr(t.payments, on=("deposit_id", "external_id"))
PUT_META: Final = InsertOr(t.meta, on=("key",), replace=("value",))
