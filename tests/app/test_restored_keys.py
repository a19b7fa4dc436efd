"""A backup from under another master key: its keys open before it is put back, or it is not."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from ballast.adapters.vault import FileVault
from ballast.app.keys import export_key, import_key
from ballast.app.master_key import rotate_master_key
from ballast.app.resuming import resume_trading
from ballast.app.verify import verify
from ballast.bootstrap.backups import back_up, put_back
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError, ErrorCode
from tests.app.receiving import new_webhook, receiving
from tests.app.world import open_world, settings_for

GIVEN, OTHER = "11" * 32, "22" * 32
TWO = (("BTC", "50"), ("USDC", "50"))
PASSWORD = "correct horse"


async def backed_up_and_rotated(tmp_path: Path, to: str | None = None, **more):
    """A backup of a ledger with one index; and the ledger under another master key since."""
    settings = settings_for(tmp_path / "data", **more)
    async with open_world(tmp_path / "data", **more) as world:
        index = await world.new_index("Old", TWO)
        before = world.app.vault.master_key_id
        backup = (await back_up(settings, tmp_path / "copy.sqlite")).file
        await rotate_master_key(world.app, to)
        return settings, backup, index, before


def as_it_was(home: Path) -> dict[str, bytes]:
    """What lies in a folder; SQLite's own bookkeeping beside a database aside."""
    return {
        one.name: one.read_bytes()
        for one in home.iterdir()
        if one.is_file() and not one.name.endswith(("-wal", "-shm", ".lock"))
    }


async def moves_money(world, index) -> bool:
    """Whether trading goes on after a restore, and something is signed with the index's key."""
    await world.engine.look_first()
    await world.run(timedelta(minutes=10))
    await resume_trading(world.app, LOCAL_OWNER)
    credited = await world.deposit(index.index_id)
    return (await world.follow(credited.follow_up_id)).state == "completed"


async def test_the_kept_master_key_opens_it_and_all_is_encrypted_under_the_present_one(tmp_path):
    settings, backup, index, before = await backed_up_and_rotated(tmp_path)
    present = (settings.home / "master.key").read_text()

    restored = await put_back(settings, backup)

    assert [one.name for one in restored.keys.opened_by] == [f"master.key.{before}"]
    assert (restored.trouble, restored.keys.locked) == ("", ())
    assert (settings.home / "master.key").read_text() == present
    async with open_world(tmp_path / "data") as world:
        async with world.app.store.read() as reader:
            assert await reader.master_key_ids() == {world.app.vault.master_key_id}
            assert len(await reader.audit_keys()) == 1, "no audit key is made anew"
        assert await moves_money(world, index)
        report = await verify(world.app)
        assert report.problems == []
        await world.new_index("New", TWO)
        assert await rotate_master_key(world.app) == 2, "no keys are mixed"


async def test_the_secrets_of_webhooks_come_along(tmp_path):
    settings = settings_for(tmp_path / "data", webhook_loopback=True)
    async with receiving() as receiver:
        async with open_world(tmp_path / "data", webhook_loopback=True) as world:
            made = await new_webhook(world, receiver)
            backup = (await back_up(settings, tmp_path / "copy.sqlite")).file
            await rotate_master_key(world.app)
        await put_back(settings, backup)
        async with open_world(tmp_path / "data", webhook_loopback=True) as world:
            tested = await world.call("test_webhook", webhook_id=made.webhook_id)

    assert tested.delivered


async def test_without_that_master_key_it_is_refused_with_what_to_do_and_nothing_is_changed(
    tmp_path,
):
    settings, backup, index, before = await backed_up_and_rotated(tmp_path)
    kept = settings.home / f"master.key.{before}"
    copy = kept.rename(tmp_path / "my copy of it")
    left = as_it_was(settings.home)

    with pytest.raises(BallastError) as refused:
        await put_back(settings, backup)

    assert refused.value.code is ErrorCode.KEYS_UNAVAILABLE
    assert "1 index (Old)" in refused.value.message
    assert before in refused.value.message
    assert "Nothing was changed" in refused.value.message
    assert f"ballast restore {backup} --key" in refused.value.next_step
    assert f"master.key.{before}" in refused.value.next_step
    assert as_it_was(settings.home) == left
    restored = await put_back(settings, backup, key=copy)
    assert restored.keys.opened_by == (copy,)
    async with open_world(tmp_path / "data") as world:
        assert await moves_money(world, index)


async def test_a_kept_key_that_others_may_read_is_named_with_what_to_do(tmp_path):
    settings, backup, _, before = await backed_up_and_rotated(tmp_path)
    (settings.home / f"master.key.{before}").chmod(0o644)

    with pytest.raises(BallastError, match=f"chmod 600 master.key.{before}"):
        await put_back(settings, backup)


