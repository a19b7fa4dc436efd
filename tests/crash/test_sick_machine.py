"""A disk that is full, fails, or cannot be written; and clocks that do not agree.

Of a disk that fails nothing but errors in the words of Ballast may come, nothing may be sent that
is not on it, and when it is well again everything goes on.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from decimal import Decimal

import pytest

from ballast.bootstrap import Places
from ballast.devnet import open_devnet
from tests.crash import flows, referee
from tests.crash.campaign import done
from tests.crash.supervisor import DATABASE, Blow, Child, Strike, run
from tests.e2e.machine import until


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sick") / "start"
    directory.mkdir()
    done(run(flows.prepare, "rebalance", flows.Site(directory)))
    return directory


def agree(directory):
    """The books agree, and each of the legs, with those that built the index, moved once."""
    found = done(run(referee.examine, flows.Site(directory)))
    assert found.problems == []
    assert found.movements["intent"] == 2 * flows.LEGS
    assert found.counts["swaps settled"] == 2 * flows.LEGS


def said_what_is_wrong(trouble):
    """A call was refused in our words, or the engine waited for a better disk without a word."""
    ours = trouble.startswith("BallastError: The database ballast.sqlite cannot be ")
    return ours or "is not done after" in trouble or "waits for nothing" in trouble


@pytest.mark.parametrize(
    ("blow", "at"), [(Blow.NO_SPACE, 100), (Blow.NO_SPACE, 600), (Blow.IO_ERROR, 1000)]
)
def test_a_disk_that_fails_from_some_moment_on(blow, at, start, tmp_path):
    directory = shutil.copytree(start, tmp_path / "data")

    failed = run(flows.carry_out, "rebalance", flows.Site(directory), strike=Strike(at, blow))
    done(run(flows.carry_out, "rebalance", flows.Site(directory)))

    assert failed.struck is not None
    assert said_what_is_wrong(failed.trouble), failed.trouble
    agree(directory)


@pytest.mark.parametrize("at", [200, 700])
def test_an_error_that_comes_once_is_got_over(at, start, tmp_path):
    directory = shutil.copytree(start, tmp_path / "data")

    once = Strike(at, Blow.IO_ERROR_ONCE)
    struck = run(flows.carry_out, "rebalance", flows.Site(directory), strike=once)
    if struck.trouble:  # it was a call that met the error, and its caller repeats it
        assert said_what_is_wrong(struck.trouble), struck.trouble
        done(run(flows.carry_out, "rebalance", flows.Site(directory)))

    assert struck.struck is not None
    agree(directory)


def test_a_database_that_cannot_be_written_is_named_and_nothing_is_sent(start, tmp_path):
    directory = shutil.copytree(start, tmp_path / "data")
    strike = Strike(1, Blow.READ_ONLY, targets=(DATABASE,))

    refused = run(flows.carry_out, "rebalance", flows.Site(directory), strike=strike)

    assert refused.trouble.startswith("BallastError: The database ballast.sqlite cannot be ")
    found = done(run(referee.examine, flows.Site(directory)))
    assert (found.problems, found.movements["intent"]) == ([], flows.LEGS)


# --- clocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [150, 500, 900])
def test_hours_pass_while_nothing_runs(at, start, tmp_path):
    """Killed, and started again when all deadlines have passed."""
    directory = shutil.copytree(start, tmp_path / "data")

    struck = run(flows.carry_out, "rebalance", flows.Site(directory), strike=Strike(at))
    set_forward(directory, timedelta(hours=6))
    run(flows.carry_out, "rebalance", flows.Site(directory))

    assert struck.struck is not None
    found = done(run(referee.examine, flows.Site(directory)))
    assert found.problems == []
    assert found.movements["intent"] == found.counts["swaps settled"] <= 2 * flows.LEGS
    assert found.counts["rebalances executing"] == 0


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(hours=-3)])
def test_clocks_that_do_not_agree_stop_the_trade_and_not_the_books(ahead, start, tmp_path):
    """Ours against the venue's: hours before it, and hours behind it."""
    directory = shutil.copytree(start, tmp_path / "data")
    with Child(flows.serve_devnet, directory, ahead, watched=False):
        until((directory / "url").exists, "the devnet is served")
        url = (directory / "url").read_text()
        refused = run(flows.carry_out, "rebalance", flows.Site(directory, url))

    assert refused.trouble.startswith("BallastError: ")
    found = done(run(referee.examine, flows.Site(directory)))
    assert (found.problems, found.movements["intent"]) == ([], flows.LEGS)


def set_forward(directory, span):
    devnet = open_devnet(Places(directory / "paper").devnet, None)
    devnet.clock.advance(Decimal(int(span.total_seconds())))
    devnet.close()
