"""Another master key: everything is encrypted under it at once, and everybody goes on."""

from __future__ import annotations

import os

import pytest

from ballast.adapters.vault import FileVault
from ballast.app.master_key import rotate_master_key
from ballast.errors import BallastError, ErrorCode
from tests.app.world import open_world

GIVEN, OTHER = "11" * 32, "22" * 32
TWO = (("BTC", "50"), ("USDC", "50"))


def home(directory):
    return directory / "paper"


async def ids_in_store(app):
    async with app.store.read() as reader:
        return await reader.master_key_ids()


async def moves_money(world, index):
    """Whether something can be signed with the key of an index."""
    credited = await world.deposit(index.index_id)
    return (await world.follow(credited.follow_up_id)).state == "completed"


async def test_every_key_is_encrypted_anew_and_still_signs(world, tmp_path):
    indexes = [await world.new_index(name, TWO) for name in ("One", "Two")]
    before = world.app.vault.master_key_id

    assert await rotate_master_key(world.app) == 2

    after = world.app.vault.master_key_id
    assert after != before
    assert await ids_in_store(world.app) == {after}
    assert [await moves_money(world, index) for index in indexes] == [True, True]
    names = {path.name for path in home(tmp_path).glob("master.key*")}
    assert names == {"master.key", "master.key.lock", f"master.key.{before}"}


async def test_the_old_key_opens_nothing_any_more_but_is_kept_for_old_backups(world, tmp_path):
    index = await world.new_index(basket=TWO)
    async with world.app.store.read() as reader:
        old_envelope = await reader.get_key(index.index_id)
    before = world.app.vault.master_key_id

    await rotate_master_key(world.app)

    kept = home(tmp_path) / f"master.key.{before}"
    old = FileVault(bytes.fromhex(kept.read_text()), os.urandom)
    async with world.app.store.read() as reader:
        new_envelope = await reader.get_key(index.index_id)
    assert old.can_open(old_envelope)
    with pytest.raises(BallastError) as refused:
        old.export_keystore(new_envelope, "password", rounds=2)
    assert refused.value.code is ErrorCode.KEYS_UNAVAILABLE
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_a_process_that_was_running_meanwhile_goes_on(world, tmp_path):
    index = await world.new_index(basket=TWO)

    async with open_world(tmp_path) as other:
        await rotate_master_key(other.app)

    assert await moves_money(world, index)
    another = await world.new_index("Another", TWO)
    assert await moves_money(world, another)
    assert await ids_in_store(world.app) == {world.app.vault.master_key_id}


async def test_stopped_before_the_commit_nothing_has_changed_and_the_key_to_come_is_used_next_time(
    world, tmp_path
):
    index = await world.new_index(basket=TWO)
    begun = world.app.vault.begin_rotation(None)

    async with open_world(tmp_path) as restarted:
        assert restarted.app.vault.master_key_id == world.app.vault.master_key_id
        assert await moves_money(restarted, index)
        await rotate_master_key(restarted.app)
        assert restarted.app.vault.master_key_id == begun.master_key_id


async def test_stopped_after_the_commit_the_next_start_puts_the_new_key_in_place(
    world, tmp_path, monkeypatch
):
    index = await world.new_index(basket=TWO)
    monkeypatch.setattr("ballast.adapters.vault.Rotation.finish", lambda rotation: None)
    await rotate_master_key(world.app)

    async with open_world(tmp_path) as restarted:
        assert await ids_in_store(restarted.app) == {restarted.app.vault.master_key_id}
        assert await moves_money(restarted, index)
    assert not (home(tmp_path) / "master.key.next").exists()


async def test_it_counts_from_the_commit_also_where_there_is_no_index_yet(
    world, tmp_path, monkeypatch
):
    monkeypatch.setattr("ballast.adapters.vault.Rotation.finish", lambda rotation: None)
    await rotate_master_key(world.app)

    async with open_world(tmp_path) as restarted:
        index = await restarted.new_index(basket=TWO)
        assert await moves_money(restarted, index)


async def test_a_key_that_does_not_open_keeps_all_as_they_are(world, tmp_path):
    index = await world.new_index(basket=TWO)
    stranger = FileVault(bytes.fromhex(OTHER), os.urandom)
    async with world.app.store.read() as reader:
        good = await reader.get_key(index.index_id)
    async with world.app.store.transaction() as tx:
        foreign = stranger._seal(good.index_id, good.account_id, bytes(32))
        await tx.replace_key(foreign)
    await world.new_index("Good", TWO)
    before = await ids_in_store(world.app)

    with pytest.raises(BallastError) as refused:
        await rotate_master_key(world.app)

    assert refused.value.code is ErrorCode.KEYS_UNAVAILABLE
    assert await ids_in_store(world.app) == before


# --- where the key is given by the environment ---------------------------------------------------


async def test_a_given_key_is_replaced_by_another_given_one(tmp_path):
    async with open_world(tmp_path, master_key=GIVEN) as world:
        index = await world.new_index(basket=TWO)
        await rotate_master_key(world.app, OTHER)
        assert await moves_money(world, index)

    async with open_world(tmp_path, master_key=OTHER) as world:
        assert await moves_money(world, index)


@pytest.mark.parametrize("text", [None, "", "zz", "11" * 31, GIVEN])
async def test_what_is_no_other_key_is_refused(text, tmp_path):
    async with open_world(tmp_path, master_key=GIVEN) as world:
        index = await world.new_index(basket=TWO)

        with pytest.raises(BallastError) as refused:
            await rotate_master_key(world.app, text)

        assert refused.value.code is ErrorCode.INVALID_INPUT
        assert await moves_money(world, index)


async def test_a_process_with_the_replaced_key_makes_no_index_that_nobody_could_open(tmp_path):
    async with open_world(tmp_path, master_key=GIVEN) as world:
        await world.new_index(basket=TWO)
        await rotate_master_key(world.app, OTHER)

    async with open_world(tmp_path, master_key=GIVEN) as late:
        refused = await late.refused(
            "create_index", name="Late", targets=[{"asset": "BTC", "percent": "100"}]
        )

    assert refused.code is ErrorCode.KEYS_UNAVAILABLE
    assert "BALLAST_MASTER_KEY" in refused.message
