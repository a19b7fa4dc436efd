"""What the owner does on the machine itself: check the books, keep a key, put it back."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from tests.app.test_write_off import stuck
from tests.app.world import open_world
from tests.e2e.machine import BALLAST, PATIENCE, Machine, Said, wait_until_it_waits

PASSWORD = "correct horse battery staple"
DISAGREES = 1
INTERRUPTED = 130
CTRL_C, CTRL_D = "\x03", "\x04"
KEYS = (CTRL_C, CTRL_D)
# Makes the pty the process's own terminal, so that a password can be asked for on it.
ON_A_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


def on_a_terminal(machine: Machine, *words: str, answers: dict[str, str]) -> Said:
    """Run a command on a terminal of its own, and type each answer at its prompt. Keys that need no
    Enter get none."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *BALLAST, *words],
        env=machine.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        shown = _converse(process.pid, ours, dict(answers))
        return Said(process.wait(PATIENCE), shown, "")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _converse(pid: int, terminal: int, answers: dict[str, str]) -> str:
    shown, deadline = "", time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            shown += os.read(terminal, 4096).decode()
        except OSError:  # the other end is closed: the command has ended
            return shown
        # The space comes once the terminal no longer shows, nor throws away, what is typed.
        # After a whole line more may have come in the same piece.
        asked = (shown.endswith(f"{one} ") or f"{one}\r\n" in shown for one in answers)
        for prompt in [one for one, now in zip(list(answers), list(asked), strict=True) if now]:
            answer = answers.pop(prompt)
            if answer in KEYS:
                wait_until_it_waits(pid)
            os.write(terminal, (answer if answer in KEYS else f"{answer}\n").encode())
    raise AssertionError(f"the command does not end: {shown}")


ASKED_ON_EXPORT = {"Password for the file:": PASSWORD, "Repeat for confirmation:": PASSWORD}
ASKED_ON_IMPORT = {"Password of the file:": PASSWORD}


def test_a_key_taken_out_opens_in_another_wallet_and_goes_back_under_a_new_master_key(stocked):
    from eth_account import Account

    machine, index_id = stocked.machine, stocked.index_id
    file = machine.directory.parent / "key.json"

    exported = on_a_terminal(
        machine, "keys", "export", index_id, "--to", str(file), answers=ASKED_ON_EXPORT
    )
    assert exported.code == 0, exported
    keystore = json.loads(file.read_text())
    key = Account.decrypt(keystore, PASSWORD)
    assert keystore["version"] == 3
    assert file.stat().st_mode & 0o777 == 0o600
    assert Account.from_key(key).address.lower() == machine.account_of(index_id)
    assert PASSWORD not in exported.out
    assert key.hex() not in exported.out

    (machine.places.home / "master.key").write_text("ab" * 32)
    plan = machine.ask("preview_rebalance", index_id, "--destination", "target")
    trade = ("rebalance_index", index_id, plan["plan_id"], "--json")
    refused = machine.run(*trade)
    assert (refused.code, refused.json["code"]) == (8, "keys_unavailable")

    imported = on_a_terminal(
        machine, "keys", "import", index_id, "--from", str(file), answers=ASKED_ON_IMPORT
    )
    assert imported.code == 0, imported
    machine.set_speed(20)
    assert machine.run(*trade).code == 0
    found = json.loads(machine.run("verify", "--json").out)["problems"]
    assert found
    # The books are whole; rows of the audit that the lost master key was for can be read no more.
    assert all(one.startswith("Audit row ") for one in found)


@pytest.mark.parametrize("words", [("export", "{}", "--to", "k"), ("import", "{}", "--from", "k")])
def test_a_key_leaves_and_enters_on_a_terminal_only(words, stocked):
    machine = stocked.machine

    said = machine.run("keys", *(one.format(stocked.index_id) for one in words), stdin="x\nx\n")

    assert (said.code, said.out) == (2, "")
    assert "works on a terminal only" in said.err
    assert not (machine.directory.parent / "k").exists()


def test_a_key_of_another_account_is_not_put_in(stocked):
    from eth_account import Account

    machine, index_id = stocked.machine, stocked.index_id
    file = machine.directory.parent / "other.json"
    file.write_text(json.dumps(Account.encrypt(b"\7" * 32, PASSWORD, iterations=2)))
    before = machine.rows("SELECT * FROM keys")

    said = on_a_terminal(
        machine, "keys", "import", index_id, "--from", str(file), answers=ASKED_ON_IMPORT
    )

    assert said.code == 2
    assert "another account" in said.out
    assert machine.rows("SELECT * FROM keys") == before


# --- a person who does not agree ---------------------------------------------------------------


@pytest.mark.parametrize(
    "answer", ["n", "", CTRL_C, CTRL_D], ids=["n", "enter", "ctrl-c", "ctrl-d"]
)
def test_who_does_not_agree_is_told_at_once_that_nothing_was_done(answer, stocked):
    machine, index_id = stocked.machine, stocked.index_id
    machine.ask("limits", "set", "confirm_above_usd", "1")
    plan_id = machine.ask("preview_rebalance", index_id, "--destination", "target")["plan_id"]
    before = machine.rows("SELECT * FROM plans")

    said = on_a_terminal(machine, "confirm", plan_id, answers={"Do you agree? [y/N]:": answer})

    assert said.code == INTERRUPTED, said
    assert said.out.splitlines()[-1] == "Nothing was done."
    assert "Agreed" not in said.out
    assert machine.rows("SELECT * FROM plans") == before


