"""`GET /`: a page on which a person can watch, and turn a few knobs. See `data/page.html`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ballast.devnet.network import Network
from ballast.devnet.wire import Call, Reply

_FILE: Final = Path(__file__).parent / "data" / "page.html"
# One file and no other resource; it talks to this server alone and is in nobody's frame.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def page(network: Network, call: Call) -> Reply:
    """The page as it lies in the package."""
    return Reply(
        200,
        None,
        headers={"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"},
        text=_FILE.read_text(encoding="utf-8"),
        media_type="text/html",
    )
