"""Holding a run against the limits, in the transaction that starts it."""

from __future__ import annotations

from ballast.app.app import App
from ballast.app.ports import Reader
from ballast.core.index import Index
from ballast.core.limits import MONTH, Limits, Run, Used, check_run, needs_person, used
from ballast.core.money import dollars
from ballast.core.trading import Plan, Starter
from ballast.core.wording import usd_shown
from ballast.errors import BallastError, ErrorCode


async def limits_of_owner(app: App, reader: Reader, owner_id: str) -> Limits:
    """What an owner allows all indexes together: the settings', until they were changed."""
    return await reader.owner_limits(owner_id) or app.default_limits


async def used_up(app: App, reader: Reader, owner_id: str, index_id: str) -> tuple[Used, Used]:
    """What of the limits is used up: of one index's, and of its owner's by all indexes."""
    now = app.clock.now()
    spent = await reader.spending_since(owner_id, now - MONTH)
    here = [one for one in spent if one.index_id == index_id]
    return used(here, now), used(spent, now)


async def require_within_limits(
    app: App,
    reader: Reader,
    index: Index,
    plan: Plan,
    starter: Starter,
    *,
    payout_pico: int = 0,
) -> None:
    """Check a plan, and what is sent after it, in the transaction that reserves it.

    Args:
        payout_pico: value of the payout that follows; 0 for none.

    Raises:
        BallastError: `limit_exceeded` with every limit that is broken; `confirmation_needed` when
            the plan is so large that a person has to agree to it, and none has.
    """
    owner = await limits_of_owner(app, reader, index.owner_id)
    run = run_of(index, plan, payout_pico)
    here, everywhere = await used_up(app, reader, index.owner_id, index.index_id)
    check_run(index.limits, owner, run, here, everywhere)
    if needs_person(index.limits, owner, run):
        await _require_confirmation(reader, plan, run, min_confirm(index, owner), starter)


def run_of(index: Index, plan: Plan, payout_pico: int = 0) -> Run:
    """What a plan would start. Back into the base asset anything may go."""
    payout = (payout_pico,) if payout_pico else ()
    return Run(
        kind=plan.kind,
        swaps_pico=(*(leg.input_pico for leg in plan.swaps), *payout),
        cost_pico=sum(max(leg.fee_pico, 0) for leg in plan.swaps),
        index_pico=plan.value_pico,
        buys=frozenset(leg.buy for leg in plan.swaps) - {index.base_asset_id},
    )


def min_confirm(index: Index, owner: Limits) -> int:
    """The value above which a person has to agree, in pico-dollars."""
    return min(index.limits.confirm_above_pico, owner.confirm_above_pico)


async def _require_confirmation(
    reader: Reader, plan: Plan, run: Run, above: int, starter: Starter
) -> None:
    if await reader.confirmation_of(plan.owner_id, plan.plan_id) is not None:
        return
    if starter is not Starter.PERSON:
        raise BallastError(
            ErrorCode.LIMIT_EXCEEDED,
            f"{usd_shown(run.value_pico)} is more than the {usd_shown(above)} that may be traded "
            "without a person. Somebody can start it: preview_rebalance, then rebalance_index.",
            limits=[
                {
                    "limit": "without_a_person",
                    "asked_usd": dollars(run.value_pico),
                    "limit_usd": dollars(above),
                }
            ],
        )
    raise BallastError(
        ErrorCode.CONFIRMATION_NEEDED,
        f"{usd_shown(run.value_pico)} is above {usd_shown(above)}: a person has to agree to this "
        f"plan in a terminal, with: ballast confirm {plan.plan_id}",
        plan_id=plan.plan_id,
        asked_usd=dollars(run.value_pico),
        confirm_above_usd=dollars(above),
    )
