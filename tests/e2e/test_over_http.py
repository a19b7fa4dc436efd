"""A NEAR Intents of somebody else, over HTTP: `ballast devnet serve` in its own process.

The devnet's clock runs at the speed of the machine's, which is the one Ballast goes by then; its
settlement is quick instead.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ballast.devnet import DevnetOptions, open_devnet
from tests.e2e.machine import BALLAST, PATIENCE, Machine, until

PARTNER_KEY = "partner-key-7f3a90"
BASKET = "BTC 40, ETH 40, USDC 20"
OTHER_BASKET = "BTC 10, ETH 20, SOL 50, USDC 20"


@contextmanager
def serving_devnet(machine: Machine) -> Iterator[str]:
    """`ballast devnet serve` on a free port; its URL."""
    command = [*BALLAST, "devnet", "--file", str(machine.places.devnet), "serve", "--port", "0"]
    server = subprocess.Popen(
        command, env=machine.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert server.stderr is not None
        timer = threading.Timer(PATIENCE, server.kill)
        timer.start()
        line = server.stderr.readline()
        timer.cancel()
        assert "devnet ready at " in line, line
        yield line.split()[-1]
        server.send_signal(signal.SIGINT)
        server.wait(PATIENCE)
    finally:
        server.kill()
        server.communicate()


@pytest.fixture
def elsewhere(tmp_path):
    """A machine whose devnet lies elsewhere and is reached over HTTP alone."""
    world = Machine(tmp_path / "world")
    world.places.home.mkdir(parents=True)
    options = DevnetOptions(settle_seconds=(0.0, 0.3), api_keys=frozenset({PARTNER_KEY}))
    open_devnet(world.places.devnet, options).close()
    with serving_devnet(world) as url:
        machine = Machine(
            tmp_path / "data",
            {
                "BALLAST_ONECLICK_URL": url,
                "BALLAST_NEAR_RPC_URLS": f"{url}/rpc",
                "BALLAST_ONECLICK_API_KEY": PARTNER_KEY,
                "BALLAST_LOG_LEVEL": "debug",
            },
        )
        yield machine, world


def test_a_whole_life_on_a_devnet_in_another_process(elsewhere):
    machine, world = elsewhere
    errors = []

    def done(*words: str):
        said = machine.run(*words, "--json")
        errors.append(said.err)
        assert said.code == 0, said
        return said.json

    index_id = done("create_index", "Main", "--targets", BASKET)["index_id"]
    deposit = done("deposit_address", index_id, "--amount", "1000")
    done("send_paper_deposit", deposit["deposit_id"])
    done("update_index", index_id, "--targets", OTHER_BASKET)
    plan = done("preview_rebalance", index_id, "--destination", "target")
    before = executed(world, machine, index_id)
    done("rebalance_index", index_id, plan["plan_id"])

    account = machine.account_of(index_id)
    with world.devnet() as devnet:
        theirs = devnet.network.books.holdings(account)
    assert machine.holdings(index_id) == theirs
    assert len(theirs) == 4
    assert executed(world, machine, index_id) - before == len(plan["swaps"])
    assert done("verify")["problems"] == []
    assert not machine.places.devnet.exists()
    assert PARTNER_KEY not in "".join(errors)


def test_killed_after_the_venue_has_acted_and_before_it_answers(elsewhere):
    """The worst moment: the intents are executed, and Ballast does not know."""
    machine, world = elsewhere
    index_id = machine.ask("create_index", "Main", "--targets", BASKET)["index_id"]
    deposit = machine.ask("deposit_address", index_id, "--amount", "1000")
    slow = ("--always", "--set", "seconds=30")
    world.run("devnet", "fault", "add", "submit-intent", "slow", *slow)

    with machine.started("send_paper_deposit", deposit["deposit_id"]) as killed:
        until(lambda: executed(world, machine, index_id) == 2, "both legs are executed")
        unaware = machine.rows("SELECT state FROM intents")
        killed.kill()
        killed.wait(PATIENCE)
    assert world.run("devnet", "fault", "clear").code == 0
    ended = machine.run("get_progress", deposit["deposit_id"], "--follow", "--json")

    assert set(unaware) == {("publishing",)}
    assert ended.code == 0, ended
    assert executed(world, machine, index_id) == 2
    assert machine.rows("SELECT state FROM intents") == [("executed",)] * 2
    with world.devnet() as devnet:
        theirs = devnet.network.books.holdings(machine.account_of(index_id))
    assert machine.holdings(index_id) == theirs
    assert machine.ask("verify")["problems"] == []


def executed(world: Machine, machine: Machine, index_id: str) -> int:
    with world.devnet() as devnet:
        sql = "SELECT COUNT(*) FROM nonces WHERE account = ?"
        return int(devnet.network.store.one(sql, machine.account_of(index_id))[0])


def test_a_venue_that_is_away_is_named_and_nothing_is_half_done(elsewhere):
    machine, _ = elsewhere
    machine.settings = {
        **machine.settings,
        "BALLAST_ONECLICK_URL": "http://127.0.0.1:9",
        "BALLAST_NEAR_RPC_URLS": "http://127.0.0.1:9/rpc",
    }

    said = machine.run("create_index", "Main", "--targets", BASKET, "--json")

    assert (said.code, said.json["code"]) == (7, "venue_unavailable")
    assert said.json["retryable"]
    assert machine.ask("list_indexes")["indexes"] == []


@pytest.mark.parametrize("name", ["BALLAST_ONECLICK_URL", "BALLAST_NEAR_RPC_URLS"])
def test_one_of_the_two_addresses_alone_is_refused(name, machine):
    machine.settings = {name: "http://127.0.0.1:9"}

    said = machine.run("list_indexes")

    assert (said.code, said.out) == (8, "")
    assert "belong together" in said.err
