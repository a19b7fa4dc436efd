"""What the store promises on SQLite: its file, and whoever tampers with it."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from ballast.adapters.store import SqlStore, open_store, tables
from ballast.adapters.store import queries as q
from ballast.adapters.store.limits import SPENDING
from ballast.adapters.store.sqlite.session import WORDING
from ballast.adapters.store.triggers import APPEND_ONLY, FIXED
from ballast.adapters.store.watched import page
from ballast.errors import ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.store_world import fill, refused
from tests.ready import put_empty_database


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqlStore]:
    put_empty_database(file)
    opened = await open_store(file, synchronous="OFF")
    yield opened
    await opened.close()


def tamper(file: Path, *statements: str, with_triggers: bool = False) -> None:
    """Change the file behind the store's back, as somebody with a SQLite shell would."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        if not with_triggers:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
            ).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


# --- the file -------------------------------------------------------------------------------------


async def test_a_file_and_its_log_are_made_for_their_owner_only(file: Path):
    store = await open_store(file, synchronous="OFF")
    async with store.transaction() as tx:
        await tx.put_meta("a", "b")
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in file.parent.iterdir()}
    await store.close()

    beside = [f"{file.name}{ending}" for ending in ("", "-wal", "-shm")]
    assert {name: modes[name] for name in beside} == dict.fromkeys(beside, 0o600)


