"""Somebody else's program on this machine that is told of events and believes no stranger.

It verifies what comes with the library of the Standard Webhooks, as docs/webhooks.md says, and
shares no code with what signs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from standardwebhooks import Webhook, WebhookVerificationError

_LONGEST_BODY: Final = 65_536


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came, and as the library read it."""

    headers: Mapping[str, str]
    body: bytes
    content: dict[str, Any]


class Receiver:
    """Takes what verifies with its secret, and answers 401 to all else.

    Attributes:
        secret: None until the owner has brought it.
        taken: what verified, in the order in which it came; a message that comes again once.
        refused: how many did not.
    """

    def __init__(self) -> None:
        self.secret: str | None = None
        self.taken: dict[str, Message] = {}
        self.refused = 0

    def take(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Keep a message if it is genuine; whether it is."""
        content = self._verified(headers, body)
        if content is None:
            self.refused += 1
            return False
        message_id = headers["webhook-id"]
        self.taken.setdefault(message_id, Message(headers, body, content))
        return True

    def sees_through(self, message: Message) -> bool:
        """Whether it would refuse this message with one character of its body changed."""
        forged = message.body.replace(b'"type":"', b'"type":"x', 1)
        assert forged != message.body, "every message has a type"
        return self._verified(message.headers, forged) is None

    def _verified(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any] | None:
        if self.secret is None:
            return None
        try:
            content: dict[str, Any] = Webhook(self.secret).verify(body, dict(headers))
        except WebhookVerificationError:
            return None
        return content


@contextmanager
def listening(receiver: Receiver) -> Iterator[str]:
    """Serve a receiver on a free port of loopback while the block runs; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("content-length", 0)), _LONGEST_BODY)
            body = self.rfile.read(length)
            named = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(204 if receiver.take(named, body) else 401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the console belongs to the story."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="receiver", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ballast"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
