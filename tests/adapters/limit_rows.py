"""A change of a limit that waits, a person's word, a sale, and words for a message, as
the store keeps them."""

from __future__ import annotations

from ballast.core.ledger import EPOCH
from ballast.core.limits import Confirmation, LimitChange
from ballast.core.notice_templates import NoticeTemplate
from ballast.core.panic import PanicSale
from ballast.core.states import SaleState
from tests.adapters.store_rows import INDEX, NOON, OWNER, after


def limit_change(number: int = 1, **changed: object) -> LimitChange:
    given: dict[str, object] = {
        "change_id": f"lim_{number}",
        "owner_id": OWNER,
        "index_id": INDEX,
        "field": "max_day_pico",
        "value": str(10**24),
        "asked_at": NOON,
        "usable_at": after(86_400),
        "wall_usable_at": after(86_401),
        "ended_at": None,
        "outcome": "waiting",
        "due_at": after(86_400),
    }
    return LimitChange(**(given | changed))  # type: ignore[arg-type]


def confirmation(plan_id: str = "pln_1", **changed: object) -> Confirmation:
    given: dict[str, object] = {
        "plan_id": plan_id,
        "owner_id": OWNER,
        "confirmed_at": after(5),
        "by": "terminal",
    }
    return Confirmation(**(given | changed))  # type: ignore[arg-type]


def panic_sale(**changed: object) -> PanicSale:
    given: dict[str, object] = {
        "sale_id": "pan_1",
        "owner_id": OWNER,
        "index_id": INDEX,
        "state": SaleState.WAITING,
        "budget_bps": 300,
        "rounds": 0,
        "rebalance_id": None,
        "note": "",
        "asked_at": NOON,
        "updated_at": NOON,
        "ended_at": None,
        "due_at": NOON,
    }
    return PanicSale(**(given | changed))  # type: ignore[arg-type]


def template(**changed: object) -> NoticeTemplate:
    given: dict[str, object] = {
        "owner_id": OWNER,
        "channel_id": "",
        "subject": "index.paused",
        "title": "Paused",
        "text": "${why}",
        "updated_at": NOON,
    }
    return NoticeTemplate(**(given | changed))  # type: ignore[arg-type]


# A row as it was before channels had words of their own, and what has become of it.
WORDS_OF_0019 = "INSERT INTO notice_templates VALUES ('own_1', 'critical', 'T', '${words}', 0)"
WORDS_OF_TODAY = NoticeTemplate("own_1", "", "critical", "T", "${words}", EPOCH)