async def test_another_file_than_the_master_key_of_the_backup_opens_nothing(tmp_path):
    settings, backup, _, before = await backed_up_and_rotated(tmp_path)
    (settings.home / f"master.key.{before}").unlink()
    wrong, none = tmp_path / "wrong", tmp_path / "none"
    wrong.write_text(OTHER)
    none.write_text("dear diary")

    with pytest.raises(BallastError) as refused:
        await put_back(settings, backup, key=wrong)
    assert refused.value.code is ErrorCode.KEYS_UNAVAILABLE
    for unreadable in (none, tmp_path / "nowhere"):
        with pytest.raises(BallastError) as refused:
            await put_back(settings, backup, key=unreadable)
        assert refused.value.code is ErrorCode.INVALID_INPUT


async def test_where_the_master_key_is_given_the_one_before_is_named_by_a_file(tmp_path):
    settings, backup, index, _ = await backed_up_and_rotated(tmp_path, OTHER, master_key=GIVEN)
    settings = settings_for(tmp_path / "data", master_key=OTHER)
    with pytest.raises(BallastError) as refused:
        await put_back(settings, backup)
    assert "BALLAST_MASTER_KEY" in refused.value.next_step
    before = tmp_path / "before"
    before.write_text(GIVEN)

    await put_back(settings, backup, key=before)

    async with open_world(tmp_path / "data", master_key=OTHER) as world:
        assert await moves_money(world, index)
        assert (await verify(world.app)).problems == []


async def test_in_an_empty_place_the_named_master_key_becomes_the_present_one(tmp_path):
    settings, backup, index, before = await backed_up_and_rotated(tmp_path)
    copy = (settings.home / f"master.key.{before}").rename(tmp_path / "my copy of it")
    for one in settings.home.iterdir():
        if one.name != "devnet.sqlite":
            one.unlink()

    with pytest.raises(BallastError) as refused:
        await put_back(settings, backup)
    assert refused.value.code is ErrorCode.KEYS_UNAVAILABLE
    assert not (settings.home / "master.key").exists()
    await put_back(settings, backup, key=copy)

    assert (settings.home / "master.key").read_text() == copy.read_text()
    assert (settings.home / "master.key").stat().st_mode & 0o777 == 0o600
    async with open_world(tmp_path / "data") as world:
        assert await moves_money(world, index)


async def test_a_lost_master_key_keeps_nobody_from_a_ledger_whose_keys_are_in_keystores(tmp_path):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        index = await world.new_index("Old", TWO)
        keystore = await export_key(world.app, LOCAL_OWNER, index.index_id, PASSWORD)
        backup = (await back_up(settings, tmp_path / "copy.sqlite")).file
    (settings.home / "master.key").write_text(OTHER)

    with pytest.raises(BallastError, match="1 index"):
        await put_back(settings, backup)
    restored = await put_back(settings, backup, locked=True)

    assert "Old" in restored.keys.locked
    async with open_world(tmp_path / "data") as world:
        await import_key(world.app, LOCAL_OWNER, index.index_id, keystore, PASSWORD)
        assert await moves_money(world, index)


async def test_verify_names_the_file_that_fits_and_the_way_out_of_mixed_keys(tmp_path):
    settings = settings_for(tmp_path / "data")
    async with open_world(tmp_path / "data") as world:
        old = await world.new_index("Old", TWO)
    first = (settings.home / "master.key").read_text()
    stranger = FileVault(bytes.fromhex(first), os.urandom)
    kept = settings.home / f"master.key.{stranger.master_key_id}"
    (settings.home / "master.key").rename(kept)
    (settings.home / "master.key").write_text(OTHER)
    (settings.home / "master.key").chmod(0o600)
    async with open_world(tmp_path / "data") as world:
        await world.new_index("New", TWO)
        report = await verify(world.app)
        assert "Old: its key does not open under the present master key." in report.problems
        (step,) = report.next_steps
        assert str(kept) in step
        assert "ballast restore" in step
        kept.rename(tmp_path / "away")
        (step,) = (await verify(world.app)).next_steps
        assert stranger.master_key_id in step
        assert "--key" in step
        (tmp_path / "away").rename(kept)

    # The way out that it names.
    backup = (await back_up(settings, tmp_path / "copy.sqlite")).file
    await put_back(settings, backup)

    async with open_world(tmp_path / "data") as world:
        assert await moves_money(world, old)
        report = await verify(world.app)
        assert (report.problems, report.next_steps) == ([], [])
