"""The way back from a halt: for the owner's terminal alone."""

from __future__ import annotations

from typing import Final

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.operation import Caller
from ballast.app.ports import Reader
from ballast.app.restoring import require_compared
from ballast.app.switch import HALTED_KEY, ROW_OF, halted_key, level_of
from ballast.core.halting import HaltLevel
from ballast.errors import BallastError, ErrorCode

_SEVERAL: Final = "still order to halt: remove them"


async def resume_trading(app: App, owner_id: str) -> bool:
    """Lift the kill switch that an owner has set; whether it was on. For the command line alone.
    The one for everybody is that of the owner of the machine.

    Raises:
        BallastError: `trading_halted` while a file orders it, or while a backup that was put back
            has not been compared with the venue.
    """
    key = halted_key(owner_id)
    async with app.store.transaction() as tx:
        await require_may_loosen(app, tx, key)
        before = await level_of(tx, key)
        await tx.put_meta(key, ROW_OF[HaltLevel.NONE])
        await audit(app, tx, Caller(owner_id, "cli"), "resume_trading", "", level=before.word)
    app.work_waiting.set()
    return before is not HaltLevel.NONE


async def require_may_loosen(app: App, reader: Reader, key: str) -> None:
    """Refuse to let a switch stop less.

    Raises:
        BallastError: as `resume_trading`.
    """
    await require_compared(reader)
    order = app.halt_orders.standing() if key == HALTED_KEY else None
    if order is not None and order.why == "file":
        still = "still orders to halt: remove it" if len(order.where) == 1 else _SEVERAL
        raise BallastError(
            ErrorCode.TRADING_HALTED, f"{' and '.join(order.where)} {still} first, then resume."
        )
