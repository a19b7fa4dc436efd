"""What a message to Postgres asks, by the protocol of its clients (version 3)."""

from __future__ import annotations

import re

from tests.crash.system_calls import Stop, read_memory

# A letter for the kind, and four bytes for the length.
_HEAD = 5


def asked(stop: Stop) -> str:
    """The statement without its values; of a message that has none, the letter of its kind."""
    _, address, length, *_ = stop.arguments
    message = read_memory(stop.pid, address, length)
    kind, body = message[:1].decode("latin-1"), message[_HEAD:]
    if kind == "P":  # parse: the name it gets, then the text
        return body.split(b"\0")[1].decode()
    if kind == "Q":  # query: the text, in which we have no values but the numbers of locks
        return re.sub(r"-?\d+", "", body.rstrip(b"\0").decode())
    return kind
