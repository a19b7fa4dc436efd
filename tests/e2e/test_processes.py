"""Several real processes on one SQLite file, as several clients of one person make them."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from tests.e2e.machine import Machine, Session, stop_between_writes, until

PROCESSES = 6
CALLS = 12


def busy_client(session: Session, name: str) -> list[dict[str, Any]]:
    """What one client gets that writes as fast as it can."""
    answers = []
    for number in range(CALLS):
        targets = [{"asset": "BTC", "percent": "50"}, {"asset": "USDC", "percent": "50"}]
        made = session.call("create_index", name=f"{name} {number}", targets=targets)
        answers.append(made)
        if "index_id" in made:
            amount = str(100 + number)
            answers.append(
                session.call("deposit_address", index_id=made["index_id"], amount=amount)
            )
    return answers


def test_six_servers_that_start_and_write_at_once_are_never_told_that_the_database_is_busy(
    machine: Machine,
):
    """The first of them makes the database; the others find it half made, and wait."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(machine.serving()) for _ in range(PROCESSES)]
        with ThreadPoolExecutor(PROCESSES) as pool:
            names = [f"Client {number}" for number in range(PROCESSES)]
            answers = [one for found in pool.map(busy_client, sessions, names) for one in found]
        engines = [str(one.call("get_status")["engine"]) for one in sessions]

    assert [one for one in answers if "code" in one] == []
    assert len(answers) == PROCESSES * CALLS * 2
    assert machine.rows("SELECT COUNT(*) FROM indexes") == [(PROCESSES * CALLS,)]
    assert machine.rows("SELECT COUNT(*) FROM deposits") == [(PROCESSES * CALLS,)]
    assert engines.count("leading") <= 1


def test_an_engine_that_was_stopped_is_named_and_once_it_is_ended_another_takes_over(
    machine: Machine,
):
    with machine.serving() as first, machine.serving() as second:
        until(lambda: first.call("get_status")["engine"] == "leading", "the first one leads")
        targets = [{"asset": "BTC", "percent": "50"}, {"asset": "USDC", "percent": "50"}]
        made = second.call("create_index", name="Main", targets=targets)
        second.call("deposit_address", index_id=made["index_id"], amount="100")
        stop_between_writes(first.process.pid, machine.places.database, machine.places.devnet)
        # A minute of not moving, without waiting for it.
        long_ago = time.time() - 90
        os.utime(machine.places.engine_process, (long_ago, long_ago))
        with machine.devnet() as devnet:
            devnet.clock.advance(timedelta(minutes=10))

        told = second.call("get_status")
        first.process.kill()
        until(lambda: second.call("get_status")["engine"] == "leading", "the second one leads")

    assert told["engine"] == "standing_by"
    assert f"Process {first.process.pid} " in told["next_step"]
    assert "has not moved for" in told["next_step"]


def test_a_signal_or_a_file_halts_every_process_and_only_a_terminal_resumes(machine: Machine):
    def trading(session: Session) -> str:
        return str(session.call("get_status")["trading"])

    with machine.serving() as first, machine.serving() as second:
        until(lambda: first.call("get_status")["engine"] == "leading", "the first one leads")
        first.process.send_signal(signal.SIGUSR1)
        until(lambda: trading(second) == "halted", "the other has seen it")
        assert machine.ask("get_status")["trading"] == "halted"

    [[row]] = machine.rows("SELECT value FROM meta WHERE key = 'trading_halted'")
    assert row == "yes"
    (machine.directory / "halt").touch()
    assert machine.ask("get_status")["trading"] == "halted"
