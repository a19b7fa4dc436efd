"""What the store promises on Postgres: its server, and whoever tampers with it."""

from __future__ import annotations

import asyncio
from contextlib import closing

import psycopg
import pytest
from alembic import command
from pydantic import SecretStr

from ballast.adapters.store import SqlStore, newest_revision, open_postgres_store
from ballast.adapters.store.migrate import alembic_config
from ballast.adapters.store.postgres.address import Address
from ballast.adapters.store.postgres.leadership import PostgresLeadership
from ballast.adapters.store.postgres.prepare import migrating_connection, prepare
from ballast.adapters.store.tables import metadata
from ballast.adapters.store.triggers import APPEND_ONLY, FIXED, KEPT
from ballast.app.ports import StateMovedError
from ballast.errors import BallastError, ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.limit_rows import WORDS_OF_0019, WORDS_OF_TODAY
from tests.adapters.store_world import fill, refused
from tests.postgres import Server

RULES_OF_AMOUNTS = (
    "UPDATE swaps SET input_units = -1",
    "UPDATE swaps SET input_units = 'NaN'",
    "UPDATE swaps SET input_units = 1e78",
    "UPDATE balances SET units = 'NaN'",
    "UPDATE balances SET units = -1 WHERE account = 'available'",
)


@pytest.fixture
async def store(postgres_url: str):
    opened = await open_postgres_store(SecretStr(postgres_url))
    yield opened
    await opened.close()


def refusals_of(url: str, *statements: str) -> list[str]:
    """What an administrator's shell is told, statement by statement; empty for "done"."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        return [refusal_of(connection, each) for each in statements]


def refusal_of(connection: psycopg.Connection, statement: str) -> str:
    try:
        connection.execute(statement)  # type: ignore[arg-type]
    except psycopg.Error as error:
        return str(error)
    return ""


async def test_what_is_written_once_can_neither_be_changed_nor_deleted(
    store: SqlStore, postgres_url: str
):
    await fill(store)

    for table in APPEND_ONLY:
        column = next(iter(metadata.tables[table].columns)).name
        told = refusals_of(
            postgres_url, f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"
        )
        assert all(f"{table} is append-only" in each for each in told), (table, told)
    for table in (*APPEND_ONLY, *KEPT):
        told = refusals_of(postgres_url, f"TRUNCATE {table} CASCADE")
        assert "keeps its rows" in told[0], (table, told)
    for table in KEPT:
        assert "keeps its rows" in refusals_of(postgres_url, f"DELETE FROM {table}")[0]


async def test_a_column_that_is_fixed_cannot_be_changed(store: SqlStore, postgres_url: str):
    await fill(store)

    for table, columns in FIXED.items():
        for column in columns:
            changed = f"UPDATE {table} SET {column} = {other_value(table, column)}"
            assert "never change" in refusals_of(postgres_url, changed)[0], changed


def other_value(table: str, column: str) -> str:
    kind = metadata.tables[table].c[column].type.python_type
    return "77" if kind is int else "'77'"


async def test_an_amount_is_a_whole_number_and_what_is_held_is_never_below_zero(
    store: SqlStore, postgres_url: str
):
    await fill(store)

    told = refusals_of(postgres_url, *RULES_OF_AMOUNTS)

    assert all("violates check constraint" in each or "overflow" in each for each in told), told


async def test_tables_made_by_the_migrations_are_those_that_the_code_uses(postgres_server: Server):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with migrating_connection(Address(SecretStr(postgres_server.fresh()))) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        migrated = described(connection)
    with migrating_connection(Address(SecretStr(postgres_server.fresh(empty=True)))) as connection:
        metadata.create_all(connection)
        assert described(connection) == migrated


def described(connection) -> tuple[set[str], set[str]]:
    """Indexes and constraints in the server's words."""
    indexes = connection.exec_driver_sql(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " AND tablename <> 'alembic_version'"
    )
    rules = connection.exec_driver_sql(
        "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " AND conrelid::regclass::text <> 'alembic_version' AND contype <> 'n'"
    )
    return {row[0] for row in indexes}, {row[0] for row in rules}


# --- opening ---------------------------------------------------------------------------------


async def test_processes_that_open_an_empty_database_at_once_all_succeed(postgres_server: Server):
    url = SecretStr(postgres_server.fresh(empty=True))

    stores = await asyncio.gather(*(open_postgres_store(url) for _ in range(3)))

    for store in stores:
        assert await store.check() == []
        await store.close()
    assert await asyncio.to_thread(prepare, Address(url)) == newest_revision()


