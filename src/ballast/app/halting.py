"""Stopping things, in steps. A conversation may stop; only the owner's terminal resumes."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator

from ballast.app.app import App
from ballast.app.fields import Percent
from ballast.app.inputs import RepeatableInput
from ballast.app.operation import Call, Output
from ballast.app.panic import BUDGET_NEEDED, require_budget, sell_everything, to_sell
from ballast.app.panic_asking import agreed, refusal_of_unasked
from ballast.app.ports import Transaction
from ballast.app.switch import OWNER, halt, halt_level
from ballast.core.access import Scope
from ballast.core.halting import HaltLevel
from ballast.core.money import format_percent_bps, parse_percent_bps
from ballast.core.panic import DEFAULT_BUDGET_BPS
from ballast.core.wording import being_sold
from ballast.errors import BallastError, ErrorCode

# As get_status and halt_trading say it.
TRADING: Final = MappingProxyType(
    {
        HaltLevel.NONE: "on",
        HaltLevel.NO_NEW_RISK: "no_new_risk",
        HaltLevel.NOTHING: "halted",
    }
)
SELL_EVERYTHING: Final = "sell_everything"
_RESUME: Final = "Only the owner can resume, in a terminal: ballast resume."


def _budget_text(value: Any, read: ValidatorFunctionWrapHandler) -> str:
    """A percentage within the bounds of a budget; whatever is wrong with it, those are said."""
    try:
        text = str(read(value))
        require_budget(parse_percent_bps(text))
    except (ValueError, BallastError):
        raise ValueError(BUDGET_NEEDED) from None
    return text


class HaltTrading(RepeatableInput):
    """Input of halt_trading."""

    level: Annotated[
        Literal["no_new_risk", "nothing", "sell_everything"],
        Field(
            description="no_new_risk: nothing is bought, selling and withdrawing go on. nothing: "
            "nothing is signed at all. sell_everything: as no_new_risk, and every index is sold "
            "into its base asset once a person has agreed; needs the scope spend."
        ),
    ] = "nothing"
    slippage_percent: Annotated[
        Percent,
        WrapValidator(_budget_text),
        Field(
            description="With sell_everything: how far below the price a swap may be, 0.5 to 20."
        ),
    ] = format_percent_bps(DEFAULT_BUDGET_BPS)
    reason: Annotated[str | None, Field(max_length=200, description="Why, for the record.")] = None


class HaltView(Output):
    """The kill switch."""

    trading: str
    next_step: str


async def halt_trading(app: App, call: Call, given: HaltTrading) -> HaltView:
    """Stop trading of this Ballast at once; for somebody with an account, their own. Nothing more
    is signed, or nothing is bought, or all is sold once a person has agreed. It only makes things
    stricter: only the owner can undo it, in a terminal: ballast resume."""
    if given.level == SELL_EVERYTHING:
        return await _sell(app, call, given)
    async with app.store.transaction() as tx:
        await halt(app, tx, OWNER, call.owner_id, HaltLevel.of_word(given.level))
        return await _answer(app, call, given, tx, "")


async def _sell(app: App, call: Call, given: HaltTrading) -> HaltView:
    """The third step. Nothing is bought from now on, whatever the person then says."""
    call.require(
        Scope.SPEND,
        "halt_trading with sell_everything needs the scope spend; no_new_risk does not.",
    )
    budget_bps = parse_percent_bps(given.slippage_percent)
    async with app.store.transaction() as tx:
        if await halt_level(app.halt_orders, tx, call.owner_id) is HaltLevel.NOTHING:
            raise BallastError(
                ErrorCode.TRADING_HALTED,
                "Trading is halted by the kill switch, and nothing can be sold at that level. The "
                "owner can go back to selling alone, in a terminal: ballast panic.",
            )
        await halt(app, tx, OWNER, call.owner_id, HaltLevel.NO_NEW_RISK)
        indexes = await to_sell(tx, call.owner_id)
        if not indexes or await agreed(app, tx, call.caller, indexes, budget_bps):
            sales = await sell_everything(app, tx, call.caller, budget_bps)
            sold = f"{being_sold(len(sales))}: get_status shows how far that is. "
            answer = await _answer(app, call, given, tx, sold)
            app.work_waiting.set()
            return answer
    async with app.store.read() as reader:
        raise await refusal_of_unasked(reader, call.owner_id)


async def _answer(app: App, call: Call, given: HaltTrading, tx: Transaction, told: str) -> HaltView:
    level = await halt_level(app.halt_orders, tx, call.owner_id)
    view = HaltView(mode=app.mode, trading=TRADING[level], next_step=f"{told}{_RESUME}")
    await call.record(app, tx, view, "", level=given.level, reason=given.reason)
    return view
