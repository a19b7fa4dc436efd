"""Messages to receivers, signed as Standard Webhooks says (standardwebhooks.com, version 1)."""

from __future__ import annotations

from ballast.adapters.http import Posted, ReceiverPoster
from ballast.app.ports import Attempt, Message


class HttpReceivers:
    """Fulfils the port `Receivers`."""

    def __init__(self, poster: ReceiverPoster) -> None:
        self._poster = poster

    def check_url(self, url: str) -> None:
        """Refuse a URL that is never sent to. Raises BallastError `url_not_allowed`."""
        self._poster.check_url(url)

    async def send(self, message: Message) -> Attempt:
        """Sign a message and send it once."""
        posted = await self._poster.post(message.url, signed(message), message.body.encode())
        return Attempt(posted.status, posted.problem or _said(posted))

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()


def signed(message: Message) -> dict[str, str]:
    """The headers of a message, with a signature by each secret, the newest first."""
    from standardwebhooks import Webhook

    signatures = [
        Webhook(secret).sign(message.message_id, message.sent_at, message.body)
        for secret in message.secrets
    ]
    return {
        "Content-Type": "application/json",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(int(message.sent_at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _said(posted: Posted) -> str:
    status = posted.status or 0
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"it answered {status}; redirects are not followed"
    return f"it answered {status}"
