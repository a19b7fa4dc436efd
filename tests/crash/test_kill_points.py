"""A sample of all crashes: `make torture` goes through every one of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, takewhile

import pytest

from tests.crash.campaign import Campaign
from tests.crash.flows import FLOWS, LEGS
from tests.crash.supervisor import EVERYTHING, Blow, Strike
from tests.crash.system_calls import Call
from tests.postgres import running_server

SYNCS, SENDS = (Call.SYNC,), (Call.SEND,)
# How each of the sample strikes: anywhere, between two commits, in the devnet's own file too.
SAMPLE = (
    Strike(blow=Blow.KILL),
    Strike(blow=Blow.KILL, kinds=SYNCS),
    Strike(blow=Blow.POWER),
    Strike(blow=Blow.KILL, targets=EVERYTHING),
    Strike(blow=Blow.KILL, kinds=SYNCS),
    Strike(blow=Blow.TEAR),
    Strike(blow=Blow.POWER, kinds=SYNCS),
)
# With the devnet in another process: at requests that have left, or are about to.
SAMPLE_SENDS = (Strike(kinds=SENDS), Strike(kinds=SENDS), Strike(kinds=SENDS))

# With the ledger in Postgres: at messages to it. Where it is Postgres that dies, ours goes on.
SAMPLE_MESSAGES = tuple(
    Strike(blow=blow, targets=("socket",), kinds=SENDS)
    for blow in (Blow.KILL, Blow.STOP, Blow.KILL)
)


@pytest.fixture
def postgres_crash_server():
    """A server of its own: other tests have use for theirs."""
    with running_server() as server:
        yield server


def went_wrong(campaign, sample):
    """What went wrong, with the sample spread from the first calls of a flow to its last."""
    points = []
    for number, strike in enumerate(sample):
        at = 1 + campaign.calls_for(strike) * (2 * number + 1) // (2 * len(sample))
        points.append(campaign.point(replace(strike, at=at)))
    assert None not in points
    return [one for one in points if one.outcome.wrong]


@pytest.mark.parametrize("name", FLOWS)
def test_no_crash_makes_a_difference(name, tmp_path):
    assert went_wrong(Campaign(name, tmp_path / "work"), SAMPLE) == []


@pytest.mark.parametrize("name", ["deposit", "rebalance"])
def test_no_crash_at_a_request_makes_a_difference(name, tmp_path):
    assert went_wrong(Campaign(name, tmp_path / "work", served=True), SAMPLE_SENDS) == []


def test_the_power_goes_whenever_the_venue_knows_more_than_we_do(tmp_path):
    """After each commit of the devnet, with the next of ours not on the disk yet."""
    campaign = Campaign("rebalance", tmp_path / "work")
    strike = Strike(
        blow=Blow.POWER,
        targets=("ballast.sqlite-wal",),
        kinds=SYNCS,
        following="devnet.sqlite-wal",
    )

    points = list(takewhile(bool, (campaign.point(replace(strike, at=at)) for at in count(1))))

    assert len(points) > 2 * LEGS  # each leg is quoted and sent
    assert [one for one in points if one.outcome.wrong] == []


def test_no_crash_makes_a_difference_to_a_ledger_in_postgres(tmp_path, postgres_crash_server):
    """Ours at a message to the server; and the server's own, while ours goes on."""
    campaign = Campaign("rebalance", tmp_path / "work", server=postgres_crash_server)
    assert went_wrong(campaign, SAMPLE_MESSAGES) == []
