"""Killed by SIGKILL in the middle of a rebalance: the next start finishes it, nothing twice.

The referee is the devnet's own file: how many intents its contract has executed, and who holds
what. It is compared with the ledger's rows, read behind Ballast's back.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from tests.e2e.conftest import Stocked
from tests.e2e.machine import PATIENCE, Machine, Session, kill_when, until

# Each lasts from one commit to the next, in the order in which a leg goes through them.
MOMENTS = {
    "planned": "SELECT 1 FROM swaps WHERE state = 'planned' AND rebalance_id = ?",
    "quoted": "SELECT 1 FROM swaps WHERE state = 'quoted' AND rebalance_id = ?",
    "signed": "SELECT 1 FROM intents JOIN swaps USING (swap_id) "
    "WHERE intents.state = 'signed' AND rebalance_id = ?",
    "publishing": "SELECT 1 FROM intents JOIN swaps USING (swap_id) "
    "WHERE intents.state = 'publishing' AND rebalance_id = ?",
    "published": "SELECT 1 FROM swaps WHERE state = 'published' AND rebalance_id = ?",
    "settled": "SELECT 1 FROM swaps WHERE state = 'settled' AND rebalance_id = ?",
}
RUNNING = "SELECT rebalance_id FROM rebalances WHERE plan_id = ?"
# Settlement takes 4 to 12 seconds of domain time; an intent lasts 180.
SPEED = 8
# Until it is killed a process runs in slices, so that its time must not run ahead of it.
SPEED_IN_SLICES = 2
DISK = Path("/var/tmp")


@pytest.fixture
def stocked(_stocked_once):
    """A copy of the machine on a disk, if there is one: in memory the moments between two commits
    are over before anybody looks."""
    place = DISK if os.access(DISK, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as directory:
        machine = _stocked_once.machine.copy_to(Path(directory) / "data")
        yield Stocked(machine, _stocked_once.index_id)


def rebalance_of(machine: Machine, plan_id: str) -> str:
    [[rebalance_id]] = until(lambda: machine.rows(RUNNING, plan_id), "the rebalance was started")
    return str(rebalance_id)


def kill_at(machine: Machine, process, moment: str, rebalance_id: str) -> None:
    with machine.watched(MOMENTS[moment], rebalance_id) as look:
        kill_when(process, look, moment)
    # What is signed must not run out only because this machine is slow to start the next one.
    machine.set_speed(0)


def agrees(stocked: Stocked, rebalance_id: str, executed_before: int) -> None:
    """Each leg was executed once, and both books hold the same, to the base unit."""
    machine, index_id = stocked.machine, stocked.index_id
    swaps = machine.rows("SELECT state FROM swaps WHERE rebalance_id = ?", rebalance_id)
    [[state]] = machine.rows("SELECT state FROM rebalances WHERE rebalance_id = ?", rebalance_id)
    assert (state, {one for (one,) in swaps}) == ("completed", {"settled"})
    assert machine.executed(index_id) - executed_before == len(swaps)
    assert machine.holdings(index_id) == machine.venue_balances(index_id)
    assert machine.venue_faults() == []
    said = machine.run("verify", "--json")
    assert (said.code, said.json["problems"]) == (0, []), said


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_command_killed_while_a_leg_is(moment, stocked):
    machine = stocked.machine
    plan_id = await stocked.preview()
    before = machine.executed(stocked.index_id)
    machine.set_speed(SPEED_IN_SLICES)

    with machine.started("rebalance_index", stocked.index_id, plan_id) as killed:
        rebalance_id = rebalance_of(machine, plan_id)
        kill_at(machine, killed, moment, rebalance_id)
    with machine.started("get_progress", rebalance_id, "--follow") as next_one:
        assert "executing" in next_one.stderr.readline()
        machine.set_speed(SPEED)
        next_one.communicate(timeout=PATIENCE)

    assert next_one.returncode == 0
    agrees(stocked, rebalance_id, before)


async def test_a_server_killed_again_and_again_through_one_rebalance(stocked):
    machine = stocked.machine
    plan_id = await stocked.preview()
    before = machine.executed(stocked.index_id)

    with machine.serving() as session:
        started = session.call("rebalance_index", index_id=stocked.index_id, plan_id=plan_id)
        kill_at(machine, session.process, "planned", started["rebalance_id"])
    for moment in list(MOMENTS)[1:]:
        with machine.serving() as session:
            session.request("tools/list")
            machine.set_speed(SPEED_IN_SLICES)
            kill_at(machine, session.process, moment, started["rebalance_id"])
    with machine.serving() as session:
        session.request("tools/list")
        machine.set_speed(SPEED)
        again = session.call("rebalance_index", index_id=stocked.index_id, plan_id=plan_id)
        session.follow(started["rebalance_id"])

    assert again["code"] == "plan_used"
    assert again["details"]["rebalance_id"] == started["rebalance_id"]
    agrees(stocked, started["rebalance_id"], before)


def engine_of(session: Session) -> str:
    return str(session.call("get_status")["engine"])


async def test_when_the_engine_is_killed_the_other_server_takes_over(stocked):
    machine = stocked.machine
    plan_id = await stocked.preview()
    before = machine.executed(stocked.index_id)

    with machine.serving() as first, machine.serving() as second:
        until(lambda: engine_of(first) == "leading", "the first one leads")
        until(lambda: engine_of(second) == "standing_by", "the second one stands by")
        started = second.call("rebalance_index", index_id=stocked.index_id, plan_id=plan_id)
        machine.set_speed(SPEED_IN_SLICES)
        kill_at(machine, first.process, "published", started["rebalance_id"])
        until(lambda: engine_of(second) == "leading", "the second one takes over")
        machine.set_speed(SPEED)
        ended = second.follow(started["rebalance_id"])

    assert ended["state"] == "completed"
    agrees(stocked, started["rebalance_id"], before)


async def test_a_command_leaves_the_work_to_the_server_that_leads(stocked):
    machine = stocked.machine
    plan_id = await stocked.preview()
    before = machine.executed(stocked.index_id)

    with machine.serving() as session:
        until(lambda: engine_of(session) == "leading", "the server leads")
        machine.set_speed(SPEED)
        said = machine.run("rebalance_index", stocked.index_id, plan_id, "--json")

    assert said.code == 0, said
    agrees(stocked, json.loads(said.out)["rebalance_id"], before)
