"""Limits: what is used up, what an owner allows, what waits to be wider, what was agreed to."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ballast.core.limits import Confirmation, LimitChange, Limits, Spending


class LimitReader(Protocol):
    """Reads of limits."""

    async def spending_since(self, owner_id: str, since: datetime) -> list[Spending]:
        """All swaps of an owner made after `since`, but for those that failed or were refunded:
        settled, reserved and unknown all count."""
        ...

    async def owner_limits(self, owner_id: str) -> Limits | None:
        """What the owner allows all indexes together; None while nothing was set."""
        ...

    async def get_limit_change(self, owner_id: str, change_id: str) -> LimitChange | None: ...
    async def list_limit_changes(self, owner_id: str) -> list[LimitChange]:
        """All that were ever asked for, newest first."""
        ...

    async def confirmation_of(self, owner_id: str, plan_id: str) -> Confirmation | None: ...


class LimitTransaction(LimitReader, Protocol):
    """Writes of limits."""

    async def put_owner_limits(self, owner_id: str, limits: Limits, at: datetime) -> None: ...
    async def add_limit_change(self, change: LimitChange) -> None: ...
    async def save_limit_change(self, change: LimitChange, was: str) -> None:
        """Replace a change whose outcome is still `was`; StateMovedError otherwise."""
        ...

    async def add_confirmation(self, confirmation: Confirmation) -> None: ...
