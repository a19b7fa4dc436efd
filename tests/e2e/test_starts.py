"""What keeps Ballast from starting: one clear message, the same on every face, no traceback."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from ballast.errors import ERRORS, ErrorCode
from tests.e2e.machine import BALLAST, Machine

SET_UP = 8


@pytest.fixture
def given_key(machine):
    """A machine whose master key is in the environment, not in a file."""
    machine.settings = {**machine.settings, "BALLAST_MASTER_KEY": "5a" * 32}
    return machine


@pytest.mark.parametrize("words", [("mcp",), ("list_indexes",), ("verify",), ("devnet", "books")])
def test_an_unknown_setting_stops_the_start_and_the_nearest_right_name_is_told(words, machine):
    machine.settings = {"BALLAST_DATADIR": "x", "BALLAST_LOG_LEVEL": "loud"}

    said = machine.run(*words)

    assert (said.code, said.out) == (SET_UP, "")
    assert "BALLAST_DATADIR is not a setting" in said.err
    assert "Did you mean BALLAST_DATA_DIR?" in " ".join(said.err.split())
    assert "BALLAST_LOG_LEVEL does not fit" in " ".join(said.err.split())
    assert said.err.count("is not a setting") == 1
    assert "Traceback" not in said.err
    assert not machine.directory.exists()


def test_an_empty_setting_is_no_setting(machine):
    machine.settings = {
        "BALLAST_MODE": "",
        "BALLAST_MASTER_KEY": "",
        "BALLAST_ONECLICK_URL": "",
        "BALLAST_NEAR_RPC_URLS": "",
        "BALLAST_NO_SUCH_THING": "",
    }

    assert machine.ask("get_status")["mode"] == "paper"


def test_a_data_directory_that_is_not_there_is_made_for_its_owner_alone(machine):
    machine.directory = machine.directory / "deep" / "er"

    assert machine.ask("list_indexes")["indexes"] == []
    assert machine.places.home.stat().st_mode & 0o077 == 0
    modes = {one.name: one.stat().st_mode & 0o777 for one in machine.places.home.iterdir()}
    assert {"master.key", "ballast.sqlite", "devnet.sqlite"} <= modes.keys()
    assert {name for name, mode in modes.items() if mode & 0o077} == set()


def a_file_where_the_directory_should_be(machine: Machine) -> None:
    shutil.rmtree(machine.directory)
    machine.directory.write_text("a file")


def a_directory_that_cannot_be_written(machine: Machine) -> None:
    shutil.rmtree(machine.directory)
    if os.geteuid() == 0:
        # Permissions do not hold root back; this file system does.
        machine.directory = Path("/proc/ballast")
    else:
        machine.directory.mkdir(mode=0o500)


def the_devnet_is_gone(machine: Machine) -> None:
    machine.places.devnet.unlink()


def the_devnet_is_another_one(machine: Machine) -> None:
    the_devnet_is_gone(machine)
    other = Machine(machine.directory.parent / "other")
    other.ask("get_status")
    shutil.copy(other.places.devnet, machine.places.devnet)


def something_else_is_in_the_devnets_place(machine: Machine) -> None:
    the_devnet_is_gone(machine)
    _put_another_programs_database(machine.places.devnet)


def something_else_is_in_the_databases_place(machine: Machine) -> None:
    the_database_is_gone(machine)
    _put_another_programs_database(machine.places.database)


def _put_another_programs_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipes (name)")


def the_database_is_of_a_newer_ballast(machine: Machine) -> None:
    with closing(sqlite3.connect(machine.places.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def the_database_is_damaged(machine: Machine) -> None:
    with machine.places.database.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 20_000)


def the_database_is_gone(machine: Machine) -> None:
    for file in machine.places.home.glob("ballast.sqlite*"):
        file.unlink()


def the_database_is_empty(machine: Machine) -> None:
    the_database_is_gone(machine)
    machine.places.database.touch()


def the_database_is_no_database(machine: Machine) -> None:
    machine.places.database.write_text("Dear diary, " * 1000)


def the_database_is_cut_short(machine: Machine) -> None:
    os.truncate(machine.places.database, 10_000)


def the_master_key_is_gone(machine: Machine) -> None:
    (machine.places.home / "master.key").unlink()


def others_may_read_the_master_key(machine: Machine) -> None:
    (machine.places.home / "master.key").chmod(0o644)


def the_master_key_is_a_link(machine: Machine) -> None:
    key = machine.places.home / "master.key"
    key.rename(machine.directory / "elsewhere")
    key.symlink_to(machine.directory / "elsewhere")


BROKEN = {
    a_file_where_the_directory_should_be: ErrorCode.STORE_UNAVAILABLE,
    a_directory_that_cannot_be_written: ErrorCode.STORE_UNAVAILABLE,
    the_devnet_is_gone: ErrorCode.WORLD_CHANGED,
    the_devnet_is_another_one: ErrorCode.WORLD_CHANGED,
    something_else_is_in_the_devnets_place: ErrorCode.SETTINGS_INVALID,
    something_else_is_in_the_databases_place: ErrorCode.STORE_DAMAGED,
    the_database_is_of_a_newer_ballast: ErrorCode.STORE_NEWER,
    the_database_is_damaged: ErrorCode.STORE_DAMAGED,
    the_database_is_gone: ErrorCode.WORLD_CHANGED,
    the_database_is_empty: ErrorCode.WORLD_CHANGED,
    the_database_is_no_database: ErrorCode.STORE_DAMAGED,
    the_database_is_cut_short: ErrorCode.STORE_DAMAGED,
    the_master_key_is_gone: ErrorCode.KEYS_UNAVAILABLE,
    others_may_read_the_master_key: ErrorCode.KEYS_UNAVAILABLE,
    the_master_key_is_a_link: ErrorCode.KEYS_UNAVAILABLE,
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.__name__)
def test_what_is_broken_is_named_alike_on_the_command_line_and_over_mcp(broken, stocked):
    machine, code = stocked.machine, BROKEN[broken]
    broken(machine)

    terse = machine.run("get_index", stocked.index_id, "--json")
    with machine.serving() as session:
        tools = session.request("tools/list")["result"]["tools"]
        refusal = session.call("get_index", index_id=stocked.index_id)
        served = session.close()

    assert refusal["code"] == code
    assert (terse.json, terse.code) == (refusal, SET_UP)
    assert len(tools) > 10
    assert "Traceback" not in terse.err + served.err


def test_a_person_reads_what_is_broken_on_stderr_and_what_to_do(stocked):
    the_devnet_is_gone(stocked.machine)

    said = stocked.machine.run("list_indexes")

    assert (said.code, said.out) == (SET_UP, "")
    assert said.err.startswith("Error: The ledger holds indexes, but its devnet file")
    assert f"Next: {ERRORS[ErrorCode.WORLD_CHANGED].next_step}" in " ".join(said.err.split())
    assert not stocked.machine.places.devnet.exists()


@pytest.mark.parametrize("lost", [the_database_is_gone, the_database_is_empty])
def test_without_a_key_file_the_devnets_accounts_show_that_the_ledger_is_lost(
    lost, stocked, tmp_path
):
    machine, key = stocked.machine, stocked.machine.places.home / "master.key"
    machine.settings = {"BALLAST_MASTER_KEY": key.read_text()}
    key.unlink()
    machine.run("backup", str(tmp_path / "kept.sqlite"))
    lost(machine)

    said, migrating = machine.run("list_indexes"), machine.run("migrate")
    restored = machine.run("restore", str(tmp_path / "kept.sqlite"))

    assert (said.code, migrating.code) == (SET_UP, SET_UP)
    assert "devnet.sqlite has accounts of its indexes" in " ".join(said.err.split())
    assert "put a backup back with ballast restore" in " ".join(said.err.split())
    assert restored.code == 0
    assert [one["index_id"] for one in machine.ask("list_indexes")["indexes"]] == [stocked.index_id]


def test_without_a_key_file_an_address_that_was_given_out_shows_it_too(given_key):
    index = given_key.ask("create_index", "Unpaid", "--targets", "BTC 100")
    given_key.ask("deposit_address", index["index_id"], "--chain", "base")
    the_database_is_gone(given_key)

    assert given_key.run("list_indexes").code == SET_UP


@pytest.mark.parametrize("left", ["engine.lock", "ballast.before-2026-01-02T030405Z.sqlite"])
def test_without_a_key_file_what_an_engine_or_a_restore_leaves_shows_it_too(left, given_key):
    given_key.ask("list_indexes")
    the_database_is_gone(given_key)
    (given_key.places.home / left).touch()

    said = given_key.run("list_indexes")

    assert said.code == SET_UP
    assert left in said.err
    assert not given_key.places.database.exists()


def test_a_devnet_that_nobody_has_used_is_no_sign_of_a_lost_ledger(given_key):
    given_key.ask("list_indexes")
    the_database_is_gone(given_key)

    assert given_key.places.devnet.exists()
    assert given_key.ask("list_indexes")["indexes"] == []


def test_another_programs_database_is_left_as_it_is_also_where_there_are_no_indexes(machine):
    machine.ask("list_indexes")
    something_else_is_in_the_devnets_place(machine)
    before = machine.places.devnet.read_bytes()

    said = machine.run("list_indexes")

    assert (said.code, said.out) == (SET_UP, "")
    assert "devnet.sqlite is an SQLite database of something else" in " ".join(said.err.split())
    assert "Next: Move it to where it belongs." in said.err
    assert machine.places.devnet.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "broken"),
    [
        (("serve", "--port", "0"), "uvicorn"),
        (("mcp",), "mcp"),
        (("list_indexes", "--json"), "aiosqlite"),
    ],
)
def test_what_nobody_has_foreseen_is_a_fault_in_a_sentence_and_a_trace_in_the_log_at_debug(
    words, broken, machine, tmp_path
):
    # A library that breaks when it is imported: nothing of ours expects that.
    (tmp_path / f"{broken}.py").write_text("raise RuntimeError('the library says hunter2')\n")
    machine.settings = {"PYTHONPATH": str(tmp_path)}

    said = machine.run(*words)
    machine.settings = {**machine.settings, "BALLAST_LOG_LEVEL": "debug"}
    traced = machine.run(*words)

    assert said.code == traced.code == ERRORS[ErrorCode.INTERNAL].exit_code
    told = said.out + said.err
    assert "failed because of a fault in Ballast" in " ".join(told.split())
    assert "BALLAST_LOG_LEVEL=debug" in " ".join(told.split())
    for inside in ("Traceback", "RuntimeError", "the library says", ".py"):
        assert inside not in told
    assert "the library says" in traced.err
    assert "Traceback" not in traced.out
    if "--json" in words:
        assert said.json["code"] == "internal"


def test_signing_in_with_a_web_page_is_not_served_where_others_could_listen(machine):
    machine.settings = {"BALLAST_OAUTH": "embedded", "BALLAST_HTTP_PROXIES": "10.0.0.1"}

    said = machine.run("serve", "--host", "0.0.0.0", "--port", "0")
    machine.settings = {"BALLAST_HTTP_PROXIES": "10.0.0.1"}
    unnamed = machine.run("serve", "--host", "ü" * 70)

    assert said.code == unnamed.code == SET_UP
    assert "it is no name of a host" in " ".join(unnamed.err.split())
    for word in ("BALLAST_OAUTH=embedded", "BALLAST_HTTP_URL", "https://"):
        assert word in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"$@" mcp <&-', "stdin is closed"),
        ('"$@" list_indexes >/dev/full', "could not be written to stdout"),
        ('"$@" list_indexes --json >/dev/full', "could not be written to stdout"),
    ],
)
def test_a_closed_stdin_and_a_full_stdout_are_told_in_one_sentence(line, told, machine):
    done = subprocess.run(
        ["sh", "-c", line, "sh", *BALLAST],
        env=machine.environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert done.returncode == SET_UP
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
