"""Several processes on one file, and a process killed at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.devnet.world import START, World

HERE = Path(__file__).parents[2]

# Makes live quotes and pays them from outside until it has done so `count` times or is killed;
# tells how far it is on stdout.
WORKER = """
import asyncio, sys
from pathlib import Path
from ballast.devnet import open_devnet
from tests.devnet.world import World

async def main(path, count):
    world = World(open_devnet(Path(path), None), Path(path))
    for number in range(count):
        quoted = await world.quote(depositType="ORIGIN_CHAIN")
        await world.send(quoted, 10**9 + number)
        await world.advance(60)
        print(quoted["quote"]["depositAddress"], flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def start_worker(path: Path, count: int, script: str = WORKER) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE / "src"), str(HERE)])}
    return subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


async def test_a_world_and_its_log_are_made_for_their_owner_only(tmp_path):
    path = tmp_path / "devnet.db"
    world = World.open(path)
    await world.advance(1)

    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    beside = [f"{path.name}{ending}" for ending in ("", "-wal", "-shm")]
    assert {name: modes.get(name) for name in beside} == dict.fromkeys(beside, 0o600)


async def test_two_processes_share_one_world(tmp_path):
    path = tmp_path / "devnet.db"
    world = World.open(path)
    workers = [start_worker(path, 15) for _ in range(2)]
    addresses = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]

    await world.advance(100)

    assert len(set(addresses[0] + addresses[1])) == 30
    swaps = (await world.get("/devnet/swaps")).json()["swaps"]
    assert [each["status"] for each in swaps] == ["SUCCESS"] * 30
    await world.accounts()
    assert (world.devnet.clock.now() - START).total_seconds() == 30 * 60 + 100
    world.devnet.close()


def test_two_processes_may_create_the_file_at_the_same_moment(tmp_path):
    script = (
        "import sys; from pathlib import Path; from ballast.devnet import open_devnet;"
        "print(open_devnet(Path(sys.argv[1])).network_id)"
    )
    environment = os.environ | {"PYTHONPATH": str(HERE / "src")}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "devnet.db")],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(4)
    ]
    names = {racer.communicate(timeout=60)[0].strip() for racer in racers}

    assert len(names) == 1
    assert names.pop().startswith("devnet-")


@pytest.mark.parametrize("steps", [1, 4, 9])
async def test_a_killed_process_leaves_whole_books(tmp_path, steps):
    path = tmp_path / "devnet.db"
    World.open(path, synchronous="FULL").devnet.close()
    worker = start_worker(path, 100_000)
    assert worker.stdout is not None
    told = [worker.stdout.readline().strip() for _ in range(steps)]
    worker.send_signal(signal.SIGKILL)
    worker.communicate(timeout=60)

    world = World.open(path)
    await world.advance(1000)

    await world.accounts()
    done = {
        each["deposit_address"]: each for each in (await world.get("/devnet/swaps")).json()["swaps"]
    }
    assert all(done[address]["status"] == "SUCCESS" for address in told)
    world.devnet.close()


@pytest.mark.parametrize("write", range(1, 40, 3))
async def test_killed_before_any_statement_of_a_request_the_books_are_whole(tmp_path, write):
    """Dies by SIGKILL before its n-th writing statement, wherever in a request that is."""
    path = tmp_path / "devnet.db"
    World.open(path).devnet.close()
    killer = f"""
import os, signal
from ballast.devnet.store import Store
run, seen = Store.run, [0]
def counted(self, sql, *values):
    seen[0] += 1
    if seen[0] == {write}:
        os.kill(os.getpid(), signal.SIGKILL)
    run(self, sql, *values)
Store.run = counted
"""
    killed = start_worker(path, 100, killer + WORKER)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL

    world = World.open(path)
    await world.advance(1000)
    await world.accounts()
    for swap in (await world.get("/devnet/swaps")).json()["swaps"]:
        assert swap["status"] == ("SUCCESS" if swap["deposits"] else "PENDING_DEPOSIT")
    world.devnet.close()


def test_the_command_serves_over_a_socket_what_other_processes_write(tmp_path):
    path = tmp_path / "devnet.db"
    script = (
        "import sys; from pathlib import Path; from ballast.devnet.command import make_command;"
        "make_command(lambda: Path('unused.db'))()"
    )
    environment = os.environ | {"PYTHONPATH": str(HERE / "src")}
    command = [sys.executable, "-c", script, "--file", str(path)]
    command += ["serve", "--port", "0", "--speed", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stderr is not None
        timer = threading.Timer(30, server.kill)
        timer.start()
        url = server.stderr.readline().split()[-1]
        timer.cancel()
        with World.open_present(path) as other:
            other.clock.advance(3600)
            with urllib.request.urlopen(f"{url}/devnet/clock", timeout=60) as answer:
                assert json.load(answer)["now"] == other.clock.now().isoformat()
    finally:
        server.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.communicate(timeout=60)
        server.kill()
    assert server.returncode is not None
