"""Postgres' errors in our words, by SQLSTATE. None of the library's own leaves the adapter."""

from __future__ import annotations

from typing import Final

import psycopg

from ballast.adapters.store.errors import RuleBrokenError, our_mistake, store_error
from ballast.app.ports import StateMovedError
from ballast.errors import BallastError, ErrorCode

# https://www.postgresql.org/docs/current/errcodes-appendix.html. By whole code, else by class.
_MOVED: Final = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_BUSY: Final = frozenset({"55P03", "57014"})  # lock_timeout and statement_timeout ran out
_DAMAGED: Final = frozenset({"XX001", "XX002"})  # data_corrupted, index_corrupted
_REFUSED: Final = frozenset({"3D000", "42501"})  # no such database, no such right
_BROKEN_RULES: Final = "23"
_NOT_LET_IN: Final = "28"
_TURNED_AWAY: Final = ("authentication failed", "does not exist", "pg_hba.conf", "no password")
# Connection, resources, shutdown, system; and 25: read-only, or idle for too long.
_UNAVAILABLE: Final = frozenset({"08", "25", "53", "57", "58"})


def translated(error: psycopg.Error, database: str) -> Exception:
    """What to raise instead of a driver's error.

    Args:
        error: psycopg's.
        database: its name and its server, without user and password.
    """
    state = error.sqlstate
    if state is None:
        return _without_state(error, database)
    if state in _MOVED:
        return StateMovedError(f"Postgres undid this transaction for another one ({state})")
    if state.startswith(_BROKEN_RULES):
        return RuleBrokenError(error.diag.constraint_name or error.diag.message_primary or state)
    if state in _BUSY:
        return store_error(ErrorCode.STORE_BUSY, "is busy with other writers", database)
    if state in _DAMAGED:
        return store_error(ErrorCode.STORE_DAMAGED, "is damaged", database, reason=state)
    if state in _REFUSED or state.startswith(_NOT_LET_IN):
        return not_let_in(database)
    if state[:2] in _UNAVAILABLE:
        return store_error(ErrorCode.STORE_UNAVAILABLE, "does not serve us", database, reason=state)
    return our_mistake(f"{state}: {error.diag.message_primary}")


def _without_state(error: psycopg.Error, database: str) -> Exception:
    """Errors of the client's side: the connection is lost, or a value does not fit."""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        # libpq keeps the SQLSTATE of a refused connection to itself; its text alone tells.
        turned_away = any(reason in str(error) for reason in _TURNED_AWAY)
        return not_let_in(database) if turned_away else unreachable(database)
    return our_mistake(str(error))


def unreachable(database: str) -> BallastError:
    """Nobody answers there, or not any more."""
    return store_error(ErrorCode.STORE_UNAVAILABLE, "does not answer", database)


def not_let_in(database: str) -> BallastError:
    """The server is there, but does not take this user, password or database."""
    return BallastError(
        ErrorCode.SETTINGS_INVALID,
        f"BALLAST_DATABASE_URL: the server does not let us in to the database {database}. "
        "Check its user, its password, and that the database is there.",
    )
