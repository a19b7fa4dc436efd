"""Do the books hold: file, chains, sums, states, keys, and the ledger against the venue."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ballast.app.accepting import amount_of, whole
from ballast.app.app import App
from ballast.app.audit_trail import verify_audit
from ballast.app.engine.reconciliation import compare, unexplained_by_deposits
from ballast.app.ports import TradeFilter
from ballast.app.resealing import sealed_under
from ballast.core.index import Asset, Index
from ballast.core.ledger import Account
from ballast.core.states import SwapState, is_terminal
from ballast.core.trading import Swap

PAGE = 500


@dataclass(slots=True)
class VerifyReport:
    """What was checked, and everything that is wrong.

    Attributes:
        in_motion: assets that a running swap or deposit is moving, so that they were not compared.
        next_steps: what to do about problems that have a way out.
    """

    indexes: int = 0
    balances_compared: int = 0
    in_motion: int = 0
    problems: list[str] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


async def verify(app: App) -> VerifyReport:
    """Check everything of every owner.

    Raises:
        BallastError: `venue_unavailable` when the venue cannot be compared with.
    """
    report = VerifyReport(problems=await app.store.check())
    for index in await all_indexes(app):
        report.indexes += 1
        await _check_index(app, index, report)
    report.problems += (await verify_audit(app)).problems
    report.next_steps += await _ways_to_open(app)
    return report


async def all_indexes(app: App) -> list[Index]:
    """Every index of every owner, archived ones too, page by page."""
    async with app.store.read() as reader:
        owners = await reader.owners()
    found: list[Index] = []
    for owner_id in owners:
        after = None
        while True:
            async with app.store.read() as reader:
                page = await reader.list_indexes(owner_id, archived=True, after=after, limit=PAGE)
            found += page
            if len(page) < PAGE:
                break
            after = page[-1].index_id
    return found


async def all_swaps(app: App, index: Index) -> list[Swap]:
    """Every swap of an index, newest first."""
    found: list[Swap] = []
    after = None
    while True:
        wanted = TradeFilter(index_id=index.index_id, after=after, limit=PAGE)
        async with app.store.read() as reader:
            page = await reader.list_swaps(index.owner_id, wanted)
        found += page
        if len(page) < PAGE:
            return found
        after = page[-1].swap_id


async def _check_index(app: App, index: Index, report: VerifyReport) -> None:
    swaps = await all_swaps(app, index)
    open_swaps = [one for one in swaps if not is_terminal(one.state)]
    report.problems += await _state_problems(app, index, swaps, open_swaps)
    leaving = {one.sell for one in open_swaps}
    arriving = {one.buy for one in open_swaps}
    differences, _ = await compare(app, index.owner_id, index.index_id)
    report.balances_compared += 1
    left = await unexplained_by_deposits(app, index.index_id, differences)
    report.in_motion += len(differences) - len(left)
    async with app.store.read() as reader:
        assets = await reader.get_assets([gap.asset_id for gap in left])
    for gap in left:
        if gap.asset_id in (arriving if gap.units > 0 else leaving):
            report.in_motion += 1
            continue
        side = "more" if gap.units > 0 else "less"
        asset = assets.get(gap.asset_id)
        amount = f" ({whole(asset, abs(gap.units))})" if asset else ""
        report.problems.append(
            f"{index.name}: the venue holds {abs(gap.units)} base units {side} of "
            f"{gap.asset_id}{amount} than the ledger."
        )


async def _state_problems(
    app: App, index: Index, swaps: list[Swap], open_swaps: list[Swap]
) -> list[str]:
    async with app.store.read() as reader:
        envelope = await reader.get_key(index.index_id)
        balances = await reader.balances(index.index_id)
        active = await reader.active_rebalance(index.index_id)
        assets = await reader.get_assets(sorted({asset_id for asset_id, _ in balances}))
    problems = _set_aside_problems(index, balances, open_swaps, assets)
    if envelope is None or not app.vault.can_open(envelope):
        problems.append(f"{index.name}: its key does not open under the present master key.")
    orphans = [
        one for one in open_swaps if active is None or one.rebalance_id != active.rebalance_id
    ]
    problems += [f"Swap {one.swap_id} is open, but its rebalance has ended." for one in orphans]
    problems += [
        f"Swap {one.swap_id} settled below its signed minimum."
        for one in swaps
        if one.state is SwapState.SETTLED and (one.output_units or 0) < (one.minimum_units or 0)
    ]
    for (asset_id, account), units in balances.items():
        if account is Account.UNEXPLAINED and units:
            amount = amount_of(assets, asset_id, abs(units))
            how = f"Once you know why: ballast reconcile {index.index_id} --accept"
            problems.append(f"{index.name}: {amount} are unexplained. {how}")
    return problems


async def _ways_to_open(app: App) -> list[str]:
    """What to do about what is under another master key than the present one."""
    async with app.store.read() as reader:
        needed = await sealed_under(reader) - {app.vault.master_key_id}
    return [_way_to_open(one, app.vault.kept_file(one)) for one in sorted(needed)]


def _way_to_open(master_key_id: str, kept: Path | None) -> str:
    again = "ballast backup NEW_FILE, then ballast restore NEW_FILE"
    if kept is not None:
        return (
            f"{kept} holds the master key {master_key_id} that some of it needs. To encrypt that "
            f"under the present one: {again}."
        )
    return (
        f"Some of it needs the master key {master_key_id}. If you have a copy: {again} "
        "--key THE_COPY encrypts it under the present one."
    )


def _set_aside_problems(
    index: Index,
    balances: dict[tuple[str, Account], int],
    open_swaps: list[Swap],
    assets: dict[str, Asset],
) -> list[str]:
    """What is reserved or in flight belongs to open swaps, to the base unit."""
    wanted: dict[str, int] = {}
    for one in open_swaps:
        wanted[one.sell] = wanted.get(one.sell, 0) + one.input_units
    there: dict[str, int] = {}
    for (asset_id, account), units in balances.items():
        if account in (Account.RESERVED, Account.IN_FLIGHT):
            there[asset_id] = there.get(asset_id, 0) + units
    return [
        f"{index.name}: {amount_of(assets, asset_id, there.get(asset_id, 0))} set aside, "
        f"but open swaps account for {amount_of(assets, asset_id, wanted.get(asset_id, 0))}."
        for asset_id in sorted(wanted.keys() | there.keys())
        if wanted.get(asset_id, 0) != there.get(asset_id, 0)
    ]
