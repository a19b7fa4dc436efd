"""What only the owner does: allowed addresses, the kill switch, evidence, and the way to live."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket

import pytest
from mcp import Client
from pydantic import SecretStr

from ballast.app.catalog import OPERATIONS
from ballast.bootstrap import opened_app
from ballast.core.limits import Limits
from ballast.errors import BallastError
from ballast.faces.mcp.server import build_server
from ballast.settings import Settings
from tests.app.world import open_world, settings_for
from tests.faces.serving import CommandLine

HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
NO_DEPOSIT = "dep_01ARZ3NDEKTSV4RRFFQ69G5FAV"
ADD_HOME = ("destinations", "add", "home", HOME, "--chain", "ethereum")


def line_on(capsys, settings):
    return CommandLine(
        capsys,
        OPERATIONS,
        lambda: opened_app(settings),
        unready_app=lambda: opened_app(settings, ready=False),
    )


@pytest.fixture
def line(capsys, tmp_path):
    return line_on(capsys, settings_for(tmp_path))


# --- destinations ---------------------------------------------------------------------------------


def test_an_address_is_listed_shown_and_taken_off_again(line):
    assert line.run(*ADD_HOME)[0] == 0
    code, out, _ = line.run("destinations", "list")
    assert code == 0
    assert all(word in out for word in ("home", "eth", HOME))

    [listed] = json.loads(line.run("destinations", "list", "--json")[1])
    assert (listed["label"], listed["chain"], listed["address"]) == ("home", "eth", HOME)
    assert line.json("destinations", "remove", "home")[1] == listed
    assert json.loads(line.run("destinations", "list", "--json")[1]) == []
    assert "no withdrawal can leave" in line.run("destinations", "list")[1]


@pytest.mark.parametrize(
    ("words", "exit_code", "code", "said"),
    [
        (
            ("add", "home", HOME[:-1] + "D", "--chain", "ethereum"),
            2,
            "address_invalid",
            "a letter of it",
        ),
        (("add", "home", HOME, "--chain", "bitcoin"), 2, "address_invalid", "of this chain"),
        (("add", "home", "bc1qar0", "--chain", "ethereum"), 2, "address_invalid", "of this chain"),
        (("add", "home", HOME, "--chain", "etherium"), 2, "invalid_input", "chain"),
        (("add", "", HOME, "--chain", "ethereum"), 2, "invalid_input", "label"),
        (("add", "home", HOME), 2, "invalid_input", "required"),
        (("remove", "nowhere"), 3, "not_found", "label"),
    ],
)
def test_a_mistake_with_the_list_is_one_clear_message(line, words, exit_code, code, said):
    shown, out, err = line.run("destinations", *words)

    assert (shown, out) == (exit_code, "")
    assert err.startswith("Error: ")
    assert "Traceback" not in err
    refused, refusal = line.json("destinations", *words)
    assert (refused, refusal["code"]) == (exit_code, code)
    assert said in json.dumps(refusal).lower()


def test_a_label_is_used_once(line):
    line.run(*ADD_HOME)

    code, refusal = line.json(*ADD_HOME)

    assert (code, refusal["code"]) == (4, "name_taken")


# --- the kill switch ------------------------------------------------------------------------------


def test_whoever_may_ask_can_halt_but_only_a_terminal_resumes(line, monkeypatch):
    assert line.json("halt_trading")[1]["trading"] == "halted"

    code, out, err = line.run("resume")
    assert (code, out) == (2, "")
    assert "works on a terminal only" in err
    assert line.json("get_status")[1]["trading"] == "halted"

    monkeypatch.setattr("ballast.faces.cli.kill_switch.need_terminal", lambda command: None)
    assert line.run("resume")[:2] == (0, "Trading is on again.\n")
    assert line.json("resume") == (0, {"trading": "on", "was_halted": False})
    assert line.json("get_status")[1]["trading"] == "on"


@pytest.mark.parametrize(
    "command",
    ["get_webhook", "update_webhook", "test_webhook", "rotate_webhook_secret", "delete_webhook"],
)
def test_the_id_of_a_webhook_is_the_first_word_of_its_commands(line, command):
    _, refusal = line.json(command, "whk_01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert refusal["code"] == "not_found"


def test_trading_can_be_halted_on_the_terminal_even_while_live_mode_is_not_ready(capsys, tmp_path):
    line = line_on(capsys, settings_for(tmp_path))
    code, answer = line.json("halt", "--reason", "looking into it")
    assert (code, answer["trading"]) == (0, "halted")
    assert line.json("get_status")[1]["trading"] == "halted"

    live = line_on(capsys, Settings(data_dir=tmp_path, mode="live", second_prices="off"))
    assert live.json("get_status")[1]["code"] == "settings_invalid"
    code, out, _ = live.run("halt")
    assert (code, out.startswith("Trading is halted.")) == (0, True)


# --- another master key ---------------------------------------------------------------------------


def test_another_master_key_is_taken_on_a_terminal_and_the_old_one_is_named(
    line, monkeypatch, tmp_path
):
    assert line.json("keys", "rotate")[1]["code"] == "invalid_input"
    monkeypatch.setattr("ballast.faces.cli.keys.need_terminal", lambda command: None)
    line.run("create_index", "Main", "--targets", "BTC 50, USDC 50")

    code, answer = line.json("keys", "rotate")

    assert (code, answer["keys"]) == (0, 1)
    [kept] = [name for name in answer["next_step"].split() if name.startswith("master.key.")]
    assert (tmp_path / "paper" / kept.removesuffix(",")).exists()
    code, out, _ = line.run("keys", "rotate")
    assert (code, out.startswith("Encrypted under the new master key: 1 key.")) == (0, True)


def test_a_master_key_from_the_environment_is_replaced_by_one_that_is_typed(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr("ballast.faces.cli.keys.need_terminal", lambda command: None)
    monkeypatch.setattr("typer.prompt", lambda *asked, **how: "22" * 32)
    line = line_on(capsys, settings_for(tmp_path, master_key="11" * 32))
    line.run("create_index", "Main", "--targets", "BTC 50, USDC 50")

    code, answer = line.json("keys", "rotate")

    assert (code, answer["keys"]) == (0, 1)
    assert "Set BALLAST_MASTER_KEY to it" in answer["next_step"]
    assert not (tmp_path / "paper" / "master.key").exists()


def test_an_index_is_known_by_its_name_to_the_commands_for_keys_and_limits(
    line, monkeypatch, tmp_path
):
    monkeypatch.setattr("ballast.faces.cli.keys.need_terminal", lambda command: None)
    monkeypatch.setattr("typer.prompt", lambda *asked, **how: "a password of mine")
    line.run("create_index", "Main", "--targets", "BTC 50, USDC 50")

    code, out, _ = line.run("keys", "export", "main", "--to", str(tmp_path / "key.json"))
    _, shown = line.json("limits", "show", "--index", "Main")
    refused, refusal = line.json("limits", "show", "--index", "Other")

    assert (code, "The key of idx_" in out) == (0, True)
    assert json.loads((tmp_path / "key.json").read_text())["version"] == 3
    assert shown["limits"]
    assert (refused != 0, refusal["code"]) == (True, "not_found")


# --- evidence -------------------------------------------------------------------------------------


def test_an_incident_is_all_that_is_known_of_an_item(capsys, tmp_path):
    async def paid() -> str:
        async with open_world(tmp_path) as world:
            index = await world.new_index()
            return str((await world.deposit(index.index_id)).id)

    deposit_id = asyncio.run(paid())

    code, bundle = line_on(capsys, settings_for(tmp_path)).json("incident", deposit_id)

    assert code == 0
    assert bundle["deposit"]["deposit_id"] == deposit_id
    assert bundle["payments"]
    assert bundle["ledger_entries"]
    assert bundle["venue_now"][0]["status"]["status"] == "SUCCESS"
    assert bundle["deposit"]["quote"]["signature"]


@pytest.mark.parametrize(
    ("item_id", "exit_code", "code"),
    [
        (NO_DEPOSIT, 3, "not_found"),
        ("idx_01ARZ3NDEKTSV4RRFFQ69G5FAV", 2, "invalid_input"),
        ("../../etc", 2, "invalid_input"),
    ],
)
def test_an_incident_of_nothing_is_one_clear_message(line, item_id, exit_code, code):
    assert line.run("incident", item_id)[0] == exit_code
    assert line.json("incident", item_id)[1]["code"] == code


# --- the way to live mode -----------------------------------------------------------------------

MISSING = {
    "limit_swap_usd": "BALLAST_LIMIT_SWAP_USD",
    "limit_day_usd": "BALLAST_LIMIT_DAY_USD",
    "oneclick_api_key": "BALLAST_ONECLICK_API_KEY",
}
SET = {"limit_swap_usd": "100", "limit_day_usd": "1000", "oneclick_api_key": SecretStr("key")}


@pytest.fixture
def reached(monkeypatch):
    """Whoever this process tried to reach."""
    tried = []

    def resolve(host, *rest, **more):
        tried.append(host)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: tried.append(address))
    return tried


def live(directory, **more):
    return Settings(data_dir=directory, mode="live", **more)


def test_live_mode_says_everything_that_is_missing_at_once_and_reaches_nobody(
    capsys, tmp_path, reached
):
    line = line_on(capsys, live(tmp_path))

    code, out, err = line.run("list_indexes")
    refused, refusal = line.json("verify")

    assert (code, out, refused) == (8, "", 8)
    assert refusal["code"] == "settings_invalid"
    for name in [*MISSING.values(), "verify-backup"]:
        assert name in err
        assert any(name in problem for problem in refusal["details"]["problems"])
    assert reached == []


async def test_over_mcp_live_mode_lists_its_tools_and_refuses_every_call(tmp_path, reached):
    server = build_server(OPERATIONS, lambda: opened_app(live(tmp_path)), version="1", mode="live")
    async with Client(server, mode="legacy") as client:
        tools = (await client.list_tools()).tools
        answers = [
            await client.call_tool("list_indexes", {}),
            await client.call_tool("get_status", {}),
        ]

    assert tools
    for one in answers:
        assert one.is_error
        assert one.structured_content["code"] == "settings_invalid"
        text = one.content[0].text
        assert all(name in text for name in [*MISSING.values(), "verify-backup"])
    assert reached == []


@pytest.mark.parametrize("given", MISSING)
def test_live_mode_asks_only_for_what_is_still_missing(given, capsys, tmp_path, reached):
    line = line_on(capsys, live(tmp_path, **{given: SET[given]}))

    _, refusal = line.json("list_indexes")

    said = " ".join(refusal["details"]["problems"])
    assert MISSING[given] not in said
    assert len(refusal["details"]["problems"]) == len(MISSING)


def test_a_checked_backup_opens_the_way_and_a_wrong_one_does_not(capsys, tmp_path, reached):
    settings = live(tmp_path, **SET)
    line = line_on(capsys, settings)
    wrong, copy = tmp_path / "wrong", tmp_path / "copy"
    code, refusal = line.json("list_indexes")
    assert (code, len(refusal["details"]["problems"])) == (8, 1)

    wrong.write_text("ab" * 32)
    copy.write_text((settings.home / "master.key").read_text())
    itself, link = settings.home / "master.key", tmp_path / "link"
    link.symlink_to(itself)
    for words in map(str, (wrong, tmp_path / "none", tmp_path, itself, link)):
        code, refusal = line.json("keys", "verify-backup", words)
        assert (code, refusal["code"]) == (2, "invalid_input")
    assert line.run("list_indexes")[0] == 8

    assert line.json("keys", "verify-backup", str(copy)) == (0, {"verified": True})
    code, answer = line.json("list_indexes")
    assert (code, answer["mode"], answer["indexes"]) == (0, "live", [])
    assert reached == []


def test_an_address_is_added_in_live_mode_on_a_terminal_only(capsys, tmp_path, reached):
    settings = live(tmp_path, **SET)
    line = line_on(capsys, settings)
    line.run("list_indexes")
    copy = shutil.copy(settings.home / "master.key", tmp_path / "copy")
    line.run("keys", "verify-backup", str(copy))

    code, refusal = line.json(*ADD_HOME)

    assert (code, refusal["code"]) == (2, "invalid_input")
    assert "terminal only" in refusal["message"]
    assert reached == []


async def test_money_settings_of_live_mode_are_the_limits_of_its_indexes(tmp_path):
    async with opened_app(live(tmp_path, **SET), ready=False) as app:
        assert app.mode == "live"
        assert app.outside_wallet is None
        narrow, wide = app.default_limits, Limits()
        assert narrow.max_swap_pico < narrow.max_day_pico
        assert narrow.confirm_above_pico < narrow.max_day_pico < narrow.max_month_pico
        assert narrow.max_month_pico < wide.max_month_pico
        assert narrow.max_run_bps < wide.max_run_bps
        assert narrow.max_cost_month_pico < wide.max_cost_month_pico
        with pytest.raises(BallastError):
            async with opened_app(live(tmp_path, **SET)):
                raise AssertionError("it must not open")


def test_what_is_wrong_with_the_fields_together_names_no_field(line):
    line.json("create_index", "Main", "--targets", "BTC 100")
    code, refusal = line.json("update_index", "Main")
    assert (code, refusal["code"]) == (2, "invalid_input")
    assert refusal["message"] == "update_index was called with 1 problem."
