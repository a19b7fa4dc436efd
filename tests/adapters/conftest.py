"""A store of its own for each test, on either database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from ballast.adapters.store import SqlStore, open_postgres_store, open_store
from tests.ready import put_empty_database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ballast.db"


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, file: Path) -> AsyncIterator[SqlStore]:
    if request.param == "sqlite":
        put_empty_database(file)
        opened = await open_store(file, synchronous="OFF")
    else:
        opened = await open_postgres_store(SecretStr(request.getfixturevalue("postgres_url")))
    yield opened
    await opened.close()
