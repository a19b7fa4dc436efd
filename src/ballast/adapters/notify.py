"""Messages to people through Apprise (the extra `notify`), which knows over a hundred services.

It works in threads of its own: what a service takes its time over holds up nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from ballast.core.events import Level
from ballast.core.wording import how_to_install
from ballast.errors import BallastError, ErrorCode

if TYPE_CHECKING:
    from apprise import Apprise

# Its log would tell addresses, which hold tokens, and what services answer.
logging.getLogger("apprise").setLevel(logging.CRITICAL)

_TYPES: Final = {Level.INFO: "info", Level.WARNING: "warning", Level.CRITICAL: "failure"}
SECONDS: Final = 30.0


class AppriseNotifier:
    """Fulfils the port `Notifier`."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="notify")

    def require(self) -> None:
        """Refuse to go on without the extra.

        Raises:
            BallastError: `settings_invalid`.
        """
        _require_library()

    def service_of(self, address: str) -> str:
        """Which service an address is of.

        Raises:
            BallastError: `invalid_input`; `settings_invalid` without the extra.
        """
        made = _apprise(address)
        if made is None:
            raise BallastError(
                ErrorCode.INVALID_INPUT,
                "This is no address of a service that can be notified.",
                problems=[
                    {"field": "url", "problem": "must be written as https://appriseit.com says"}
                ],
            )
        return address.partition("://")[0].lower()

    async def send(self, address: str, title: str, text: str, level: Level) -> str:
        """Send one message; why it could not be sent, or nothing."""
        try:
            async with asyncio.timeout(self._seconds):
                sent = await asyncio.get_running_loop().run_in_executor(
                    self._threads, _send, address, title, text, _TYPES[level]
                )
        except TimeoutError:
            return "the service took too long"
        except BallastError as missing:
            return missing.message
        return "" if sent else "the service did not take it"

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _send(address: str, title: str, text: str, kind: Any) -> bool:
    made = _apprise(address)
    return made is not None and bool(made.notify(body=text, title=title, notify_type=kind))


def _require_library() -> None:
    try:
        import apprise  # noqa: F401
    except ImportError:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID,
            f"Notifications need the extra `notify`: {how_to_install('notify')}.",
        ) from None


def _apprise(address: str) -> Apprise | None:
    """The library on one address; None when it is none."""
    _require_library()
    from apprise import Apprise, AppriseAsset

    # Our text is text: nothing in it is read as escapes, emoji or markup.
    asset = AppriseAsset(interpret_escapes=False, interpret_emojis=False, app_id="Ballast")
    made = Apprise(asset=asset)
    return made if made.add(address) and len(made) == 1 else None
