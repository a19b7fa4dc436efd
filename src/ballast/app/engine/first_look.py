"""What an engine makes sure of before it signs anything: that the books it found can be right.

A database may have been damaged, or be an old one that somebody has put back by hand, with nothing
in it to say so.
"""

from __future__ import annotations

from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.engine.reconciliation import Difference, compare, unexplained_by_deposits
from ballast.app.engine.rows import note
from ballast.app.engine.stopping import Running, running_of, stop_running
from ballast.app.switch import halt
from ballast.core.index import Index
from ballast.core.states import UNSIGNED, is_terminal
from ballast.core.trading import Swap

log = structlog.get_logger(__name__)

GIVEN_UP: Final = (
    "Given up at a start: the venue holds something else than the ledger, so this may have been "
    "carried out already."
)


async def check_books(app: App) -> None:
    """Halt trading when the ledger is not whole: file, chains, sums and cached balances. The owner
    resumes it, when `ballast verify` finds nothing any more."""
    problems = await app.store.check()
    app.engine.whole = not problems
    if problems:
        log.error("books_damaged", problems=problems[:10])
        async with app.store.transaction() as tx:
            await halt(app, tx, "books_damaged")


async def give_up_what_may_be_done(app: App) -> None:
    """Give up what is planned and not signed at each index whose balances say that it may have
    been carried out before. What is missing gets its name when the index is reconciled.

    Raises:
        BallastError: the venue does not answer; nothing is known then.
    """
    for index in await _running_indexes(app):
        async with app.store.read() as reader:
            rebalance = await reader.active_rebalance(index.index_id)
            swaps = await reader.swaps_of(rebalance.rebalance_id) if rebalance else []
        if any(one.state in UNSIGNED for one in swaps):
            differences, sequence = await compare(app, index.owner_id, index.index_id)
            gaps = await unexplained_by_deposits(app, index.index_id, differences)
            telling = [one for one in gaps if _tells_of_a_trade(one, swaps)]
            if telling:
                await _give_up(app, index, telling, sequence)


async def _running_indexes(app: App) -> list[Index]:
    async with app.store.read() as reader:
        return [
            index
            for owner in await reader.owners()
            for index in await reader.list_indexes(
                owner, archived=False, after=None, limit=1_000_000
            )
            if await reader.active_rebalance(index.index_id) is not None
        ]


def _tells_of_a_trade(gap: Difference, swaps: list[Swap]) -> bool:
    """Whether less is there than what has been signed can have taken away, or more of what is
    still to be bought."""
    open_swaps = [one for one in swaps if not is_terminal(one.state)]
    signed = [one for one in open_swaps if one.state not in UNSIGNED]
    if gap.units > 0:
        bought = any(gap.asset_id == one.buy for one in open_swaps)
        return bought and not any(gap.asset_id in (one.sell, one.buy) for one in signed)
    return -gap.units > sum(one.input_units for one in signed if one.sell == gap.asset_id)


async def _give_up(app: App, index: Index, gaps: list[Difference], sequence: int) -> None:
    async with app.store.transaction(index.index_id) as tx:
        running: Running | None = await running_of(tx, index)
        head, _ = await tx.ledger_head(index.index_id)
        if running is None or head != sequence:
            return
        log.error("old_books", index=index.index_id)
        await stop_running(app, tx, running, giving_up=GIVEN_UP)
        await note(
            app,
            tx,
            owner_id=index.owner_id,
            index_id=index.index_id,
            reason="books_differ",
            summary=GIVEN_UP,
            reference=running.rebalance.rebalance_id,
            facts={"differences": {one.asset_id: str(one.units) for one in gaps}},
        )
