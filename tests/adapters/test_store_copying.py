"""Moving a ledger from the file into Postgres: every row, in one go, and proven."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from ballast.adapters.store import open_postgres_store, open_store, tables
from ballast.adapters.store.postgres.copying import copy_ledger
from ballast.core.ledger import Account
from ballast.errors import ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.store_world import fill, refused
from tests.postgres import Server

WEI = 123_456_789_012_345_678_901_234_567_890


@pytest.fixture
async def ledger(file: Path) -> Path:
    """A file with something in every table, and an amount that no 64-bit integer holds."""
    store = await open_store(file, synchronous="OFF")
    await fill(store)
    async with store.transaction() as tx:
        await tx.post(a.credited(WEI, number=3, asset=a.ETH), a.NOON)
    await store.close()
    return file


async def test_every_row_arrives_and_the_chain_goes_on(ledger: Path, postgres_url: str):
    url = SecretStr(postgres_url)
    source = await open_store(ledger)
    async with source.read() as reader:
        before = await reader.list_entries(a.INDEX)
        swaps, plan = await reader.swaps_of("reb_1"), await reader.get_plan(a.OWNER, "pln_1")
    await source.close()

    copied = await copy_ledger(ledger, url, "moved_to")

    store = await open_postgres_store(url)
    async with store.read() as reader:
        assert await reader.list_entries(a.INDEX) == before
        assert await reader.swaps_of("reb_1") == swaps
        assert await reader.get_plan(a.OWNER, "pln_1") == plan
        assert (await reader.balances(a.INDEX))[a.ETH.asset_id, Account.AVAILABLE] == WEI
    async with store.transaction() as tx:
        link = await tx.post(a.credited(7, number=4), a.NOON)
    assert link.sequence == 4
    assert link.previous_hash == before[-1].hash
    assert await store.check() == []
    await store.close()
    assert copied.entries == 3
    with closing(sqlite3.connect(ledger)) as connection:
        held = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in tables.metadata.tables
        }
    # The file has one row more by now: where its ledger went.
    assert copied.rows == {name: n for name, n in held.items() if n} | {"meta": held["meta"] - 1}
    assert held["meta"] > 1


async def test_the_file_remembers_where_its_ledger_went(ledger: Path, postgres_url: str):
    copied = await copy_ledger(ledger, SecretStr(postgres_url), "moved_to")

    store = await open_store(ledger)
    async with store.read() as reader:
        assert await reader.get_meta("moved_to") == copied.database
    await store.close()


async def test_a_database_that_holds_anything_is_refused_and_not_touched(
    ledger: Path, postgres_url: str, postgres_server: Server
):
    url = SecretStr(postgres_url)
    store = await open_postgres_store(url)
    async with store.transaction() as tx:
        await tx.put_meta("seed", "8")
    await store.close()

    with refused(ErrorCode.SETTINGS_INVALID):
        await copy_ledger(ledger, url, "moved_to")

    name = postgres_url.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[1]
    assert postgres_server.run("SELECT count(*) FROM entries", name) == [(0,)]
    with closing(sqlite3.connect(ledger)) as connection:
        found = connection.execute("SELECT * FROM meta WHERE key = 'moved_to'").fetchall()
    assert found == []


async def test_a_ledger_that_was_tampered_with_is_not_copied(
    ledger: Path, postgres_url: str, postgres_server: Server
):
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER refuse_update_entries")
        connection.execute("UPDATE entries SET reference = 'x' WHERE sequence = 1")

    with refused(ErrorCode.STORE_DAMAGED) as refusal:
        await copy_ledger(ledger, SecretStr(postgres_url), "moved_to")

    assert any("was changed after" in one for one in refusal.value.details["found"])
    name = postgres_url.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[1]
    assert postgres_server.run("SELECT count(*) FROM assets", name) == [(0,)]


async def test_where_there_is_no_ledger_nothing_is_made(tmp_path: Path, postgres_url: str):
    missing = tmp_path / "missing.sqlite"

    with refused(ErrorCode.INVALID_INPUT):
        await copy_ledger(missing, SecretStr(postgres_url), "moved_to")

    assert not missing.exists()
