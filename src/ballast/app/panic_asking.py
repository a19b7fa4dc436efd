"""A conversation asks for everything to be sold, and a person has to agree to just that.

What was asked is one row for each owner: which indexes, within which budget. A person's word is for
that row, is used once, and is worth nothing for anything else.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.operation import Caller
from ballast.app.ports import Reader, Transaction
from ballast.core.ids import IdKind
from ballast.core.index import Index
from ballast.core.money import format_percent_bps
from ballast.core.wording import counted
from ballast.errors import BallastError, ErrorCode

# As long as a plan: long enough to read what is listed, and to reach a terminal.
ASKED_FOR: Final = timedelta(minutes=5)
_KEY: Final = "panic_asked:{}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a conversation wants to have sold.

    Attributes:
        indexes: their ids, sorted.
        by: where a person has agreed to it; empty while none has.
    """

    question_id: str
    indexes: tuple[str, ...]
    budget_bps: int
    expires_at: datetime
    by: str = ""


async def agreed(
    app: App, tx: Transaction, caller: Caller, indexes: list[Index], budget_bps: int
) -> bool:
    """Whether a person has agreed to selling just these within this budget. Their word is used up
    by it. If nobody has, what is asked for is kept for a person to answer.
    """
    asked = await _asked(tx, caller.owner_id)
    wanted = tuple(sorted(one.index_id for one in indexes))
    same = asked is not None and (asked.indexes, asked.budget_bps) == (wanted, budget_bps)
    if same and asked is not None and app.clock.now() < asked.expires_at:
        if asked.by:
            await tx.put_meta(_KEY.format(caller.owner_id), "")
        return bool(asked.by)
    fresh = Asked(
        question_id=app.ids.new(IdKind.QUESTION),
        indexes=wanted,
        budget_bps=budget_bps,
        expires_at=app.clock.now() + ASKED_FOR,
    )
    await _keep(tx, caller.owner_id, fresh)
    await audit(
        app, tx, caller, "panic_asked", fresh.question_id, budget_bps=budget_bps, indexes=wanted
    )
    return False


async def refusal_of_unasked(reader: Reader, owner_id: str) -> BallastError:
    """What the conversation is told while nobody has agreed."""
    asked = await _asked(reader, owner_id)
    assert asked is not None, "what is refused was asked"
    return BallastError(
        ErrorCode.CONFIRMATION_NEEDED,
        "Nothing is bought from now on. Selling all of "
        f"{counted(len(asked.indexes), 'index', 'indexes')} needs a person's word in a terminal, "
        f"with: ballast confirm {asked.question_id}. Then call "
        "halt_trading in the same way again.",
        plan_id=asked.question_id,
        asked_usd="everything",
        confirm_above_usd="0.00",
    )


async def lines_about(app: App, reader: Reader, owner_id: str, question_id: str) -> list[str]:
    """What a person would agree to, a line each.

    Raises:
        BallastError: `not_found`, `plan_expired`.
    """
    asked = await _open(app, reader, owner_id, question_id)
    found = [await reader.get_index(owner_id, one) for one in asked.indexes]
    return [
        f"each swap at worst {format_percent_bps(asked.budget_bps)} % below the price, and past "
        "the limits on size, turnover and cost",
        "nothing is bought again until the owner resumes trading in a terminal",
        *[f"all that {one.name} holds" for one in found if one is not None],
    ]


async def agree(app: App, caller: Caller, question_id: str, by: str) -> None:
    """Keep a person's word; a second time changes nothing.

    Raises:
        BallastError: `not_found`, `plan_expired`.
    """
    async with app.store.transaction() as tx:
        asked = await _open(app, tx, caller.owner_id, question_id)
        if not asked.by:
            await _keep(tx, caller.owner_id, replace(asked, by=by))
            await audit(app, tx, caller, "confirm_panic", question_id, by=by)


async def _open(app: App, reader: Reader, owner_id: str, question_id: str) -> Asked:
    asked = await _asked(reader, owner_id)
    if asked is None or asked.question_id != question_id:
        raise BallastError(
            ErrorCode.NOT_FOUND,
            "Nobody asks this any more: it was answered and done, or something else was asked.",
            plan_id=question_id[:60],
        ).advising("Let the conversation ask anew, or say ballast panic, in a terminal.")
    if app.clock.now() >= asked.expires_at:
        raise BallastError(
            ErrorCode.PLAN_EXPIRED,
            f"This was asked until {asked.expires_at:%Y-%m-%d %H:%M:%S} UTC.",
            plan_id=question_id,
        )
    return asked


async def _asked(reader: Reader, owner_id: str) -> Asked | None:
    text = await reader.get_meta(_KEY.format(owner_id))
    if not text:
        return None
    row = json.loads(text)
    expires_at = datetime.fromisoformat(row["expires_at"])
    return Asked(**{**row, "indexes": tuple(row["indexes"]), "expires_at": expires_at})


async def _keep(tx: Transaction, owner_id: str, asked: Asked) -> None:
    row = asdict(asked) | {"expires_at": asked.expires_at.isoformat()}
    await tx.put_meta(_KEY.format(owner_id), json.dumps(row))
