"""Keys at rest: private files, envelopes that open only where they belong."""

from __future__ import annotations

import base64
import os
import pickle
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from eth_account import Account

from ballast.adapters.master_key import FILE_NAME
from ballast.adapters.near_intents.signing import account_of, sign_text
from ballast.adapters.vault import FileVault, open_vault
from ballast.app.ports import TransferOrder
from ballast.core.ids import IdKind
from ballast.errors import BallastError, ErrorCode

INDEX = f"{IdKind.INDEX.value}_01KAHX0000000000000000000A"
OTHER = f"{IdKind.INDEX.value}_01KAHX0000000000000000000B"
MASTER = bytes(range(32))
NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


def opened(directory, key=None, *, sealed_under=frozenset()):
    return open_vault(directory, key, sealed_under=sealed_under, random_bytes=os.urandom)


def order_of(account_id):
    return TransferOrder(
        signer_id=account_id,
        receiver_id="ab" * 32,
        asset_id="nep141:eth.omft.near",
        units=7,
        deadline=NOON,
        nonce_deadline=NOON + timedelta(hours=1),
        salt="252812b3",
        random=bytes(15),
    )


@pytest.fixture
def vault():
    return FileVault(MASTER, os.urandom)


# --- the master key ---------------------------------------------------------------------------


def test_the_first_start_makes_a_private_file_and_the_next_one_reads_it(tmp_path):
    first = opened(tmp_path)
    envelope = first.new_key(INDEX)

    again = opened(tmp_path, sealed_under={first.master_key_id})

    assert again.sign_transfer(envelope, order_of(envelope.account_id))
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    found = (tmp_path / FILE_NAME).stat()
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_nlink == 1


def test_a_wide_umask_does_not_open_the_file(tmp_path):
    before = os.umask(0)
    try:
        opened(tmp_path)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_of_two_that_make_the_file_at_once_the_first_wins(tmp_path):
    first = []

    def overtaken(count):
        if not first:
            first.append(opened(tmp_path))
        return os.urandom(count)

    second = open_vault(tmp_path, None, sealed_under=(), random_bytes=overtaken)

    assert second.master_key_id == first[0].master_key_id
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_no_new_master_key_is_made_while_envelopes_exist(tmp_path):
    with pytest.raises(BallastError) as refused:
        opened(tmp_path, sealed_under={"0" * 16})

    assert refused.value.code is ErrorCode.KEYS_UNAVAILABLE
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_refused(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    opened(elsewhere)
    (tmp_path / FILE_NAME).symlink_to(elsewhere / FILE_NAME)

    with pytest.raises(BallastError, match="symbolic link") as refused:
        opened(tmp_path)

    assert refused.value.code is ErrorCode.KEYS_UNAVAILABLE


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
def test_a_file_that_others_may_touch_is_refused_with_what_to_do(tmp_path, mode):
    opened(tmp_path)
    (tmp_path / FILE_NAME).chmod(mode)

    with pytest.raises(BallastError, match="chmod 600"):
        opened(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path):
    opened(tmp_path)
    os.chown(tmp_path / FILE_NAME, 12345, -1)

    with pytest.raises(BallastError, match="another user"):
        opened(tmp_path)


@pytest.mark.parametrize("content", ["", "hello\n", "ab" * 31, "zz" * 32])
def test_a_file_without_a_key_is_refused_and_kept(tmp_path, content):
    opened(tmp_path)
    (tmp_path / FILE_NAME).write_text(content)

    with pytest.raises(BallastError, match="does not hold a key"):
        opened(tmp_path)

    assert (tmp_path / FILE_NAME).read_text() == content


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["directory", "pipe"])
def test_what_is_no_regular_file_is_refused(tmp_path, make):
    make(tmp_path / FILE_NAME, 0o600)

    with pytest.raises(BallastError, match="no regular file"):
        opened(tmp_path)


def test_a_key_that_cannot_be_written_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(BallastError, match="cannot be made") as refused:
        opened(tmp_path / "absent")

    assert refused.value.code is ErrorCode.KEYS_UNAVAILABLE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        MASTER.hex(),
        "0x" + MASTER.hex().upper(),
        base64.b64encode(MASTER).decode(),
        base64.urlsafe_b64encode(MASTER).decode() + "\n",
    ],
)
def test_a_given_key_is_taken_in_hex_or_base64_and_no_file_is_made(tmp_path, text):
    assert opened(tmp_path, text).master_key_id == FileVault(MASTER, os.urandom).master_key_id
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "hunter2", MASTER.hex()[:-2], MASTER.hex() + "00"])
def test_a_given_key_of_another_length_is_refused_without_repeating_it(tmp_path, text):
    with pytest.raises(BallastError, match="BALLAST_MASTER_KEY") as refused:
        opened(tmp_path, text)

    assert refused.value.code is ErrorCode.SETTINGS_INVALID
    assert not text or text not in repr(refused.value.as_dict())


# --- envelopes --------------------------------------------------------------------------------


