"""Differences that an owner has looked at: what is unexplained is booked as what the venue has.

What the venue holds less than the ledger is booked as unexplained, and so is what a swap that was
written off never brought. There it stays, and `verify` names it, until the owner says that they
know. It is no money that was paid out: what an index has returned stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.engine.reconciliation import Difference, compare
from ballast.app.engine.rows import note
from ballast.app.indexes import require_index
from ballast.app.operation import Caller
from ballast.core.ids import IdKind
from ballast.core.index import Asset, Index
from ballast.core.ledger import Account, Entry, EntryKind, transfer
from ballast.core.wording import amount_shown
from ballast.errors import BallastError, ErrorCode


@dataclass(frozen=True, slots=True)
class Unexplained:
    """What is unexplained of an index, and how the venue stands beside the ledger now.

    Attributes:
        units: of each asset; above zero is missing.
        differences: that are not booked yet.
        sequence: of the ledger when that was read.
    """

    index: Index
    units: dict[str, int]
    differences: list[Difference]
    assets: dict[str, Asset]
    sequence: int

    def lines(self) -> list[str]:
        """What is unexplained, for people."""
        return [
            f"{amount_of(self.assets, asset_id, abs(units))} "
            f"{'missing' if units > 0 else 'too much'}"
            for asset_id, units in self.units.items()
        ]

    def not_booked(self) -> list[str]:
        """What differs besides, for people."""
        return [
            f"the venue holds {amount_of(self.assets, one.asset_id, abs(one.units))} "
            f"{'more' if one.units > 0 else 'less'} than the ledger"
            for one in self.differences
        ]


def amount_of(assets: dict[str, Asset], asset_id: str, units: int) -> str:
    """An amount in base units, and in whole ones if the asset is known."""
    text = f"{units} base units of {asset_id}"
    asset = assets.get(asset_id)
    return f"{text} ({whole(asset, units)})" if asset else text


def whole(asset: Asset, units: int) -> str:
    """An amount in whole units, for people."""
    return f"{amount_shown(units, asset.decimals)} {asset.symbol} on {asset.chain}"


async def what_is_unexplained(app: App, owner_id: str, index_id: str) -> Unexplained:
    """Read what is unexplained, and compare with the venue; nothing changes.

    Raises:
        BallastError: `not_found`; `venue_unavailable`.
    """
    async with app.store.read() as reader:
        index = await require_index(reader, owner_id, index_id)
    differences, sequence = await compare(app, owner_id, index_id)
    async with app.store.read() as reader:
        balances = await reader.balances(index_id)
        units = _unexplained(balances)
        assets = await reader.get_assets(sorted({*units, *[one.asset_id for one in differences]}))
    return Unexplained(index, units, differences, assets, sequence)


async def accept(app: App, caller: Caller, seen: Unexplained) -> None:
    """Book what was seen as unexplained as the venue's, at the owner's word.

    Raises:
        BallastError: `nothing_to_do` when nothing is; `plan_stale` if anything was booked since.
    """
    index = seen.index
    if not seen.units:
        raise BallastError(
            ErrorCode.NOTHING_TO_DO, "Nothing of this index is unexplained.", index=index.name
        )
    now, reference = app.clock.now(), f"accepted:{seen.sequence}"
    async with app.store.transaction(index.index_id) as tx:
        head, _ = await tx.ledger_head(index.index_id)
        if head != seen.sequence or _unexplained(await tx.balances(index.index_id)) != seen.units:
            raise BallastError(
                ErrorCode.PLAN_STALE, "Something was booked meanwhile: look at it again."
            )
        for asset_id, units in seen.units.items():
            entry = Entry(
                entry_id=app.ids.new(IdKind.ENTRY),
                owner_id=index.owner_id,
                index_id=index.index_id,
                kind=EntryKind.CORRECTION,
                reference=reference,
                external_key=f"{index.index_id}:{reference}:{asset_id}",
                event_at=now,
                postings=transfer(asset_id, units, Account.UNEXPLAINED, Account.VENUE),
            )
            await tx.post(entry, now)
        facts: dict[str, object] = {one: str(units) for one, units in seen.units.items()}
        await note(
            app,
            tx,
            owner_id=index.owner_id,
            index_id=index.index_id,
            reason="difference_accepted",
            summary=f"The owner knows of a difference: {'; '.join(seen.lines())}.",
            reference=reference,
            facts=facts,
        )
        await audit(app, tx, caller, "accept_difference", index.index_id, units=facts)


def _unexplained(balances: dict[tuple[str, Account], int]) -> dict[str, int]:
    return {
        asset_id: units
        for (asset_id, account), units in sorted(balances.items())
        if account is Account.UNEXPLAINED and units
    }
