"""The product's database, read from outside: plain SQL on a connection of its own, so that what is
checked does not pass through the code that is being checked."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any


class Records:
    """Rows as they stand."""

    def __init__(self, database: Path) -> None:
        self._connection = sqlite3.connect(
            f"file:{database}?mode=ro", uri=True, isolation_level=None
        )
        self._connection.row_factory = sqlite3.Row

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Every row."""
        return self._connection.execute(sql, values).fetchall()

    def column(self, sql: str, *values: Any) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self.all(sql, *values)]

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
