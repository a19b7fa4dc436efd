"""Work that is about all indexes at once, by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from ballast.app.app import App
from ballast.app.ports import DueRow
from ballast.app.valuing import step_valuation

WORK: Final[Mapping[str, Callable[[App, DueRow], Awaitable[None]]]] = MappingProxyType(
    {"valuation": step_valuation}
)


async def step_schedule(app: App, row: DueRow) -> None:
    """Do what is due, and plan when to do it next; nothing when somebody else has done it."""
    async with app.store.read_once() as reader:
        due_at = await reader.schedule_due_at(row.row_id)
    if due_at == row.due_at:
        await WORK[row.row_id](app, row)
