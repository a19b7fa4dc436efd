"""Opening a file of any age: made, upgraded, or refused with a reason."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from filelock import FileLock
from sqlalchemy import create_engine, text

from ballast.adapters.store import migrate, newest_revision, open_store, rows, tables, triggers
from ballast.errors import ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.limit_rows import WORDS_OF_0019, WORDS_OF_TODAY
from tests.adapters.store_world import refused


def schema_of(file: Path, kind: str) -> dict[str, str]:
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL", [kind]
        ).fetchall()
    return {
        name: " ".join(re.sub(r'[",()]', " ", sql).split())
        for name, sql in found
        if name != "alembic_version"
    }


@pytest.mark.parametrize("exists", [False, True], ids=["new file", "empty file"])
async def test_a_new_file_gets_the_newest_schema(file: Path, exists: bool):
    if exists:
        file.touch()

    store = await open_store(file, synchronous="OFF")
    async with store.transaction() as tx:
        await a.add_ground(tx)
    await store.close()

    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert found == [(newest_revision(),)]


async def test_the_migrations_make_exactly_the_tables_that_the_code_uses(
    file: Path, tmp_path: Path
):
    await (await open_store(file)).close()
    direct = tmp_path / "direct.db"
    engine = create_engine(f"sqlite:///{direct}")
    with engine.begin() as connection:
        tables.metadata.create_all(connection)
        triggers.put_triggers(connection)
    engine.dispose()

    for kind in ("table", "index", "trigger"):
        migrated, declared = schema_of(file, kind), schema_of(direct, kind)
        assert migrated.keys() == declared.keys()
        assert {name: sorted(sql.split()) for name, sql in migrated.items()} == {
            name: sorted(sql.split()) for name, sql in declared.items()
        }


async def test_alembic_would_generate_no_further_migration(file: Path):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    await (await open_store(file)).close()
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    engine.dispose()

    assert differences == []


def test_the_list_of_revisions_is_that_of_the_scripts():
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(migrate.alembic_config())
    oldest_first = [script.revision for script in scripts.walk_revisions()][::-1]

    assert tuple(oldest_first) == migrate.REVISIONS
    assert scripts.get_heads() == [newest_revision()]


async def test_an_older_database_is_upgraded_and_keeps_what_it_holds(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A revision after the newest, as the next change of the schema will bring it."""
    store = await open_store(file)
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.post(a.credited(5), a.NOON)
    await store.close()
    _next_version(tmp_path, monkeypatch)

    store = await open_store(file)

    assert await store.check() == []
    async with store.read() as reader:
        assert await reader.get_index(a.OWNER, a.INDEX) == a.index()
    await store.close()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT note FROM entries").fetchall() == [("none",)]
        # The table was rebuilt, and is append-only again.
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM entries")


async def test_words_for_messages_from_before_channels_had_their_own_are_for_every_channel(
    file: Path,
):
    with migrate.migrating_connection(file) as connection:
        command.upgrade(migrate.alembic_config(connection), "0019")
        connection.exec_driver_sql(WORDS_OF_0019)

    store = await open_store(file)

    async with store.read() as reader:
        assert await reader.list_templates("own_1") == [WORDS_OF_TODAY]
    await store.close()


async def test_a_migration_that_fails_leaves_the_database_as_it_was(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await (await open_store(file)).close()
    before = schema_of(file, "table")
    with monkeypatch.context() as next_version:
        _next_version(tmp_path, next_version, ending="    raise ZeroDivisionError")
        with pytest.raises(ZeroDivisionError):
            await open_store(file)

    assert schema_of(file, "table") == before
    store = await open_store(file)
    assert await store.check() == []
    await store.close()


_ADD_NOTE = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{newest}"


def upgrade():
    with op.batch_alter_table("entries", recreate="always") as batch:
        batch.add_column(sa.Column("note", sa.Text(), server_default="none", nullable=False))
{ending}
"""


def _next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str = "") -> None:
    scripts = tmp_path / "migrations"
    (scripts / "versions").mkdir(parents=True)
    for source in migrate.SCRIPTS.rglob("*.py"):
        (scripts / source.relative_to(migrate.SCRIPTS)).write_bytes(source.read_bytes())
    (scripts / "versions" / "9999_note.py").write_text(
        _ADD_NOTE.format(newest=newest_revision(), ending=ending)
    )
    monkeypatch.setattr(migrate, "SCRIPTS", scripts)
    monkeypatch.setattr(migrate, "REVISIONS", (*migrate.REVISIONS, "9999"))


async def test_a_newer_database_is_refused_and_not_touched(file: Path):
    await (await open_store(file)).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '2999'")
        connection.commit()
    before = file.read_bytes()

    with refused(ErrorCode.STORE_NEWER) as refusal:
        await open_store(file)

    assert "2999" in refusal.value.message
    assert newest_revision() in refusal.value.message
    assert "ballast.db" in refusal.value.message
    assert file.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_and_not_touched(file: Path):
    file.write_bytes(b"Dear diary, " * 500)

    with refused(ErrorCode.STORE_DAMAGED) as refusal:
        await open_store(file)

    assert "ballast.db" in refusal.value.message
    assert file.read_bytes() == b"Dear diary, " * 500


@pytest.mark.parametrize("revision", [None, "0001", "5f3a9c1d7e20"])
async def test_another_programs_database_is_refused_and_not_touched(file: Path, revision):
    """Also where it keeps a revision as Ballast does, even one that Ballast knows."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipes (name)")
        if revision is not None:
            connection.execute("CREATE TABLE alembic_version (version_num)")
            connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        connection.commit()
    before = file.read_bytes()

    with refused(ErrorCode.STORE_DAMAGED) as refusal:
        await open_store(file)

    assert "ballast.db holds tables, but not those of Ballast" in refusal.value.message
    assert "Move it to where it belongs" in refusal.value.next_step
    assert file.read_bytes() == before


