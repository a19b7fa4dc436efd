"""Stopping things, in steps. A conversation may stop; only the owner's terminal resumes."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.operation import Call, Caller, Output, RepeatableInput
from ballast.app.ports import Reader
from ballast.app.restoring import require_compared
from ballast.app.switch import HALTED_KEY, OWNER, ROW_OF, halt, halt_level, halted_key, level_of
from ballast.core.halting import HaltLevel
from ballast.errors import BallastError, ErrorCode

# As get_status and halt_trading say it.
TRADING: Final = MappingProxyType(
    {
        HaltLevel.NONE: "on",
        HaltLevel.NO_NEW_RISK: "no_new_risk",
        HaltLevel.NOTHING: "halted",
    }
)
_RESUME: Final = "Only the owner can resume, in a terminal: ballast resume."


class HaltTrading(RepeatableInput):
    """Input of halt_trading."""

    level: Annotated[
        Literal["no_new_risk", "nothing"],
        Field(
            description="no_new_risk: nothing is bought, selling and withdrawing go on. nothing: "
            "nothing is signed at all."
        ),
    ] = "nothing"
    reason: Annotated[str | None, Field(max_length=200, description="Why, for the record.")] = None


class HaltView(Output):
    """The kill switch."""

    trading: str
    next_step: str


async def halt_trading(app: App, call: Call, given: HaltTrading) -> HaltView:
    """Stop trading of this Ballast at once; for somebody with an account, their own. Nothing more
    is signed, or nothing is bought; what has been sent is still watched. It only makes things
    stricter: only the owner can undo it, in a terminal: ballast resume."""
    async with app.store.transaction() as tx:
        await halt(app, tx, OWNER, call.owner_id, HaltLevel.of_word(given.level))
        level = await halt_level(app.halt_orders, tx, call.owner_id)
        view = HaltView(mode=app.mode, trading=TRADING[level], next_step=_RESUME)
        await call.record(app, tx, view, "", level=given.level, reason=given.reason)
    return view


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
        raise BallastError(
            ErrorCode.TRADING_HALTED,
            f"{order.where} still orders to halt: remove it first, then resume.",
        )
