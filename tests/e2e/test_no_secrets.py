"""What is shown once, typed, or sent: no log line, error, or other answer of real processes has it.

Commands and a server run, and their logs have everything that there is to write. The one place
where a secret was to be shown is left out; all else that was said is looked through.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import base58
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ballast.devnet import DevnetOptions, open_devnet
from tests.e2e.machine import PATIENCE, Machine, until
from tests.e2e.overheard import (
    EXPORTED_UNDER,
    MADE_UP,
    MADE_UP_TOKEN,
    PARTNER_KEY,
    PASSWORD,
    WRONG_PASSWORD,
    Browser,
    Heard,
    calls,
    commands,
    key_made_on_a_terminal,
    receiving,
    signing_in,
    tool_calls,
    typed,
    webhook_by_tool,
)
from tests.e2e.test_over_http import serving_devnet

LOUD = {"BALLAST_LOG_LEVEL": "debug", "BALLAST_LOG_FORMAT": "json"}


@pytest.fixture
def heard() -> Heard:
    heard = Heard({"partner key": PARTNER_KEY, "password": PASSWORD, "wrong": WRONG_PASSWORD})
    heard.secrets |= {"password of the file": EXPORTED_UNDER, "made up token": MADE_UP_TOKEN}
    heard.secret("made up key", MADE_UP)
    return heard


@contextmanager
def served(machine: Machine, heard: Heard, log: Path) -> Iterator[Browser]:
    """`ballast serve`, until it has ended in good order; what it logged is kept."""
    with (
        log.open("w") as stderr,
        machine.started("serve", "--port", "0", stderr=stderr) as server,
    ):
        announced = until(lambda: serves(log), "the server says where it is")
        yield Browser(announced.split()[-1], heard)
        server.terminate()
        assert server.wait(PATIENCE) == 0
    heard.logs.append(("server", log.read_text()))


def serves(log: Path) -> str:
    return next((one for one in log.read_text().splitlines() if "serves http" in one), "")


def events_of(heard: Heard) -> set[str]:
    """What the logs tell of."""
    lines = [line for _, text in heard.logs for line in text.splitlines() if line.startswith("{")]
    return {json.loads(line)["event"] for line in lines}


def test_no_secret_is_in_any_log_line_error_or_other_answer(stocked, heard, tmp_path):
    machine = stocked.machine
    machine.settings = LOUD | {
        "BALLAST_WEBHOOK_LOOPBACK": "true",
        "BALLAST_ONECLICK_API_KEY": PARTNER_KEY,
        "BALLAST_TOOLSETS": "webhooks",
    }
    heard.secrets["master key"] = (machine.places.home / "master.key").read_text().strip()
    key = commands(machine, stocked.index_id, heard)

    with receiving() as receiver, served(machine, heard, tmp_path / "server.log") as browser:
        calls(browser, key, receiver)
        tool_calls(browser, key)
        webhook_by_tool(browser, key, receiver)
    for words in (("export",), ("audit", "export"), ("verify",), ("get_status",)):
        heard.run(machine, *words)

    assert {"call", "request", "serving"} <= events_of(heard), "it was all written down"
    assert all(len(value) >= len(PARTNER_KEY) for value in heard.secrets.values())
    assert heard.leaks() == []


def test_no_secret_is_told_in_live_mode_either(tmp_path, heard):
    """Against a devnet in another process: the partner key and a NEAR account's key go out."""
    world, machine = Machine(tmp_path / "world"), Machine(tmp_path / "data")
    world.places.home.mkdir(parents=True)
    options = DevnetOptions(settle_seconds=(0.0, 0.3), api_keys=frozenset({PARTNER_KEY}))
    made = open_devnet(world.places.devnet, options)
    made.close()
    account, near_key = near_account()
    heard.secret("NEAR account's key", near_key.removeprefix("ed25519:"))
    with serving_devnet(world) as url:
        machine.settings = LOUD | {
            "BALLAST_MODE": "live",
            "BALLAST_ONECLICK_URL": url,
            "BALLAST_ONECLICK_API_KEY": PARTNER_KEY,
            "BALLAST_ONECLICK_MANAGER_KEY": made.manager_public_key,
            "BALLAST_NEAR_RPC_URLS": f"{url}/rpc",
            "BALLAST_PUBLISH": "near,oneclick",
            "BALLAST_NEAR_ACCOUNT_ID": account,
            "BALLAST_NEAR_SECRET_KEY": near_key,
            "BALLAST_LIMIT_SWAP_USD": "1000",
            "BALLAST_LIMIT_DAY_USD": "10000",
        }
        refused = heard.run(machine, "list_indexes")
        master_key, copy = machine.directory / "live" / "master.key", tmp_path / "copy"
        shutil.copy(master_key, copy)
        heard.secrets["master key"] = master_key.read_text().strip()
        heard.run(machine, "keys", "verify-backup", str(copy))
        words = ("create_index", "Kept", "--targets", "BTC 60, USDC 40")
        index_id = heard.ask(machine, *words)["index_id"]
        key = key_made_on_a_terminal(machine, heard)
        typed(machine, index_id, heard)
        with served(machine, heard, tmp_path / "server.log") as browser:
            signing_in(browser)
            asked = {"index_id": index_id, "chain": "base", "amount": "500"}
            deposit = browser.tool("deposit_address", key, **asked)
            paid = world.run("devnet", "send", deposit["address"], "500")
            browser.follow(key, deposit["deposit_id"])
            browser.tool("update_index", key, index_id=index_id, targets="BTC 40, USDC 60")
            plan = browser.tool("preview_rebalance", key, index_id=index_id, destination="target")
            started = browser.tool(
                "rebalance_index", key, index_id=index_id, plan_id=plan["plan_id"]
            )
            ended = browser.follow(key, started["rebalance_id"])
            tool_calls(browser, key)
        for words in (("export",), ("audit", "export"), ("verify",), ("get_status",)):
            heard.run(machine, *words)
        with world.devnet() as devnet:
            sent = [row["way"] for row in devnet.network.store.all("SELECT way FROM intents")]

    assert (refused.code, paid.code, ended["state"]) == (8, 0, "completed")
    assert sent
    assert set(sent) == {"on-chain"}, "the NEAR account's key was used"
    assert {"call", "request", "serving"} <= events_of(heard), "it was all written down"
    assert heard.leaks() == []


def near_account() -> tuple[str, str]:
    """An account that pays gas on the devnet, where each implicit one exists; and its key."""
    pair = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = pair.public_key().public_bytes_raw()
    secret = pair.private_bytes_raw() + public
    return public.hex(), f"ed25519:{base58.b58encode(secret).decode()}"
