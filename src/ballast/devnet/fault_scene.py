"""What a fault sees when it strikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ballast.devnet.network import Network
from ballast.devnet.wire import Call


@dataclass(frozen=True, slots=True)
class Scene:
    """One request, the door it came to, and the settings of the fault that struck it."""

    network: Network
    call: Call
    door: str
    settings: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """A setting."""
        return self.settings[name]
