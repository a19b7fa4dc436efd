"""Everything but secrets, as plain data: for an owner's own records, or to leave."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from ballast import __version__
from ballast.app.app import App
from ballast.app.verify import all_indexes, all_swaps
from ballast.core.index import Index

EVERYTHING: Final = 1_000_000


async def export(app: App) -> dict[str, Any]:
    """All indexes with everything of theirs that moved or was decided, and where money may be sent.

    Amounts are text in base units, values text in pico-dollars, times ISO 8601 in UTC.
    """
    async with app.store.read() as reader:
        owners = await reader.owners()
        destinations = [one for each in owners for one in await reader.list_destinations(each)]
    return {
        "ballast": __version__,
        "mode": app.mode,
        "exported_at": plain(app.clock.now()),
        "destinations": plain(destinations),
        "indexes": [await _index(app, index) for index in await all_indexes(app)],
    }


async def _index(app: App, index: Index) -> dict[str, Any]:
    swaps = await all_swaps(app, index)
    async with app.store.read() as reader:
        intents = [intent for swap in swaps for intent in await reader.intents_of(swap.swap_id)]
        deposits = await reader.list_deposits(index.index_id, EVERYTHING)
        payments = [
            payment for one in deposits for payment in await reader.payments_of(one.deposit_id)
        ]
        return {
            **plain(index),
            "deposits": plain(deposits),
            "payments": plain(payments),
            "rebalances": plain(await reader.list_rebalances(index.index_id, EVERYTHING)),
            "withdrawals": plain(await reader.list_withdrawals(index.index_id, EVERYTHING)),
            "swaps": plain(swaps),
            "intents": plain(intents),
            "ledger_entries": plain(await reader.list_entries(index.index_id)),
            "decisions": plain(await reader.list_decisions(index.index_id, EVERYTHING)),
        }


def plain(value: Any) -> Any:
    """Plain data of a record: fields that end in _units or _pico, and `units`, become text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: _field(one.name, getattr(value, one.name))
            for one in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return _scalar(value)


def _field(name: str, value: Any) -> Any:
    is_amount = name == "units" or name.endswith(("_units", "_pico"))
    return str(value) if is_amount and isinstance(value, int) else plain(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, Decimal) else value
