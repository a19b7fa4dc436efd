"""A backup put back: what happened since is found out, nothing is done twice, the owner is told."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from pydantic import SecretStr

from ballast.app.accepting import accept, what_is_unexplained
from ballast.app.engine.reconciliation import compare
from ballast.app.operation import Caller
from ballast.app.resuming import resume_trading
from ballast.app.verify import verify
from ballast.bootstrap import Places, opened_app
from ballast.bootstrap.backups import back_up, put_back
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError
from tests.app.test_pausing import until_a_swap_is
from tests.app.world import USDC, World, open_world, settings_for


async def begun(world: World):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    assert len(plan.swaps) > 1
    running = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    return index, running.rebalance_id


async def agrees(world: World, index_id: str) -> bool:
    gaps, _ = await compare(world.app, LOCAL_OWNER, index_id)
    return gaps == []


async def reasons(world: World, index_id: str) -> list[str]:
    async with world.app.store.read() as reader:
        return [one.reason for one in await reader.list_decisions(index_id, 50)]


@pytest.mark.parametrize("state", ["planned", "quoted", "signed", "published", "settled"])
async def test_traded_on_after_a_backup_and_put_back_nothing_is_doubled_and_the_owner_is_told(
    tmp_path, state
):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        index, handle = await begun(world)
        await until_a_swap_is(world, handle, state)
        backed_up = await back_up(settings, tmp_path / "copy.sqlite")
        ended = await world.follow(handle)
        assert ended.state == "completed"
        executed = world.executed_by(index.account_id)

    restored = await put_back(settings, backed_up.file)

    assert (restored.indexes, restored.trouble) == (1, "")
    async with open_world(tmp_path / "data") as world:
        status = await world.call("get_status")
        refused = await world.refused("rebalance_index", index_id=index.index_id, plan_id=ended.id)
        with pytest.raises(BallastError, match="1 index has not been compared"):
            await resume_trading(world.app, LOCAL_OWNER)
        await world.engine.look_first()
        await world.run(timedelta(minutes=10))

        progress = await world.call("get_progress", id=handle)
        shown = await world.call("get_index", index_id=index.index_id)
        assert status.trading == "halted"
        assert refused.code != "internal"
        assert world.executed_by(index.account_id) == executed
        assert progress.state in ("cancelled", "completed")
        assert await agrees(world, index.index_id)
        told = await reasons(world, index.index_id)
        assert "backup_put_back" in told
        # What the backup did not know of is missing from its books: named, and the index stops.
        assert (shown.state == "paused") == ("unexplained_difference" in told)
        assert shown.state == "paused" or state == "settled" or progress.state == "completed"

        if "unexplained_difference" in told:
            seen = await what_is_unexplained(world.app, LOCAL_OWNER, index.index_id)
            assert (await verify(world.app)).problems, "it is named until its owner knows"
            await accept(world.app, Caller(face="cli"), seen)
        assert await world.verified()
        assert await resume_trading(world.app, LOCAL_OWNER)
        await world.call("resume_index", index_id=index.index_id)
        again = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
        if again.swaps:
            started = await world.call(
                "rebalance_index", index_id=index.index_id, plan_id=again.plan_id
            )
            assert (await world.follow(started.rebalance_id)).state == "completed"
        assert await agrees(world, index.index_id)


async def test_money_that_came_after_the_backup_is_the_owners_once_it_is_put_back(tmp_path):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        index = await world.funded_index()
        backed_up = await back_up(settings, tmp_path / "copy.sqlite")
        await world.call("pause_index", index_id=index.index_id)
        await world.deposit(index.index_id, "500")

    await put_back(settings, backed_up.file)

    async with open_world(tmp_path / "data") as world:
        await world.run(timedelta(minutes=10))
        shown = await world.call("get_index", index_id=index.index_id)
        assert "outside_deposit" in await reasons(world, index.index_id)
        cash = next(one for one in shown.holdings if one.asset_id == USDC)
        assert int(cash.amount_units) > 550_000_000
        assert shown.state == "active"
        assert await world.verified()
        assert await resume_trading(world.app, LOCAL_OWNER)


async def test_a_comparison_counts_only_when_nothing_signed_since_the_backup_can_still_move(
    tmp_path,
):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        await world.funded_index()
        backed_up = await back_up(settings, tmp_path / "copy.sqlite")

    await put_back(settings, backed_up.file)

    async with open_world(tmp_path / "data") as world:
        await world.engine.look_first()
        await world.run(timedelta(minutes=2))
        with pytest.raises(BallastError, match="1 index has not been compared"):
            await resume_trading(world.app, LOCAL_OWNER)
        await world.run(timedelta(minutes=4))
        assert await resume_trading(world.app, LOCAL_OWNER)


async def test_a_backup_taken_while_everything_runs_is_whole_and_is_the_state_of_one_moment(
    tmp_path,
):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        _, handle = await begun(world)
        copies = []
        for number in range(6):
            following = asyncio.create_task(world.engine.run_until_idle())
            copies.append((await back_up(settings, tmp_path / f"{number}.sqlite")).file)
            await following
            world.pass_time(timedelta(seconds=2))
        await world.follow(handle)

    for copy in copies:
        assert sorted(path.name for path in copy.parent.glob(f"{copy.name}*")) == [copy.name]
        assert copy.stat().st_mode & 0o077 == 0
        await put_back(settings, copy)
        async with open_world(tmp_path / "data") as world:
            assert await world.app.store.check() == []


async def test_the_database_that_was_there_is_kept_and_can_be_put_back_itself(tmp_path):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        index = await world.new_index("Before")
        backed_up = await back_up(settings, tmp_path / "copy.sqlite")
        later = await world.new_index("Later")

        # Somebody who has it open sees what was put back; nothing is written to a lost file.
        restored = await put_back(settings, backed_up.file)
        there = [one.index_id for one in (await world.call("list_indexes")).indexes]
        assert there == [index.index_id]

    assert restored.kept is not None
    await put_back(settings, restored.kept)
    async with open_world(tmp_path / "data") as world:
        there = [one.index_id for one in (await world.call("list_indexes")).indexes]
        assert there == [index.index_id, later.index_id]


def tampered(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        triggers = database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE postings SET units = '7'")


def damaged(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20_000])


def no_database(file: Path) -> None:
    file.write_text("dear diary")


def of_a_newer_ballast(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")


def of_another_world(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("UPDATE meta SET value = 'elsewhere-1' WHERE key = 'network_id'")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (tampered, "store_damaged"),
        (damaged, "store_damaged"),
        (no_database, "store_damaged"),
        (of_a_newer_ballast, "store_newer"),
        (of_another_world, "world_changed"),
        (Path.unlink, "not_found"),
    ],
)
async def test_what_is_no_sound_backup_is_refused_and_nothing_is_changed(tmp_path, spoil, code):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        index = await world.funded_index()
        backed_up = await back_up(settings, tmp_path / "copy.sqlite")
    spoil(backed_up.file)
    Places(settings.home).engine_lock.touch()
    files = sorted(path.name for path in settings.home.iterdir())

    with pytest.raises(BallastError) as refused:
        await put_back(settings, backed_up.file)

    assert refused.value.code == code
    assert sorted(path.name for path in settings.home.iterdir()) == files
    async with open_world(tmp_path / "data") as world:
        assert (await world.call("get_status")).trading == "on"
        assert (await world.call("get_index", index_id=index.index_id)).state == "active"


async def test_nothing_is_put_back_under_an_engine_that_runs(tmp_path):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        await world.new_index()
        backed_up = await back_up(settings, tmp_path / "copy.sqlite")
    with FileLock(Places(settings.home).engine_lock), pytest.raises(BallastError) as refused:
        await put_back(settings, backed_up.file)

    assert refused.value.code == "store_busy"
    assert "End it first" in refused.value.next_step


async def test_a_database_that_is_damaged_is_set_aside_and_the_backup_takes_its_place(tmp_path):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        index = await world.new_index()
        backed_up = await back_up(settings, tmp_path / "copy.sqlite")
    database = Places(settings.home).database
    database.write_bytes(b"nothing of it is left" * 1_000)

    restored = await put_back(settings, backed_up.file)

    assert restored.kept is not None
    assert restored.kept.read_bytes().startswith(b"nothing of it is left")
    async with open_world(tmp_path / "data") as world:
        assert [one.index_id for one in (await world.call("list_indexes")).indexes] == [
            index.index_id
        ]


@pytest.mark.parametrize("left", [None, b""], ids=["gone", "empty"])
async def test_a_ledger_that_was_lost_is_not_begun_anew_and_its_backup_takes_its_place(
    tmp_path, left
):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        index = await world.new_index()
        backed_up = await back_up(settings, tmp_path / "copy.sqlite")
    for file in settings.home.glob("ballast.sqlite*"):
        file.unlink()
    if left is not None:
        Places(settings.home).database.write_bytes(left)

    with pytest.raises(BallastError, match="No new ledger is made") as refused:
        async with opened_app(settings):
            pass
    restored = await put_back(settings, backed_up.file)

    assert refused.value.code == "world_changed"
    assert (restored.indexes, restored.trouble) == (1, "")
    async with open_world(tmp_path / "data") as world:
        assert [one.index_id for one in (await world.call("list_indexes")).indexes] == [
            index.index_id
        ]


@pytest.mark.parametrize("emptied", [False, True])
async def test_what_a_lost_ledger_had_not_yet_taken_from_its_log_stays_out_of_the_backup(
    tmp_path, emptied
):
    """A log left behind by a killed process would be played into whatever takes the file's name."""
    settings = settings_for(tmp_path / "data")
    log = settings.home / "ballast.sqlite-wal"
    async with open_world(tmp_path / "data") as world:
        kept = await world.new_index()
        backed_up = await back_up(settings, tmp_path / "copy.sqlite")
        await world.new_index(name="Later")
        left = log.read_bytes()
    Places(settings.home).database.unlink()
    if emptied:
        Places(settings.home).database.touch()
    log.write_bytes(left)

    await put_back(settings, backed_up.file)

    async with open_world(tmp_path / "data") as world:
        assert [one.index_id for one in (await world.call("list_indexes")).indexes] == [
            kept.index_id
        ]
    aside = [one.read_bytes() for one in settings.home.glob("ballast.before-*-wal")]
    assert emptied or aside == [left]


