from __future__ import annotations

import pytest
from pydantic import SecretStr

from tests.app.world import open_world

# Modules whose worlds are opened once on each database.
ON_BOTH = frozenset({"test_books", "test_deposit_books", "test_rebalances"})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames and metafunc.module.__name__.split(".")[-1] in ON_BOTH:
        metafunc.parametrize("world", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
async def world(tmp_path, request):
    settings = {}
    if getattr(request, "param", "sqlite") == "postgres":
        settings["database_url"] = SecretStr(request.getfixturevalue("postgres_url"))
    async with open_world(tmp_path, **settings) as opened:
        yield opened
