"""The kill switch: a row that is read in every transaction that starts or signs something.

There is one for everybody, which the owner of the machine and Ballast itself set, and one for each
other owner, so that nobody stops anybody else. Each has a level, `core.halting.HaltLevel`.

Nothing is signed outside `may_sign`. A switch is set in a transaction that runs alone, so no halt
can be committed between the look at the switch and the signature. What is ordered past the
database, by a file or a signal, counts at once wherever it is seen, and becomes a row.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.auditing import BALLAST, audit
from ballast.app.events import emit
from ballast.app.operation import Caller
from ballast.app.ports import HaltOrders, Reader, Store, Transaction
from ballast.core.events import EventKind
from ballast.core.halting import HaltLevel
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError, ErrorCode

log = structlog.get_logger(__name__)

OWNER: Final = "owner"
HALTED_KEY: Final = "trading_halted"
# In the row; the first two were there before there were levels.
ROW_OF: Final = MappingProxyType(
    {HaltLevel.NONE: "no", HaltLevel.NOTHING: "yes", HaltLevel.NO_NEW_RISK: "no_new_risk"}
)
_LEVEL_OF: Final = MappingProxyType({row: level for level, row in ROW_OF.items()})

HALTED: Final = "Trading is halted by the kill switch."
RESUMED_BY: Final = "The owner resumes it, in a terminal: ballast resume."
NO_NEW_RISK: Final = (
    "No new risk is taken: nothing is bought. Selling into the base asset and withdrawing go on."
)


def halted_key(owner_id: str | None) -> str:
    """Where the switch of an owner is kept; None: that of everybody."""
    everybody = owner_id is None or owner_id == LOCAL_OWNER
    return HALTED_KEY if everybody else f"{HALTED_KEY}:{owner_id}"


async def level_of(reader: Reader, key: str) -> HaltLevel:
    """What one switch says; survives a restart, because it is a row."""
    return _LEVEL_OF[await reader.get_meta(key) or "no"]


async def halt_level(orders: HaltOrders, reader: Reader, owner_id: str | None) -> HaltLevel:
    """How much is stopped, for everybody or for this owner."""
    keys = dict.fromkeys((HALTED_KEY, halted_key(owner_id)))
    order = orders.standing()
    ordered = order.level if order else HaltLevel.NONE
    return max(ordered, *[await level_of(reader, key) for key in keys])


async def require_trading(app: App, reader: Reader, owner_id: str, *, opens_risk: bool) -> None:
    """Refuse to start what could not be signed.

    Args:
        opens_risk: whether it buys anything but the base asset.

    Raises:
        BallastError: `trading_halted`.
    """
    level = await halt_level(app.halt_orders, reader, owner_id)
    if level.stops(opens_risk=opens_risk):
        nothing = level is HaltLevel.NOTHING
        text = HALTED if nothing else NO_NEW_RISK
        raise BallastError(ErrorCode.TRADING_HALTED, text, level=level.word)


async def halt_warning(
    app: App, reader: Reader, owner_id: str, consequence: str, *, opens_risk: bool
) -> str:
    """What whoever previews something is to know of the kill switch; empty while it stops nothing
    of this.

    Args:
        consequence: what it means for what is previewed; a sentence.
        opens_risk: whether that buys anything but the base asset.
    """
    level = await halt_level(app.halt_orders, reader, owner_id)
    if not level.stops(opens_risk=opens_risk):
        return ""
    text = HALTED if level is HaltLevel.NOTHING else NO_NEW_RISK
    return f"{text} {consequence} {RESUMED_BY}"


async def halt(
    app: App,
    tx: Transaction,
    why: str,
    owner_id: str | None = None,
    level: HaltLevel = HaltLevel.NOTHING,
) -> None:
    """Set a kill switch, and tell everyone whom it stops. One that stops as much already is left
    as it is: this never loosens anything.

    Args:
        why: `owner`, `file`, `signal`, `venue_broke_its_word`, or `books_damaged`.
        owner_id: who alone is stopped; None, or the owner of the machine, for everybody.
    """
    key = halted_key(owner_id)
    if await level_of(tx, key) >= level:
        return
    await tx.put_meta(key, ROW_OF[level])
    if why != OWNER:  # What a caller asked for is a row of its own.
        caller = Caller(owner_id or LOCAL_OWNER, BALLAST)
        await audit(app, tx, caller, "halt_trading", "", why=why, level=level.word)
    for one in await tx.owners():
        if key in (HALTED_KEY, halted_key(one)):
            await emit(
                app,
                tx,
                EventKind.TRADING_HALTED,
                owner_id=one,
                index_id=None,
                why=why,
                level=level.word,
            )


async def heed_orders(app: App) -> None:
    """Make a row of what was ordered by a file or a signal, so that it stays when that has gone."""
    order = app.halt_orders.standing()
    if order is None:
        return
    async with app.store.read_once() as reader:
        known = await level_of(reader, HALTED_KEY) >= order.level
    if not known:
        async with app.store.transaction() as tx:
            await halt(app, tx, order.why, level=order.level)
        log.warning("trading_halted", why=order.why, level=order.level.word)
    app.halt_orders.heeded(order)


@asynccontextmanager
async def may_sign(
    store: Store,
    orders: HaltOrders,
    owner_id: str | None,
    index_id: str | None = None,
    *,
    opens_risk: bool = False,
) -> AsyncIterator[Transaction | None]:
    """A transaction to sign in, and to keep in it what was signed; None while that is halted.

    Args:
        owner_id: whose money it is; None for what belongs to nobody alone.
        index_id: the index whose key signs, if it is one's: others may sign meanwhile.
        opens_risk: whether what is signed buys anything but the base asset.
    """
    async with store.transaction(index_id) as tx:
        level = await halt_level(orders, tx, owner_id)
        yield None if level.stops(opens_risk=opens_risk) else tx


@dataclass(slots=True)
class AroundIntents:
    """Lets an account sign that belongs to no index: the one that pays for what is sent.

    Attributes:
        app: joined to it once it is open; nothing is signed before.
    """

    app: App | None = None

    def joined(self, app: App) -> App:
        """The app, from now on joined to this."""
        self.app = app
        return app

    @asynccontextmanager
    async def may_sign(self) -> AsyncIterator[Callable[[str], Awaitable[None]] | None]:
        """Fulfils `app.ports.MaySign`."""
        assert self.app is not None, "an app is opened before anything is signed"
        async with may_sign(self.app.store, self.app.halt_orders, None) as tx:
            caller = Caller(face=BALLAST)
            yield None if tx is None else partial(audit, self.app, tx, caller, "sign_transaction")