@pytest.mark.parametrize(
    ("words", "prompt"),
    [
        (("panic",), "Sell everything? [y/N]:"),
        (("keys", "export", "{}", "--to", "k"), "Password for the file:"),
        (("account", "create", "anna"), "Password:"),
        (("notify", "add", "me"), "URL:"),
    ],
    ids=["panic", "keys export", "account create", "notify add"],
)
def test_ctrl_c_at_any_question_ends_the_command_and_says_that_nothing_was_done(
    words, prompt, stocked
):
    typed = [one.format(stocked.index_id) for one in words]

    said = on_a_terminal(stocked.machine, *typed, answers={prompt: CTRL_C})

    assert said.code == INTERRUPTED, said
    assert said.out.splitlines()[-1] == "Nothing was done."


def test_a_swap_is_written_off_by_whoever_agrees_and_not_at_ctrl_c(tmp_path):
    machine = Machine(tmp_path / "data")

    async def stock() -> str:
        async with open_world(machine.directory) as world:
            return (await stuck(world))[1].swap_id

    swap_id = asyncio.run(stock())
    state = f"SELECT state FROM swaps WHERE swap_id = '{swap_id}'"
    prompt = "End this swap so? It cannot be taken back. [y/N]:"

    said = on_a_terminal(machine, "write-off", swap_id, answers={prompt: CTRL_C})
    assert (said.code, said.out.splitlines()[-1]) == (INTERRUPTED, "Nothing was done.")
    assert machine.rows(state) == [("attention",)]
    said = on_a_terminal(machine, "write-off", swap_id, answers={prompt: "y"})
    assert (said.code, "is written off" in said.out) == (0, True)
    assert machine.rows(state) != [("attention",)]


def test_ctrl_c_at_a_question_for_another_given_master_key_ends_the_command(stocked):
    machine = stocked.machine
    key = (machine.places.home / "master.key").read_text().strip()
    machine.settings = {**machine.settings, "BALLAST_MASTER_KEY": key}
    prompt = "New master key (32 random bytes as hex or base64):"

    said = on_a_terminal(machine, "keys", "rotate", answers={prompt: CTRL_C})

    assert (said.code, said.out.splitlines()[-1]) == (INTERRUPTED, "Nothing was done.")


# --- panic ---------------------------------------------------------------------------------------


def test_ctrl_c_stops_the_waiting_for_a_sale_of_everything_and_not_the_sale(stocked):
    machine = stocked.machine
    answers = {"Sell everything? [y/N]:": "y", "Ctrl-C stops the waiting, not the sale.": CTRL_C}

    said = on_a_terminal(machine, "panic", answers=answers)

    assert said.code == INTERRUPTED, said
    assert "the sale is not stopped" in " ".join(said.out.split())
    [left] = machine.ask("get_status")["panic"]["left"]
    assert left["index_id"] == stocked.index_id


# --- verify -------------------------------------------------------------------------------------


def tamper(machine: Machine, *statements: str) -> None:
    """Change rows behind Ballast's back, as somebody with the file can."""
    with closing(sqlite3.connect(machine.places.database)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement
        connection.commit()


FIRST_ENTRY = "(SELECT entry_id FROM entries WHERE sequence = 1)"


@pytest.mark.parametrize(
    "statements",
    [
        # Both sides of one entry, so that it still sums to zero, and the balances with it.
        (
            "UPDATE postings SET units = CASE WHEN units LIKE '-%' THEN '-' ELSE '' END || "
            f"(CAST(ltrim(units, '-') AS INTEGER) + 1) WHERE entry_id = {FIRST_ENTRY}",
            "UPDATE balances SET units = CAST(CAST(units AS INTEGER) + 1 AS TEXT) "
            f"WHERE account = 'available' AND asset_id = (SELECT asset_id FROM postings "
            f"WHERE entry_id = {FIRST_ENTRY} LIMIT 1)",
            "UPDATE balances SET units = CAST(CAST(units AS INTEGER) - 1 AS TEXT) "
            "WHERE account = 'owner'",
        ),
        ("UPDATE entries SET reference = 'dep_other' WHERE sequence = 1",),
        ("UPDATE entries SET event_at = event_at + 1 WHERE sequence = 2",),
        (
            f"DELETE FROM postings WHERE entry_id = {FIRST_ENTRY}",
            "DELETE FROM entries WHERE sequence = 1",
        ),
        ("UPDATE balances SET units = '7' WHERE account = 'available'",),
        ("UPDATE swaps SET output_units = '1' WHERE position = 0",),
    ],
    ids=["amount", "reference", "time", "entry gone", "balance", "fill"],
)
def test_verify_notices_a_row_that_was_tampered_with(statements, stocked):
    machine = stocked.machine
    tamper(machine, *statements)

    said = machine.run("verify", "--json")

    assert said.code == DISAGREES, said
    assert not said.json["good"]
    assert said.json["problems"]


@pytest.mark.parametrize("units", [1, -1])
def test_verify_notices_one_base_unit_at_the_venue(units, stocked):
    from ballast.devnet.books import Move

    machine = stocked.machine
    account = machine.account_of(stocked.index_id)
    [asset, *_] = machine.holdings(stocked.index_id)
    ends = ("system:fees", account) if units > 0 else (account, "system:fees")
    with machine.devnet() as devnet, devnet.network.store.write():
        if units > 0:
            devnet.network.books.post(
                "test", "x", 0, [Move("system:solver", "system:fees", asset, 1)]
            )
        devnet.network.books.post("test", "y", 0, [Move(*ends, asset, 1)])

    said = machine.run("verify")

    assert said.code == DISAGREES, said
    assert f"1 base units {'more' if units > 0 else 'less'}" in " ".join(said.out.split())
