"""Where nothing but the command line is used, others are told all the same."""

from __future__ import annotations

import pytest

from ballast.demo.receiver import Receiver, listening
from tests.e2e.machine import Machine

REFUSED = 6


@pytest.fixture
def told(machine: Machine):
    """What a receiver of events on this machine has got: the messages, and its webhook's id."""
    machine.settings = {**machine.settings, "BALLAST_WEBHOOK_LOOPBACK": "true"}
    receiver = Receiver()
    with listening(receiver) as url:
        made = machine.ask("create-webhook", "--url", url)
        receiver.secret = made["secret"]
        yield receiver, made["webhook_id"]


def kinds(receiver: Receiver) -> list[str]:
    return [str(one.content["type"]) for one in receiver.taken.values()]


def states(machine: Machine, webhook_id: str) -> set[str]:
    listed = machine.ask("list-webhook-deliveries", webhook_id, "--limit", "50")
    return {one["state"] for one in listed["deliveries"]}


def test_a_command_that_waits_has_told_everything_when_it_ends(machine, told):
    receiver, webhook_id = told
    index = machine.ask("create_index", "Main", "--targets", "BTC 50, USDC 50")["index_id"]
    assert kinds(receiver) == ["index.created"]
    deposit = machine.ask("deposit_address", index, "--amount", "1000")["deposit_id"]

    assert machine.run("send_paper_deposit", deposit).code == 0

    assert {"deposit.credited", "rebalance.completed"} <= set(kinds(receiver))
    assert receiver.refused <= 1, "the trial alone, before the secret was known"
    assert states(machine, webhook_id) == {"delivered"}


@pytest.mark.parametrize("waits", [(), ("--no-follow",)], ids=["waits", "does not wait"])
def test_a_plan_that_waits_for_a_person_is_told_of_by_the_command_that_was_refused(
    machine, told, waits
):
    receiver, webhook_id = told
    index = machine.ask("create_index", "Main", "--targets", "BTC 50, USDC 50")["index_id"]
    deposit = machine.ask("deposit_address", index, "--amount", "1000")["deposit_id"]
    assert machine.run("send_paper_deposit", deposit).code == 0
    machine.ask("limits", "set", "confirm_above_usd", "1")
    machine.ask("update_index", index, "--targets", "BTC 20, USDC 80")
    plan = machine.ask("preview_rebalance", index, "--destination", "target")["plan_id"]

    said = machine.run("rebalance_index", index, plan, *waits)

    assert said.code == REFUSED, said
    assert kinds(receiver)[-1] == "confirmation.needed"
    assert states(machine, webhook_id) == {"delivered"}
