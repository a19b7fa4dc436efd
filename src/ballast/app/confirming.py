"""A person's word, given outside the conversation: for a large plan, or for selling everything."""

from __future__ import annotations

from dataclasses import dataclass

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.operation import Caller
from ballast.app.panic_asking import agree, lines_about
from ballast.app.ports import Reader
from ballast.core.ids import IdKind, kind_of
from ballast.core.index import Index
from ballast.core.limits import Confirmation
from ballast.core.states import PlanState
from ballast.core.trading import Plan
from ballast.core.withdrawals import Withdrawal
from ballast.core.wording import amount_shown, usd_shown
from ballast.errors import BallastError, ErrorCode


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked to agree to: a sentence without its end, and what is done, a line
    each."""

    opening: str
    lines: tuple[str, ...]


async def question_about(app: App, owner_id: str, plan_id: str) -> Question:
    """Say in full what a plan does, for a person to agree to.

    Args:
        plan_id: of a plan, or of the question whether everything is to be sold.

    Raises:
        BallastError: `not_found`, `plan_used`, `plan_expired`.
    """
    async with app.store.read() as reader:
        if kind_of(plan_id) is IdKind.QUESTION:
            sold = await lines_about(app, reader, owner_id, plan_id)
            return Question("Everything would be sold into the base assets", tuple(sold))
        plan = await _open_plan(app, reader, owner_id, plan_id)
        index = await reader.get_index(owner_id, plan.index_id)
        withdrawal = await reader.withdrawal_of_plan(owner_id, plan_id)
        assert index is not None, "a plan has an index"
        lines = await _lines(reader, index, plan, withdrawal)
    return Question(f"{index.name} would do this", tuple(lines))


async def confirm_plan(app: App, caller: Caller, plan_id: str, by: str) -> None:
    """Keep a person's word for a plan or a question; a second time changes nothing.

    Raises:
        BallastError: `not_found`, `plan_used`, `plan_expired`.
    """
    if kind_of(plan_id) is IdKind.QUESTION:
        await agree(app, caller, plan_id, by)
        return
    async with app.store.transaction() as tx:
        await _open_plan(app, tx, caller.owner_id, plan_id)
        if await tx.confirmation_of(caller.owner_id, plan_id) is None:
            word = Confirmation(plan_id, caller.owner_id, app.clock.now(), by)
            await tx.add_confirmation(word)
            await audit(app, tx, caller, "confirm_plan", plan_id, by=by)


async def _open_plan(app: App, reader: Reader, owner_id: str, plan_id: str) -> Plan:
    plan = await reader.get_plan(owner_id, plan_id)
    if plan is None:
        raise BallastError(ErrorCode.NOT_FOUND, "There is no such plan.", plan_id=plan_id[:60])
    if plan.state is PlanState.USED:
        raise BallastError(ErrorCode.PLAN_USED, "This plan has been carried out already.").advising(
            "Nothing is left to agree to: get_progress shows how far it is."
        )
    if plan.state is not PlanState.OPEN or app.clock.now() >= plan.expires_at:
        raise BallastError(
            ErrorCode.PLAN_EXPIRED,
            f"This plan expired at {plan.expires_at:%Y-%m-%d %H:%M:%S} UTC.",
            plan_id=plan_id,
        )
    return plan


async def _lines(
    reader: Reader, index: Index, plan: Plan, withdrawal: Withdrawal | None
) -> list[str]:
    named = {asset for leg in plan.swaps for asset in (leg.sell, leg.buy)} | {index.base_asset_id}
    assets = await reader.get_assets(sorted(named))
    lines = [
        f"{amount_shown(leg.input_units, assets[leg.sell].decimals)} {assets[leg.sell].symbol} "
        f"({usd_shown(leg.input_pico)}) for {assets[leg.buy].symbol}"
        for leg in plan.swaps
    ]
    if withdrawal is not None and withdrawal.address is not None:
        base = assets[withdrawal.base_asset_id]
        amount = amount_shown(withdrawal.asked_units, base.decimals)
        lines.append(f"{amount} {base.symbol} to {withdrawal.address} on {withdrawal.chain}")
    lines.append(f"fees about {usd_shown(plan.fee_pico)}")
    return lines