def test_a_new_key_signs_for_its_own_account(vault):
    envelope = vault.new_key(INDEX)

    signed = vault.sign_transfer(envelope, order_of(envelope.account_id))

    assert f'"signer_id":"{envelope.account_id}"' in signed.payload
    assert envelope.master_key_id == vault.master_key_id
    assert len(envelope.nonce) == 12


def test_no_two_keys_are_alike(vault):
    envelopes = [vault.new_key(INDEX) for _ in range(5)]

    assert len({envelope.account_id for envelope in envelopes}) == 5
    assert len({envelope.nonce for envelope in envelopes}) == 5


def test_bytes_that_are_no_key_are_drawn_again():
    good = b"\x00" * 31 + b"\x01"
    draws = iter([bytes(32), b"\xff" * 32, good, bytes(12)])
    vault = FileVault(MASTER, lambda count: next(draws))

    assert vault.new_key(INDEX).account_id == account_of(good)


@pytest.mark.parametrize(
    "change",
    [
        {"index_id": OTHER},
        {"account_id": "0x09093de8e25d063d807552815b002d0fad5961ef"},
        {"nonce": bytes(12)},
        {"nonce": b""},
        {"ciphertext": bytes(48)},
        {"ciphertext": b""},
        {"master_key_id": "0" * 16},
    ],
    ids=["index", "account", "nonce", "no nonce", "ciphertext", "no ciphertext", "master key id"],
)
def test_an_envelope_that_was_changed_or_moved_does_not_open(vault, change):
    envelope = replace(vault.new_key(INDEX), **change)

    with pytest.raises(BallastError) as refused:
        vault.sign_transfer(envelope, order_of(envelope.account_id))

    assert refused.value.code is ErrorCode.KEYS_UNAVAILABLE


def test_another_master_key_is_refused_by_name(vault):
    envelope = vault.new_key(INDEX)
    stranger = FileVault(bytes(32), os.urandom)

    with pytest.raises(BallastError, match="another master key") as refused:
        stranger.sign_transfer(envelope, order_of(envelope.account_id))

    assert refused.value.details == {
        "needed": vault.master_key_id,
        "present": stranger.master_key_id,
    }


def test_a_key_does_not_sign_for_another_account(vault):
    envelope = vault.new_key(INDEX)

    with pytest.raises(BallastError, match="another account"):
        vault.sign_transfer(envelope, order_of(vault.new_key(OTHER).account_id))


def test_a_vault_shows_no_key_and_is_not_stored():
    key = b"\x00" * 31 + b"\x05"
    vault = FileVault(MASTER, lambda count: key[:count])
    envelope = vault.new_key(INDEX)

    shown = repr(vault) + str(vault) + repr(envelope)

    assert MASTER.hex() not in shown
    assert key.hex() not in shown
    assert repr(MASTER) not in shown
    with pytest.raises(TypeError):
        pickle.dumps(vault)


# --- keystores --------------------------------------------------------------------------------


def test_a_keystore_carries_the_key_to_another_index_and_to_other_wallets(vault):
    envelope = vault.new_key(INDEX)

    keystore = vault.export_keystore(envelope, "correct horse", rounds=2)

    key = Account.decrypt(keystore, "correct horse")
    assert account_of(bytes(key)) == envelope.account_id
    assert keystore["version"] == 3
    moved = vault.import_keystore(OTHER, keystore, "correct horse")
    order = order_of(envelope.account_id)
    assert (moved.index_id, moved.account_id) == (OTHER, envelope.account_id)
    assert vault.sign_transfer(moved, order) == vault.sign_transfer(envelope, order)
    assert (
        vault.sign_transfer(moved, order).signature
        == sign_text(vault.sign_transfer(moved, order).payload, bytes(key))[0]
    )


def test_making_keystores_leaves_the_recursion_limit_alone():
    program = (
        "import sys, os\n"
        "from ballast.adapters.vault import FileVault\n"
        "vault = FileVault(bytes(32), os.urandom)\n"
        "vault.export_keystore(vault.new_key('idx'), 'correct horse', rounds=2)\n"
        "print('eth_account' in sys.modules, sys.getrecursionlimit())"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["True", "1000"]


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_refused(vault, password):
    keystore = vault.export_keystore(vault.new_key(INDEX), "correct horse", rounds=2)

    with pytest.raises(BallastError) as refused:
        vault.import_keystore(OTHER, keystore, password)

    assert refused.value.code is ErrorCode.INVALID_INPUT


@pytest.mark.parametrize(
    "keystore", [{}, {"version": 3}, {"version": 1, "crypto": {}}, {"version": 3, "crypto": None}]
)
def test_what_is_no_keystore_is_refused(vault, keystore):
    with pytest.raises(BallastError) as refused:
        vault.import_keystore(INDEX, keystore, "correct horse")

    assert refused.value.code is ErrorCode.INVALID_INPUT


def test_a_keystore_needs_a_password(vault):
    with pytest.raises(BallastError, match="password"):
        vault.export_keystore(vault.new_key(INDEX), "")
