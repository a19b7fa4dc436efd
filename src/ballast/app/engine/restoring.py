"""The first look after a backup was put back: what happened since it was taken is unknown.

Nothing that it had planned goes on; what it had signed is treated as sent, and looked for.
"""

from __future__ import annotations

from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.engine.rows import note
from ballast.app.engine.sending import book_sending
from ballast.app.engine.stopping import running_of, stop_running
from ballast.app.events import emit
from ballast.app.operation import Caller
from ballast.app.ports import Transaction
from ballast.app.restoring import RESTORED_KEY, ask_to_compare, is_restored
from ballast.core.events import EventKind
from ballast.core.halting import HaltLevel
from ballast.core.index import Index
from ballast.core.states import IntentState, SwapState
from ballast.core.trading import Rebalance

log = structlog.get_logger(__name__)

GIVEN_UP: Final = (
    "Given up when a backup was put back: whether it was carried out since is for the balances "
    "to say."
)
TOLD: Final = (
    "A backup was put back. Trading is halted until the index has been compared with the venue "
    "and the owner resumes it."
)


async def settle_restored(app: App) -> None:
    """Give up what a backup that was put back had planned, and treat what it had signed as sent.
    Nothing, if none was put back. Index by index; interrupted, it goes on where it was."""
    async with app.store.read() as reader:
        if not await is_restored(reader):
            return
        owners = await reader.owners()
        indexes = [
            one
            for owner in owners
            for one in await reader.list_indexes(owner, archived=False, after=None, limit=1_000_000)
        ]
    log.info("backup_was_put_back", indexes=len(indexes))
    for index in indexes:
        await _settle_index(app, index)
    async with app.store.transaction() as tx:
        await tx.put_meta(RESTORED_KEY, "")
        restorer = Caller(face="cli")
        await audit(app, tx, restorer, "restore_backup", "", indexes=len(indexes))
        for owner in owners:
            await emit(
                app,
                tx,
                EventKind.TRADING_HALTED,
                owner_id=owner,
                index_id=None,
                why="backup_put_back",
                level=HaltLevel.NOTHING.word,
            )


async def _settle_index(app: App, index: Index) -> None:
    async with app.store.transaction(index.index_id) as tx:
        if not await ask_to_compare(app, tx, index):
            return
        running = await running_of(tx, index)
        if running is not None:
            if running.can_stop:
                await stop_running(app, tx, running, giving_up=GIVEN_UP)
            await _treat_as_sent(app, tx, running.rebalance)
        await note(
            app,
            tx,
            owner_id=index.owner_id,
            index_id=index.index_id,
            reason="backup_put_back",
            summary=TOLD,
            reference=index.index_id,
            facts={},
        )


async def _treat_as_sent(app: App, tx: Transaction, rebalance: Rebalance) -> None:
    for swap in await tx.swaps_of(rebalance.rebalance_id):
        intents = await tx.intents_of(swap.swap_id)
        if swap.state is SwapState.SIGNED and intents[-1].state is IntentState.SIGNED:
            await book_sending(app, tx, swap, intents[-1])