async def test_a_file_that_exists_is_not_written_over_by_a_backup(tmp_path):
    async with open_world(tmp_path / "data"):
        (tmp_path / "copy.sqlite").write_text("precious")
        with pytest.raises(BallastError, match="exists already"):
            await back_up(settings_for(tmp_path / "data"), tmp_path / "copy.sqlite")

    assert (tmp_path / "copy.sqlite").read_text() == "precious"


async def test_verify_names_an_index_whose_key_does_not_open(world):
    index = await world.new_index("Locked")
    async with world.app.store.transaction() as tx:
        envelope = await tx.get_key(index.index_id)
        assert envelope is not None
    assert (await verify(world.app)).problems == []
    file = Places(settings_for(world.directory).home).database
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("UPDATE keys SET ciphertext = zeroblob(length(ciphertext))")

    problems = (await verify(world.app)).problems

    assert problems == ["Locked: its key does not open under the present master key."]


async def test_a_ledger_in_postgres_is_left_to_the_tools_of_postgres(tmp_path):
    settings = settings_for(tmp_path, database_url=SecretStr("postgresql://nowhere/ballast"))

    for refused_call in (back_up(settings, None), put_back(settings, tmp_path / "copy")):
        with pytest.raises(BallastError, match="pg_dump"):
            await refused_call
