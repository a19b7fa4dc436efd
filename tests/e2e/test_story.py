"""100 USDC come from Base, are invested, and half of it goes out to Ethereum: the whole way."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from ballast.devnet.books import chain_account
from tests.e2e.machine import Machine, Session, until

HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
USDC_ON_ETHEREUM = "nep141:eth-0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48.omft.near"
BASKET = [{"asset": "BTC", "percent": 60}, {"asset": "ETH", "percent": 40}]
ALLOW = ("destinations", "add", "home", HOME, "--chain", "ethereum")


@pytest.fixture
def machine(tmp_path):
    """A paper world in which ten seconds pass in one: quick, and slow enough to be watched."""
    return Machine(tmp_path / "data", {"BALLAST_MARKET_SPEED": "10"})


def watched(session: Session, handle: str) -> tuple[list[str], dict]:
    """Every state that something went through, as get_progress showed it, and its last answer."""
    states: list[str] = []

    def look() -> dict | None:
        progress = session.call("get_progress", id=handle)
        if progress["state"] not in states:
            states.append(progress["state"])
        return progress if progress["done"] else None

    return states, until(look, f"{handle} is done")


def in_order(states: list[str], way: list[str]) -> bool:
    """Whether the states are on this way, from its first to its last, in order."""
    return [one for one in way if one in states] == states and states[-1] == way[-1]


def delivered(machine: Machine) -> Decimal:
    """Whole USDC that lie at the owner's address on Ethereum, by the devnet's own books."""
    with machine.devnet() as devnet:
        found = devnet.network.books.holdings(chain_account("eth", HOME))
    assert found.keys() == {USDC_ON_ETHEREUM}
    return Decimal(found[USDC_ON_ETHEREUM]) / 10**6


def test_the_story_over_mcp(machine):
    with machine.serving() as session:
        tools = session.request("tools/list")["result"]["tools"]
        index_id = session.call("create_index", name="Main", targets=BASKET)["index_id"]
        deposit = session.call(
            "deposit_address", index_id=index_id, asset="USDC", chain="base", amount="100"
        )
        assert deposit["pay"]["chain"] == "base"
        session.call("send_paper_deposit", deposit_id=deposit["deposit_id"])

        states, credited = watched(session, deposit["deposit_id"])
        assert {"seen", "processing"} <= set(states), states
        assert in_order(states, ["awaiting", "seen", "processing", "credited"]), states
        states, invested = watched(session, credited["follow_up_id"])
        assert states == ["executing", "completed"], states
        assert {one["buy"] for one in invested["swaps"]} == {"BTC", "ETH"}

        # A conversation can use the owner's list; no tool can add to it.
        wish = {"index_id": index_id, "amount": "50", "destination": "home"}
        refused = session.call("preview_withdrawal", **wish)
        assert refused["code"] == "destination_not_allowed"
        assert "ballast destinations add" in refused["next_step"]
        assert not [one["name"] for one in tools if "destination" in one["name"]]
        takes = {one["name"] for one in tools if "address" in one["inputSchema"]["properties"]}
        assert takes == set()
        assert machine.run(*ALLOW).code == 0

        plan = session.call("preview_withdrawal", **wish)
        assert (plan["payout"]["chain"], plan["address"]) == ("eth", HOME)
        assert Decimal(plan["network_fee"]) > 0
        started = session.call("withdraw", index_id=index_id, plan_id=plan["plan_id"])
        states, sent = watched(session, started["withdrawal_id"])
        assert in_order(states, ["confirmed", "selling", "sending", "sent"]), states
        assert {"selling", "sending"} <= set(states), states
        assert session.close().code == 0

    assert Decimal(plan["minimum_amount"]) <= delivered(machine) <= 50
    assert delivered(machine) == Decimal(sent["credited_amount"])
    assert machine.venue_balances(index_id) == machine.holdings(index_id)
    assert machine.venue_faults() == []
    assert machine.run("verify").code == 0


def test_the_story_on_the_command_line(machine):
    index = machine.ask("create_index", "Main", "--targets", "BTC 60, ETH 40")
    words = ("--asset", "USDC on Base", "--amount", "100")
    deposit = machine.ask("deposit_address", index["index_id"], *words)

    paid = machine.run("send_paper_deposit", deposit["deposit_id"])

    assert paid.code == 0, paid
    way = re.findall(r"^deposit dep_\w+: (\w+)", paid.err, re.M)
    assert in_order(list(dict.fromkeys(way)), ["awaiting", "seen", "processing", "credited"]), way
    assert re.search(r"^construct reb_\w+: completed, 2 of 2 swaps settled", paid.err, re.M)

    wish = ("preview_withdrawal", index["index_id"], "--amount", "50", "--destination", "home")
    refused = machine.run(*wish, "--json")
    assert (refused.code, refused.json["code"]) == (6, "destination_not_allowed")
    allowed = machine.run(*ALLOW)
    assert (allowed.code, allowed.err) == (0, "")
    plan = machine.ask(*wish)

    sent = machine.run("withdraw", index["index_id"], plan["plan_id"])

    assert sent.code == 0, sent
    way = list(dict.fromkeys(re.findall(r"^withdrawal wdr_\w+: (\w+)", sent.err, re.M)))
    assert in_order(way, ["confirmed", "selling", "sending", "sent"]), way
    assert "delivered on eth" in sent.err
    assert Decimal(plan["minimum_amount"]) <= delivered(machine) <= 50
    checked = machine.run("verify", "--json")
    assert (checked.code, json.loads(checked.out)["good"]) == (0, True)
