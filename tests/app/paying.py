"""Deposits in a world: addresses, somebody outside who pays, and what came of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ballast.core.ledger import Entry, held
from ballast.devnet.admin import SendBody, send_from_outside
from ballast.devnet.faults import add_fault
from tests.app.world import World


async def address(world: World, index: Any, asset: str, amount: str | None = "100") -> Any:
    """A deposit address."""
    return await world.call("deposit_address", index_id=index.index_id, asset=asset, amount=amount)


def pay(world: World, deposit: Any, amount: str | int, asset_id: str | None = None) -> str:
    """Somebody outside pays: whole units of an asset with six decimals, or base units as int."""
    units = amount if isinstance(amount, int) else int(Decimal(amount) * 10**6)
    body = SendBody(
        address=deposit.address, memo=deposit.memo or "", amount=str(units), asset_id=asset_id
    )
    return str(send_from_outside(world.devnet.network, body)["tx_hash"])


async def pay_over_http(world: World, deposit: Any, amount: str) -> None:
    """As `pay`, through the devnet's door, where faults strike."""
    assert world.app.outside_wallet is not None
    units = int(Decimal(amount) * 10**6)
    await world.app.outside_wallet.send(
        deposit.address,
        deposit.memo,
        deposit.pay.asset_id,
        units,
        reference=f"test {deposit.deposit_id}",
    )


def fault(
    world: World, kind: str, route: str = "devnet-send", count: int | None = 1, **settings: Any
) -> None:
    """Let the devnet misbehave."""
    add_fault(world.devnet.network, route, kind, settings, count=count)


async def progress(world: World, deposit: Any) -> Any:
    """How it stands."""
    return await world.call("get_progress", id=deposit.deposit_id)


async def payments(world: World, deposit: Any) -> list[tuple[str, int | None]]:
    """Transaction and base units of each payment seen."""
    async with world.app.store.read() as reader:
        found = await reader.payments_of(deposit.deposit_id)
    return [(one.external_id, one.units) for one in found]


async def entries(world: World, index: Any) -> list[Entry]:
    """What was booked, in order."""
    async with world.app.store.read() as reader:
        return [one.entry for one in await reader.list_entries(index.index_id)]


async def holdings(world: World, index: Any) -> dict[str, int]:
    """Base units by asset, by the ledger."""
    async with world.app.store.read() as reader:
        return held(await reader.balances(index.index_id))


async def reasons(world: World, index: Any) -> list[str]:
    """Why things were decided, newest first."""
    async with world.app.store.read() as reader:
        return [one.reason for one in await reader.list_decisions(index.index_id, 50)]


async def agrees(world: World, index: Any) -> None:
    """The ledger is the devnet's own tables, to the unit, and everything else holds."""
    rows = world.devnet.network.store.all(
        "SELECT asset_id, amount FROM balances WHERE account = ?", index.account_id
    )
    theirs = {row["asset_id"]: int(row["amount"]) for row in rows if int(row["amount"])}
    assert await holdings(world, index) == theirs
    assert await world.verified()
