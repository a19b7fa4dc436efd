"""Everything there is about a swap, deposit, withdrawal or rebalance, for the venue's support.

Ids, hashes, signatures, times, quotes, and what the venue says now. No keys, no settings.
"""

from __future__ import annotations

from typing import Any

from ballast import __version__
from ballast.app.app import App
from ballast.app.export import plain
from ballast.app.ports import Reader
from ballast.core.ids import IdKind, require_id
from ballast.core.trading import Swap
from ballast.errors import BallastError, ErrorCode


async def incident(app: App, owner_id: str, item_id: str) -> dict[str, Any]:
    """The bundle of one item.

    Raises:
        BallastError: `invalid_input` for an id of another kind, `not_found`.
    """
    kind = require_id(item_id, IdKind.SWAP, IdKind.DEPOSIT, IdKind.WITHDRAWAL, IdKind.REBALANCE)
    async with app.store.read() as reader:
        found = await _collect(reader, owner_id, kind, item_id)
        if found is None:
            raise BallastError(ErrorCode.NOT_FOUND, "There is no such thing.", id=item_id)
        index = await reader.get_index(owner_id, found.pop("index_id"))
        entries = await reader.list_entries(index.index_id) if index else []
    references = {item_id, *(one["swap_id"] for one in found.get("swaps", []))}
    assert index is not None, "every item belongs to an index"
    return {
        "ballast": __version__,
        "mode": app.mode,
        "made_at": plain(app.clock.now()),
        "venue": app.venue.name,
        "index_id": index.index_id,
        "account_id": index.account_id,
        **found,
        "ledger_entries": plain([one for one in entries if one.entry.reference in references]),
        "venue_now": await _venue_now(app, found),
    }


async def _collect(
    reader: Reader, owner_id: str, kind: IdKind, item_id: str
) -> dict[str, Any] | None:
    match kind:
        case IdKind.DEPOSIT:
            return await _deposit(reader, owner_id, item_id)
        case IdKind.SWAP:
            swap = await reader.get_swap(owner_id, item_id)
            return None if swap is None else await _swaps(reader, swap.index_id, [swap])
        case IdKind.WITHDRAWAL:
            withdrawal = await reader.get_withdrawal(owner_id, item_id)
            if withdrawal is None:
                return None
            legs = await reader.swaps_of(withdrawal.rebalance_id or "")
            found = await _swaps(reader, withdrawal.index_id, legs)
            return {**found, "withdrawal": plain(withdrawal)}
        case _:
            rebalance = await reader.get_rebalance(owner_id, item_id)
            if rebalance is None:
                return None
            found = await _swaps(reader, rebalance.index_id, await reader.swaps_of(item_id))
            return {**found, "rebalance": plain(rebalance)}


async def _deposit(reader: Reader, owner_id: str, deposit_id: str) -> dict[str, Any] | None:
    deposit = await reader.get_deposit(owner_id, deposit_id)
    if deposit is None:
        return None
    return {
        "index_id": deposit.index_id,
        "deposit": plain(deposit),
        "payments": plain(await reader.payments_of(deposit_id)),
        "decisions": plain(await reader.decisions_about(deposit_id)),
    }


async def _swaps(reader: Reader, index_id: str, swaps: list[Swap]) -> dict[str, Any]:
    intents = [intent for one in swaps for intent in await reader.intents_of(one.swap_id)]
    return {"index_id": index_id, "swaps": plain(swaps), "intents": plain(intents)}


async def _venue_now(app: App, found: dict[str, Any]) -> list[dict[str, Any]]:
    """What the venue says of every address in the bundle; a silent venue does not spoil it."""
    items = [*found.get("swaps", []), *([found["deposit"]] if "deposit" in found else [])]
    answers = []
    for one in items:
        address = one.get("deposit_address") or one.get("address")
        memo = one.get("deposit_memo") or one.get("memo")
        if address:
            answers.append({"address": address, "status": await _status(app, address, memo)})
    return answers


async def _status(app: App, address: str, memo: str | None) -> Any:
    try:
        return plain(await app.venue.swap_status(address, memo))
    except BallastError as silent:
        return {"error": silent.code.value, "message": silent.message}