async def test_words_for_messages_from_before_channels_had_their_own_are_for_every_channel(
    postgres_server: Server,
):
    url = SecretStr(postgres_server.fresh(empty=True))
    with migrating_connection(Address(url)) as connection:
        command.upgrade(alembic_config(connection), "0019")
        connection.exec_driver_sql(WORDS_OF_0019)

    store = await open_postgres_store(url)

    async with store.read() as reader:
        assert await reader.list_templates("own_1") == [WORDS_OF_TODAY]
    await store.close()


@pytest.mark.parametrize(
    ("statement", "code", "named"),
    [
        ("UPDATE alembic_version SET version_num = '2999'", ErrorCode.STORE_NEWER, "2999"),
        ("DROP TABLE alembic_version", ErrorCode.STORE_DAMAGED, "not those of Ballast"),
    ],
)
async def test_a_database_that_is_not_ours_to_open_is_refused(
    postgres_server: Server, statement: str, code: ErrorCode, named: str
):
    url = postgres_server.fresh()
    assert refusals_of(url, statement) == [""]

    with refused(code) as refusal:
        await open_postgres_store(SecretStr(url))

    assert named in refusal.value.message


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://ballast:hunter2@127.0.0.1:1/ledger", ErrorCode.STORE_UNAVAILABLE),
        ("postgresql://ballast:hunter2@127.0.0.1:port/ledger", ErrorCode.STORE_UNAVAILABLE),
        ("postgresql://ballast:hunter2@[127.0.0.1/ledger", ErrorCode.SETTINGS_INVALID),
    ],
)
async def test_a_server_that_cannot_be_reached_is_named_and_the_password_is_not(
    url: str, code: ErrorCode
):
    with refused(code) as refusal:
        await open_postgres_store(SecretStr(url))

    assert "hunter2" not in f"{refusal.value.as_dict()} {refusal.value!r}"
    if code is ErrorCode.STORE_UNAVAILABLE:
        assert "ledger on 127.0.0.1" in refusal.value.message


async def test_a_database_that_is_not_there_is_a_mistake_in_the_settings(postgres_server: Server):
    with refused(ErrorCode.SETTINGS_INVALID) as refusal:
        await open_postgres_store(SecretStr(postgres_server.url("nowhere")))

    assert "BALLAST_DATABASE_URL" in refusal.value.message


# --- while it is open ------------------------------------------------------------------------

_END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def test_a_server_that_ends_every_connection_is_survived(store: SqlStore, postgres_url: str):
    await fill(store)
    refusals_of(postgres_url, _END_OTHERS)

    refusals = [await outcome_of(write(store)) for _ in range(9)]

    assert set(refusals[:-1]) <= {ErrorCode.STORE_UNAVAILABLE, None}
    assert refusals[-1] is None
    async with store.read() as reader:
        assert await reader.get_meta("n") == "1"


async def write(store: SqlStore) -> None:
    async with store.transaction() as tx:
        await tx.put_meta("n", "1")


async def outcome_of(work) -> ErrorCode | None:
    try:
        await work
    except BallastError as refusal:
        return refusal.code
    return None


async def test_a_deadlock_is_somebody_elses_turn_and_no_fault(store: SqlStore, postgres_url: str):
    """Our own writers take their locks in one order; another program may not."""
    await fill(store)
    async with await psycopg.AsyncConnection.connect(postgres_url) as other:
        await other.execute("SET deadlock_timeout = '10s'")
        await other.execute("UPDATE meta SET value = 'theirs' WHERE key = 'seed'")

        async def cross() -> None:
            async with store.transaction(a.INDEX) as tx:
                swap = a.swap(problem="slow")
                await tx.save_swap(swap, swap.state)
                await tx.put_meta("seed", "ours")

        ours = asyncio.create_task(cross())
        while not await waits_for_a_lock(store):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        theirs = asyncio.create_task(other.execute("UPDATE swaps SET attempts = 9"))
        with pytest.raises(StateMovedError):
            await asyncio.wait_for(ours, timeout=120)
        await theirs


async def waits_for_a_lock(store: SqlStore) -> bool:
    async with store._connections.lent() as session:
        found = await session.fetch(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()", {}
        )
    return bool(found)


async def test_the_engines_lock_is_held_by_one_and_free_when_its_connection_ends(postgres_url: str):
    first, second = [PostgresLeadership(SecretStr(postgres_url)) for _ in range(2)]

    assert await first.take()
    assert not await second.take()
    assert await first.kept()

    refusals_of(
        postgres_url,
        "SELECT pg_terminate_backend(pid) FROM pg_locks"
        " WHERE locktype = 'advisory' AND granted AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    assert not await first.kept()
    while not await second.take():  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.01)

    await first.give_back()
    await second.give_back()