async def test_a_commit_is_on_the_disk_before_it_is_answered(file: Path):
    store = await open_store(file)
    async with store.transaction() as tx:
        settings = {
            name: (await tx._session.command(f"PRAGMA {name}"))[0][0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    await store.close()

    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


async def test_a_short_read_sees_at_once_what_another_process_has_written(
    store: SqlStore, file: Path
):
    await fill(store)
    seen = []
    for name in ("First", "Second"):
        # That somebody has committed is only known here once the event loop has told it.
        await asyncio.to_thread(
            tamper, file, f"UPDATE indexes SET name = '{name}', name_key = '{name}'"
        )
        async with store.read_short() as reader:
            index = await reader.get_index(a.OWNER, a.INDEX)
        assert index is not None
        seen.append(index.name)

    assert seen == ["First", "Second"]


async def test_what_is_asked_by_key_is_as_of_our_last_commit(store: SqlStore):
    async def name() -> str:
        async with store.read_short() as reader:
            found = await reader.get_index(a.OWNER, a.INDEX)
        return found.name if found else ""

    await fill(store)
    seen = [await name(), await name()]
    async with store.transaction() as tx:
        index = await tx.get_index(a.OWNER, a.INDEX)
        renamed = dataclasses.replace(index, name="Mine", version=index.version + 1)
        await tx.save_index(renamed, was_version=index.version)
        seen.append(await name())
    seen.append(await name())

    assert seen == [index.name, index.name, index.name, "Mine"]


async def test_what_is_asked_by_key_is_not_looked_up_again_while_nobody_commits(store: SqlStore):
    await fill(store)
    async with store.read_short() as reader:
        await reader.get_index(a.OWNER, a.INDEX)
    asked: list[str] = []
    store._connections._at_hand._database.set_trace_callback(asked.append)  # type: ignore[attr-defined]
    for _ in range(3):
        await asyncio.sleep(0)
        for _ in range(2):
            async with store.read_short() as reader:
                assert await reader.get_index(a.OWNER, a.INDEX) is not None

    assert asked == ["PRAGMA data_version"] * 3, "in a turn of the event loop once"


async def test_a_short_read_that_cannot_be_answered_at_once_is_waited_for(
    store: SqlStore, file: Path
):
    await fill(store)
    async with store.read_short() as reader:
        await reader.get_meta("seed")
    store._connections._at_hand._database.close()  # type: ignore[attr-defined]

    async with store.read_short() as reader:
        found = await reader.get_index(a.OWNER, a.INDEX)
    await store.close()

    assert found is not None
    with refused(ErrorCode.STORE_UNAVAILABLE):
        async with store.read_short():
            pass


async def test_every_table_is_strict(store: SqlStore, file: Path):
    with closing(sqlite3.connect(file)) as connection:
        strict = dict(
            connection.execute(
                "SELECT name, strict FROM pragma_table_list"
                " WHERE schema = 'main' AND type = 'table'"
            ).fetchall()
        )

    assert {name for name, is_strict in strict.items() if is_strict} == set(tables.metadata.tables)


@pytest.mark.parametrize("written", ["01", "+1", "-1", "", "1.0", "1e3", " 1", "1 ", "٣", "0x1"])
async def test_an_amount_that_is_not_canonical_text_is_refused(
    store: SqlStore, file: Path, written: str
):
    await fill(store)

    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        tamper(file, f"UPDATE swaps SET input_units = '{written}'")
    if written != "-1":
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            tamper(file, f"UPDATE postings SET units = '{written}'")


async def test_a_held_balance_below_zero_is_refused_by_the_database_too(
    store: SqlStore, file: Path
):
    await fill(store)

    with pytest.raises(sqlite3.IntegrityError, match="held_not_negative"):
        tamper(file, "UPDATE balances SET units = '-1' WHERE account = 'available'")


async def test_an_outside_fact_is_refused_a_second_time_by_the_database_too(
    store: SqlStore, file: Path
):
    """Also in another index, and by whoever has not looked first."""
    await fill(store)

    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE .*entries\.external_key"):
        tamper(file, "UPDATE entries SET external_key = (SELECT min(external_key) FROM entries)")


async def test_reads_write_nothing(store: SqlStore):
    with refused(ErrorCode.STORE_UNAVAILABLE):
        async with store.read() as reader:
            await reader._session.command("INSERT INTO meta VALUES ('a', 'b')")


async def test_the_reads_that_matter_use_an_index(store: SqlStore, file: Path):
    with closing(sqlite3.connect(file)) as connection:
        for statement in (
            q.INDEX_AND_BALANCES,
            q.ACTIVE_REBALANCE,
            q.BOOKED_AND_HEAD,
            q.DUE,
            q.NEXT_DUE,
            SPENDING,
            q.swaps_page(frozenset({"index_id"}), 0),
            q.swaps_page(frozenset({"after"}), 1),
            q.DECISIONS,
        ):
            sql, _ = WORDING.sql_of(statement)
            plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", _Anything()).fetchall()
            scans = [row[3] for row in plan if row[3].startswith("SCAN ")]
            # Views of our own, whole walks through a partial index of what waits, and a table of
            # a few rows are fine.
            wrong = [
                scan for scan in scans if not scan.startswith(OWN_VIEWS) and "_due" not in scan
            ]
            assert not wrong, (sql, plan)


async def test_a_pass_reads_no_facts_of_checks(store: SqlStore, file: Path):
    sql, _ = WORDING.sql_of(page(to_the_end=True))
    with closing(sqlite3.connect(file)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", _Anything()).fetchall()

    (of_checks,) = [row[3] for row in plan if "checks" in row[3]]
    assert "COVERING INDEX ix_checks_standing" in of_checks


OWN_VIEWS = tuple(
    f"SCAN {one}"
    for one in (
        "waiting",
        "first",
        "in_index",
        "in_owner",
        "(subquery",
        "schedules",
        # As many rows as there are tens of thousands of indexes.
        "shards",
        "CONSTANT ROW",
    )
)


class _Anything(dict):
    """A value for whatever a statement binds."""

    def __missing__(self, name: str) -> int:
        return 1


# --- append-only --------------------------------------------------------------------------------


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_what_is_written_once_can_neither_be_changed_nor_deleted(
    store: SqlStore, file: Path, table: str
):
    await fill(store)
    with closing(sqlite3.connect(file)) as connection:
        before = connection.execute(f"SELECT * FROM {table}").fetchall()
        column = connection.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchone()[0]
    assert before

    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            tamper(file, statement, with_triggers=True)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute(f"SELECT * FROM {table}").fetchall() == before


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table in FIXED for column in FIXED[table]]
)
async def test_a_column_that_is_fixed_cannot_be_changed(
    store: SqlStore, file: Path, table: str, column: str
):
    await fill(store)

    with pytest.raises(sqlite3.IntegrityError, match="never change"):
        tamper(file, f"UPDATE {table} SET {column} = 7", with_triggers=True)


# --- check ----------------------------------------------------------------------------------------


async def test_a_whole_store_has_nothing_wrong(store: SqlStore):
    await fill(store)

    assert await store.check() == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("UPDATE entries SET reference = 'x' WHERE sequence = 1", "was changed after"),
        (
            "UPDATE entries SET recorded_at = recorded_at + 1 WHERE sequence = 2",
            "was changed after",
        ),
        ("UPDATE entries SET sequence = 3 WHERE sequence = 2", "has number 3, not 2"),
        ("UPDATE entries SET previous_hash = 'x' WHERE sequence = 2", "does not follow"),
        ("UPDATE postings SET units = '4' WHERE units = '5'", "make -1, not 0"),
        ("UPDATE postings SET units = '4' WHERE units = '5'", "was changed after"),
        ("UPDATE postings SET owner_id = 'own_other'", "another owner than its entry"),
        ("UPDATE balances SET units = '12' WHERE account = 'available'", "its postings make 11"),
        ("UPDATE balances SET units = '12' WHERE account = 'available'", "together make 1, not 0"),
        ("DELETE FROM balances", "is 0; its postings make 11"),
        ("DELETE FROM postings", "has no postings"),
        ("DELETE FROM entries WHERE sequence = 2", "refers to a row of entries"),
    ],
)
async def test_whatever_is_tampered_with_is_found(
    store: SqlStore, file: Path, change: str, finding: str
):
    await fill(store)
    tamper(file, change)

    wrong = await store.check()

    assert any(finding in sentence for sentence in wrong), wrong


async def test_losing_the_newest_entry_is_found_by_the_balances(store: SqlStore, file: Path):
    await fill(store)
    # Cut off cleanly, the chain that is left is whole in itself.
    tamper(
        file,
        "DELETE FROM postings WHERE entry_id = (SELECT entry_id FROM entries WHERE sequence = 2)",
        "DELETE FROM entries WHERE sequence = 2",
    )

    assert any("its postings make 5" in sentence for sentence in await store.check())


async def test_a_row_that_does_not_read_is_damage_not_a_crash(store: SqlStore, file: Path):
    await fill(store)
    tamper(file, "UPDATE swaps SET state = 'teleported'", "UPDATE plans SET swaps = '{'")

    async with store.read() as reader:
        with refused(ErrorCode.STORE_DAMAGED):
            await reader.get_swap(a.OWNER, "swp_1")
        with refused(ErrorCode.STORE_DAMAGED):
            await reader.get_plan(a.OWNER, "pln_1")
