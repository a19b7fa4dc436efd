"""`ballast devnet` for a person at a terminal."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from ballast.devnet.command import make_command
from tests.devnet.world import USDC, USDC_BASE, XRP, World


@pytest.fixture
def run(world):
    def call(*words: str):
        return CliRunner().invoke(make_command(lambda: world.path), list(words))

    return call


async def test_a_person_pays_a_deposit_in_whole_units(world: World, run):
    quoted = await world.quote(depositType="ORIGIN_CHAIN", destinationAsset=USDC_BASE)

    result = run("send", quoted["quote"]["depositAddress"], "1000")

    assert result.exit_code == 0
    assert "Sent 1000.0 USDC on eth" in result.stdout
    assert (await world.status(quoted))["status"] == "KNOWN_DEPOSIT_TX"


@pytest.mark.parametrize("words", [("--file", "{}", "serve"), ("serve", "--file", "{}")])
def test_a_file_may_be_named_on_both_sides_of_serve_and_no_folder_is_made_for_it(
    run, tmp_path, words
):
    file = tmp_path / "no" / "such" / "devnet.db"

    result = run(*(word.format(file) for word in words))

    assert result.exit_code == 2
    assert f"There is no folder {file.parent}." in result.stderr
    assert "Make the folder" in result.stderr
    assert not (tmp_path / "no").exists()


async def test_a_script_pays_in_base_units_and_reads_json(world: World, run):
    quoted = await world.quote(
        originAsset=XRP, depositMode="MEMO", depositType="ORIGIN_CHAIN", destinationAsset=USDC
    )
    address, memo = quoted["quote"]["depositAddress"], quoted["quote"]["depositMemo"]

    result = run("send", address, "77", "--base-units", "--memo", memo, "--json")

    assert json.loads(result.stdout)["amount"] == "77"
    assert (await world.accounts())[f"chain:xrp:{address}:{memo}"] == {XRP: 77}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("send", "nowhere", "5"), "No open quote has the address nowhere"),
        (("clock", "--advance", "soon"), "--advance must be"),
        (("clock", "--speed", "fast"), "--speed must be a number"),
        (("clock", "--speed=-1"), "speed must lie between"),
        (("serve", "--seed", "99"), "was made with the simulated market and seed 1"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_what_to_do_and_exit_code_2(run, words, says):
    result = run(*words)

    error, next_step = result.stderr.splitlines()
    assert result.exit_code == 2
    assert says in error
    assert next_step.startswith("Next: Correct it and call again: ")


def test_where_there_is_no_devnet_it_is_said_how_one_is_made(run):
    result = run("--file", "/nonexistent/devnet.db", "books")

    error, next_step = result.stderr.splitlines()
    assert (result.exit_code, error[:7]) == (2, "Error: ")
    assert "There is no devnet at /nonexistent/devnet.db." in error
    assert next_step.startswith("Next: ballast get_status makes one")


def test_a_file_that_is_no_database_is_called_that_and_what_to_do_is_said(run, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear devnet, " * 100)

    result = run("--file", str(tmp_path / "letter.txt"), "clock")

    error, next_step = result.stderr.splitlines()
    assert error.endswith("letter.txt is damaged, or is no database.")
    assert "start afresh in another data directory" in next_step


@pytest.mark.parametrize("amount", ["0", "1.0000001", "1e3", "1_000", "٣", "NaN", "", "1."])
async def test_a_senseless_amount_is_refused(world: World, run, amount):
    quoted = await world.quote(depositType="ORIGIN_CHAIN", destinationAsset=USDC_BASE)

    result = run("send", quoted["quote"]["depositAddress"], amount)

    assert result.exit_code == 2
    assert (await world.accounts()) == {}


def test_the_clock_is_shown_and_moved(world: World, run):
    assert run("clock").stdout == "2026-12-01T00:00:00+00:00 (frozen)\n"
    assert "2026-12-31T06:00:00" in run("clock", "--advance", "30.25d").stdout
    assert json.loads(run("clock", "--speed", "0", "--json").stdout) == {
        "now": "2026-12-31T06:00:00+00:00",
        "speed": "0",
    }


async def test_the_books_are_shown_to_people_and_machines(world: World, run):
    await world.mint("alice.near", USDC, 1_500_000)

    table = run("books")
    assert "alice.near" in table.stdout
    assert "1.5" in table.stdout
    view = json.loads(run("books", "--json", "--account", "alice.near").stdout)
    assert view["accounts"] == {"alice.near": {USDC: "1500000"}}
    assert view["whole"] is True


async def test_books_that_are_not_whole_end_with_exit_code_1(world: World, run):
    await world.mint("alice.near", USDC, 5)
    store = world.devnet.network.store
    with store.write():
        store.run("UPDATE balances SET amount = '6' WHERE account = 'alice.near'")

    result = run("books")

    assert result.exit_code == 1
    assert "is not the sum of its postings" in result.stdout
