"""A backup that was put back: trading is halted until every index was compared with the venue.

The backup may be old: swaps that it knows as planned may have been carried out since, messages that
it knows as signed may have been sent, and money may have left. What the engine does about that is
in `engine/restoring.py`. The owner can resume only when every index has been compared, at a time
when nothing that was signed since can still be carried out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.ports import Reader, Store, Transaction
from ballast.app.switch import HALTED_KEY, ROW_OF
from ballast.core.halting import HaltLevel
from ballast.core.index import Index
from ballast.core.states import IndexState
from ballast.core.wording import counted
from ballast.errors import BallastError, ErrorCode

RESTORED_KEY: Final = "restored"
# An intent can be carried out for three minutes, and a node may lag behind.
QUIET: Final = timedelta(minutes=4)


async def mark_restored(store: Store) -> None:
    """Say, in a database that is about to be put back, that it is old; and halt trading in it."""
    async with store.transaction() as tx:
        await tx.put_meta(RESTORED_KEY, "yes")
        await tx.put_meta(HALTED_KEY, ROW_OF[HaltLevel.NOTHING])


async def is_restored(reader: Reader) -> bool:
    """Whether a backup was put back that the engine has not looked through yet."""
    return await reader.get_meta(RESTORED_KEY) == "yes"


async def ask_to_compare(app: App, tx: Transaction, index: Index) -> bool:
    """Have an index compared with the venue before trading goes on; False if that was asked for
    before."""
    if await tx.get_meta(_uncompared_key(index.index_id)):
        return False
    counts_from = app.clock.now() + QUIET
    await tx.put_meta(_uncompared_key(index.index_id), counts_from.isoformat())
    return True


async def require_compared(reader: Reader) -> None:
    """Refuse to resume before every index has been compared since a backup was put back.

    Raises:
        BallastError: `trading_halted`.
    """
    left = 1 if await is_restored(reader) else 0
    for owner in await reader.owners():
        for one in await reader.list_indexes(owner, archived=False, after=None, limit=1_000_000):
            left += bool(await reader.get_meta(_uncompared_key(one.index_id)))
    if left:
        raise BallastError(
            ErrorCode.TRADING_HALTED,
            f"A backup was put back, and since then {counted(left, 'index', 'indexes')} "
            f"{'has' if left == 1 else 'have'} not been compared with the venue. Let an engine run "
            "for five minutes (ballast serve, or a client's server), look at ballast verify, then "
            "resume.",
        )


async def note_compared(app: App, tx: Transaction, index: Index) -> Index:
    """Note that an index has just been compared, if that was asked for; with a later look at it,
    if something that was signed before could still have been carried out."""
    key = _uncompared_key(index.index_id)
    wanted = await tx.get_meta(key)
    if not wanted:
        return index
    counts_from = datetime.fromisoformat(wanted)
    if app.clock.now() < counts_from and index.state is not IndexState.ARCHIVED:
        return replace(index, reconcile_at=counts_from)
    await tx.put_meta(key, "")
    return index


def _uncompared_key(index_id: str) -> str:
    return f"uncompared:{index_id}"
