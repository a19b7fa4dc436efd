"""A process that stands still while another does its work, and then goes on where it stood."""

from __future__ import annotations

import shutil

import pytest

from tests.crash import flows, referee
from tests.crash.campaign import done
from tests.crash.supervisor import Blow, Child, Strike, run
from tests.crash.system_calls import Call
from tests.e2e.machine import is_being_written, until


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    directory = tmp_path_factory.mktemp("stopped") / "start"
    directory.mkdir()
    done(run(flows.prepare, "rebalance", flows.Site(directory)))
    return directory


# Requests of one rebalance: about sixty, among them five quotes and five signed intents.
@pytest.mark.parametrize("at", [10, 30, 45])
def test_one_that_wakes_up_late_doubles_nothing(at, start, tmp_path):
    """Nothing but the rows keeps the two apart: neither takes the engine's lock here."""
    directory = shutil.copytree(start, tmp_path / "data")
    with Child(flows.serve_devnet, directory, watched=False):
        until((directory / "url").exists, "the devnet is served")
        words = ("rebalance", flows.Site(directory, (directory / "url").read_text()))

        def another_does_it_all() -> bool:
            if is_being_written(directory / "paper" / "ballast.sqlite"):
                return False
            done(run(flows.carry_out, *words))
            return True

        with Child(flows.carry_out, *words, watched=True) as late:
            ended = late.strike(Strike(at, Blow.STOP, kinds=(Call.SEND,)), another_does_it_all)

    found = done(run(referee.examine, flows.Site(directory)))
    assert ended.struck is not None
    assert ended.trouble == ""
    assert found.problems == []
    assert found.movements["intent"] == 2 * flows.LEGS
    assert found.counts["swaps settled"] == 2 * flows.LEGS
