"""What a store raises, whatever database it stands on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ballast.errors import BallastError, ErrorCode

# Rules of the schema whose breaking means something to a caller.
NAME_TAKEN: Final = "uq_indexes_owner_id"


class RuleBrokenError(Exception):
    """A constraint or trigger said no. Whoever expects it translates it; otherwise it is ours.

    Attributes:
        rule: name of the constraint, or what the database said of it.
    """

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def store_error(
    code: ErrorCode, what: str, database: Path | str, **details: object
) -> BallastError:
    """One sentence about the database.

    Args:
        database: its file, whose whole path is in the details; or its name and its server.
    """
    name, place = (
        (database.name, {"file": str(database)}) if isinstance(database, Path) else (database, {})
    )
    return BallastError(code, f"The database {name} {what}.", **place, **details)


def our_mistake(rule: str) -> BallastError:
    """A write that broke a rule of the schema: never a caller's fault."""
    return BallastError(
        ErrorCode.INTERNAL, "A write broke a rule of the database and was undone.", rule=rule[:300]
    )
