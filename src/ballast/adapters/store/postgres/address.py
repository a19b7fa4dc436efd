"""Where the database is: its URL, and what may be said of it."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from ballast.errors import BallastError, ErrorCode

CONNECT_TIMEOUT_SECONDS: Final = 10
# How long a write waits for the one before it, and how long a process may stand still in the
# middle of one before the server gives up on it: then it was stopped, or its machine is gone.
LOCK_TIMEOUT_MS: Final = 10_000
IDLE_IN_TRANSACTION_MS: Final = 10_000
# A machine that vanished without a word is noticed within seconds, and its locks are free again.
_OPTIONS: Final[dict[str, Any]] = {
    "lock_timeout": LOCK_TIMEOUT_MS,
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
}


class Address:
    """A database on a server.

    Args:
        url: `postgresql://user:password@host:port/database`, or libpq's other forms of it.

    Attributes:
        name: the database and its server, without user and password: for messages.

    Raises:
        BallastError: `settings_invalid` when it is no such URL. Its text is not repeated.
    """

    def __init__(self, url: SecretStr) -> None:
        try:
            parts = conninfo_to_dict(url.get_secret_value())
        except psycopg.ProgrammingError:
            raise BallastError(
                ErrorCode.SETTINGS_INVALID,
                "BALLAST_DATABASE_URL is no URL of a Postgres database: "
                "postgresql://user:password@host:5432/database.",
            ) from None
        database = parts.get("dbname") or parts.get("user") or "postgres"
        host = parts.get("host") or parts.get("hostaddr") or "this machine"
        self.name = f"{database} on {host}"
        self._url = url

    def __repr__(self) -> str:
        return f"Address({self.name})"

    def conninfo(self) -> str:
        """For libpq, with our options. Holds the password: never to be shown."""
        url = self._url.get_secret_value()
        given = conninfo_to_dict(url)
        options = " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items())
        own = f"{given['options']} " if given.get("options") else ""
        return make_conninfo(
            url,
            options=own + options,
            connect_timeout=given.get("connect_timeout") or CONNECT_TIMEOUT_SECONDS,
            application_name=given.get("application_name") or "ballast",
        )
