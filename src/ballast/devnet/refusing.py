"""The body of an error, with the four fields seen live."""

from __future__ import annotations

from typing import Any

from ballast.devnet.clock import to_us
from ballast.devnet.network import Network
from ballast.devnet.wire import iso_millis


def error_body(network: Network, path: str, message: str | list[str]) -> dict[str, Any]:
    """message, correlationId, timestamp and path."""
    now = network.clock.now()
    return {
        "message": message,
        "correlationId": network.draws.uuid("error-correlation", (path, to_us(now), str(message))),
        "timestamp": iso_millis(now),
        "path": path,
    }