async def test_a_damaged_page_is_found_at_start(file: Path):
    store = await open_store(file)
    async with store.transaction() as tx:
        await a.add_ground(tx)
    await store.close()
    whole = bytearray(file.read_bytes())
    half = len(whole) // 2
    whole[half : half + 8_192] = b"\xaa" * 8_192
    file.write_bytes(whole)

    with refused(ErrorCode.STORE_DAMAGED):
        await open_store(file)


async def test_a_directory_that_is_not_there_is_named(tmp_path: Path):
    missing = tmp_path / "file" / "ballast.db"
    (tmp_path / "file").write_text("not a directory")

    with refused(ErrorCode.STORE_UNAVAILABLE) as refusal:
        await open_store(missing)

    assert refusal.value.details["file"] == str(missing)


async def start_python(script: str, *arguments: str) -> asyncio.subprocess.Process:
    """A script as another process, which sees the packages that this one sees."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"import sys; sys.path[:] = {sys.path!r}\n{script}",
        *arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


_OPEN_WHEN_TOLD = """
import asyncio, sys
from pathlib import Path
import alembic.command  # so that all are equally fast

from ballast.adapters.store import open_store

async def main():
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            store = await open_store(Path(line.strip()))
            async with store.transaction() as tx:
                await tx.put_meta(sys.argv[1], "here")
            await store.close()
            print("opened", flush=True)
        except Exception as error:
            print(repr(error), flush=True)

asyncio.run(main())
"""


async def test_processes_that_open_a_fresh_file_at_once_all_succeed(tmp_path: Path):
    names = [f"process_{number}" for number in range(3)]
    processes = [await start_python(_OPEN_WHEN_TOLD, name) for name in names]
    assert [await line_of(each) for each in processes] == ["ready"] * 3

    for number in range(5):
        file = tmp_path / f"{number}.db"
        for each in processes:
            each.stdin.write(f"{file}\n".encode())
        assert [await line_of(each) for each in processes] == ["opened"] * 3
        store = await open_store(file)
        async with store.read() as reader:
            assert [await reader.get_meta(name) for name in names] == ["here"] * 3
        assert await store.check() == []
        await store.close()

    for each in processes:
        each.stdin.close()
        await asyncio.wait_for(each.wait(), timeout=120)


async def test_a_file_that_another_process_is_making_is_waited_for(file: Path):
    with FileLock(file.with_name("ballast.db.migrating")):
        opening = asyncio.create_task(open_store(file))
        done, _ = await asyncio.wait([opening], timeout=0.5)
        assert not done
        assert not file.exists()

    store = await asyncio.wait_for(opening, timeout=120)
    assert await store.check() == []
    await store.close()


async def line_of(process: asyncio.subprocess.Process) -> str:
    return (await asyncio.wait_for(process.stdout.readline(), timeout=120)).decode().strip()


_OPEN = """
import asyncio, sys
from pathlib import Path
from ballast.adapters.store import open_store

async def main():
    await (await open_store(Path(sys.argv[1]))).close()

asyncio.run(main())
print([name for name in sys.modules if "alembic" in name])
"""


async def test_an_up_to_date_file_is_opened_without_alembic(file: Path):
    await (await open_store(file)).close()

    process = await start_python(_OPEN, str(file))
    output, _ = await asyncio.wait_for(process.communicate(), timeout=120)

    assert output.decode().strip() == "[]"


async def test_a_file_of_the_first_revision_is_upgraded_with_everything_in_it(file: Path):
    with migrate.migrating_connection(file) as connection:
        command.upgrade(migrate.alembic_config(connection), "0001")
        _write(connection, rows.ASSETS, *a.ASSETS)
        _write(connection, rows.INDEXES, a.index(), name_key="index idx_1")
        _write(connection, rows.PLANS, a.plan())
        _write(connection, rows.REBALANCES, a.rebalance())
        _write(connection, rows.SWAPS, a.swap())

    store = await open_store(file, synchronous="OFF")

    async with store.read() as reader:
        index = await reader.get_index(a.OWNER, a.INDEX)
        swaps = await reader.swaps_of("reb_1")
    wrong = await store.check()
    await store.close()
    assert index == a.index()
    assert swaps == [a.swap(cost_pico=0)]
    assert wrong == []


def _write(connection, record, *given, **beside):
    """Rows as the first revision had them: without the columns that came later."""
    later = {"reconcile_at", "purpose", "recipient", "recipient_memo", "cost_pico"}
    for one in given:
        row = {k: v for k, v in record.to_row(one, **beside).items() if k not in later}
        names = ", ".join(row)
        marks = ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO {record.table.name} ({names}) VALUES ({marks})"), row)
