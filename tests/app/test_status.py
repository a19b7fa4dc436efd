"""What get_status and get_index say when something is not as it should be."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from ballast.adapters.local import SystemClock
from ballast.app.engine import Leader
from ballast.bootstrap.leader import leader_in
from tests.app.test_write_off import stuck


async def test_what_needs_attention_is_named_with_its_age(world):
    progress, swap = await stuck(world)
    await world.run(timedelta(hours=2))

    status = await world.call("get_status")
    index = await world.call("get_index", index_id=progress.index_id)

    [named] = status.needs_attention
    assert named.startswith(f"{swap.swap_id} for 2 h ")
    assert swap.problem in named
    assert progress.id in status.next_step
    assert f"{swap.swap_id} for 2 h " in index.next_step


async def test_with_nothing_wrong_nothing_is_named(world):
    await world.funded_index()

    status = await world.call("get_status")

    assert status.needs_attention == []
    assert status.next_step == "Call list_indexes."


async def test_work_that_is_due_and_that_no_process_does_is_told_with_the_remedy(world):
    await world.new_index()
    world.pass_time(timedelta(days=2))

    nobody = await world.call("get_status")
    world.app.engine.leader = lambda: Leader(4242, 75)
    stopped = await world.call("get_status")
    world.app.engine.leader = lambda: Leader(4242, 3)
    at_work = await world.call("get_status")

    assert nobody.work_due > 0
    assert "no process does it" in nobody.next_step
    assert "--follow" not in nobody.next_step, "nothing was started that could be followed"
    assert "Process 4242" in stopped.next_step
    assert "75 s" in stopped.next_step
    assert at_work.next_step == "Call list_indexes."


def test_who_is_the_engine_is_read_from_a_file_and_a_dead_process_is_nobody(tmp_path):
    file, clock = tmp_path / "engine.process", SystemClock()
    assert leader_in(file, clock) is None

    file.write_text(str(os.getpid()))
    long_ago = (datetime.now(UTC) - timedelta(seconds=90)).timestamp()
    os.utime(file, (long_ago, long_ago))
    silent = leader_in(file, clock)
    assert silent is not None
    assert silent.process == os.getpid()
    assert 90 <= silent.silent_seconds < 150

    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    file.write_text(str(ended.pid))
    assert leader_in(file, clock) is None
