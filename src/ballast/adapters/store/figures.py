"""Counts over everybody's rows. Each is found in an index, however much there has been."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, null, select, text

from ballast.adapters.store import tables as t
from ballast.adapters.store.migrate import newest_revision
from ballast.adapters.store.outbox_tables import deliveries, events, webhooks
from ballast.adapters.store.row_session import RowReader
from ballast.adapters.store.rows import reading
from ballast.app.ports import StoreFigures
from ballast.core.ledger import Account, from_microseconds
from ballast.core.states import DeliveryState, IntentState, is_terminal

_OPEN: Final[list[ColumnElement[str]]] = [
    literal_column(f"'{one.value}'") for one in IntentState if not is_terminal(one)
]
_INTENTS: Final = select(t.intents.c.state, func.count().label("found")).group_by(t.intents.c.state)
_OLDEST_OPEN: Final = select(func.min(t.intents.c.created_at).label("at")).where(
    t.intents.c.state.in_(_OPEN)
)
# Added up in Python: SUM over text would be a float.
_OUT: Final = select(t.balances.c.asset_id, t.balances.c.account, t.balances.c.units).where(
    text(t.OUT)
)
_LAST_PRICE: Final = (
    select(t.observations.c.usd)
    .where(t.observations.c.asset_id == bindparam("asset_id"))
    .order_by(t.observations.c.observed_at.desc())
    .limit(1)
)
_DECIMALS: Final = select(t.assets.c.decimals).where(t.assets.c.asset_id == bindparam("asset_id"))
_RECONCILE: Final = select(func.min(t.indexes.c.reconcile_at).label("at")).where(
    t.indexes.c.reconcile_at.is_not(null())
)
_UNTOLD: Final = select(func.count().label("found")).where(events.c.told_at.is_(null()))
_DELIVERIES: Final = {
    # As the index says it: a bound value would not find it.
    state: select(func.count().label("found")).where(
        deliveries.c.state == literal_column(f"'{state.value}'")
    )
    for state in (DeliveryState.PENDING, DeliveryState.DEAD)
}
_FAILING: Final = (
    select(func.count().label("found"))
    .select_from(webhooks)
    .where(webhooks.c.failing_since.is_not(null()))
)
_HALTED: Final = (
    select(func.count().label("found"))
    .select_from(t.meta)
    .where(t.meta.c.key.like("trading_halted:%"), t.meta.c.value != "no")
)
_REVISION: Final[Select[Any]] = select(literal_column("version_num").label("revision")).select_from(
    text("alembic_version")
)


class SqlFiguresReader(RowReader):
    """Fulfils the port `FiguresReader`."""

    async def figures(self) -> StoreFigures:
        """What the rows say, over all owners."""
        counted = {row["state"]: int(row["found"]) for row in await self._session.rows(_INTENTS)}
        [oldest] = await self._session.rows(_OLDEST_OPEN)
        [reconcile] = await self._session.rows(_RECONCILE)
        out = await self._out()
        in_flight = {one: units for (one, account), units in out.items() if account == _FLYING}
        usd, decimals = await self._prices(in_flight)
        return StoreFigures(
            intents={state: counted.get(state.value, 0) for state in IntentState},
            oldest_open_intent=None if oldest["at"] is None else from_microseconds(oldest["at"]),
            in_flight=in_flight,
            unexplained={one: units for (one, account), units in out.items() if account == _LOST},
            usd=usd,
            decimals=decimals,
            reconcile_at=None if reconcile["at"] is None else from_microseconds(reconcile["at"]),
            untold_events=await self._count(_UNTOLD),
            pending_deliveries=await self._count(_DELIVERIES[DeliveryState.PENDING]),
            dead_deliveries=await self._count(_DELIVERIES[DeliveryState.DEAD]),
            webhooks_failing=await self._count(_FAILING),
            owners_halted=await self._count(_HALTED),
        )

    async def revision_fault(self) -> str | None:
        """What keeps the tables from being those that this Ballast knows."""
        found = [str(row["revision"])[:40] for row in await self._session.rows(_REVISION)]
        if found == [newest_revision()]:
            return None
        return (
            f"The database has revision {', '.join(found) or 'none'}, and this Ballast needs "
            f"{newest_revision()}: start all processes again with one version."
        )

    async def _count(self, statement: Select[Any]) -> int:
        [row] = await self._session.rows(statement)
        return int(row["found"])

    async def _out(self) -> dict[tuple[str, Account], int]:
        """What is on the accounts that should be empty; amounts, whatever the sign."""
        units: dict[tuple[str, Account], int] = defaultdict(int)
        with reading(t.balances):
            for row in await self._session.rows(_OUT):
                units[row["asset_id"], Account(row["account"])] += abs(int(row["units"]))
        return units

    async def _prices(self, asset_ids: Iterable[str]) -> tuple[dict[str, Decimal], dict[str, int]]:
        usd, decimals = dict[str, Decimal](), dict[str, int]()
        with reading(t.observations):
            for one in asset_ids:
                for row in await self._session.rows(_LAST_PRICE, asset_id=one):
                    usd[one] = Decimal(row["usd"])
                for row in await self._session.rows(_DECIMALS, asset_id=one):
                    decimals[one] = int(row["decimals"])
        return usd, decimals


_FLYING: Final = Account.IN_FLIGHT
_LOST: Final = Account.UNEXPLAINED
