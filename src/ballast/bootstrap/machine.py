"""What an app takes from the machine it runs on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ballast.adapters.store import SqlStore
    from ballast.app.ports import Clock

Wire = Callable[..., Any]
"""An ASGI application."""


def straight(app: Wire) -> Wire:
    """The way to the embedded devnet as it is: nothing is lost or delayed on it."""
    return app


@dataclass(frozen=True, slots=True)
class Machine:
    """What an app takes from the machine it runs on, when it is to be something else.

    Attributes:
        random_bytes: the source of all randomness (ids, nonces, keys); the operating system's
            cryptographic one if not given.
        open_store: how the database file is opened; as it is meant to be if not given: each
            commit is on the disk before it is answered.
        clock: what the machine takes for the time of the embedded devnet; it is right if not given.
    """

    random_bytes: Callable[[int], bytes] | None = None
    open_store: Callable[[Path], Awaitable[SqlStore]] | None = None
    clock: Callable[[Clock], Clock] | None = None
