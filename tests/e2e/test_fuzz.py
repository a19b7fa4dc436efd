"""Others' checks of the HTTP face: whatever is sent, the answer is one that is described."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from tests.app.world import open_world
from tests.e2e.conftest import Stocked
from tests.e2e.machine import Machine
from tests.e2e.test_serve import served

# A fault of Python 3.11 that parsing lambdas in several threads brings out in the fuzzer itself.
NOT_OURS = "AST constructor recursion depth mismatch"
CONFIG = Path(__file__).with_name("schemathesis.toml")
OFTEN = ",".join(
    f"{one}=1000000/minute" for one in ("address", "login", "read", "preview", "write", "spend")
)


async def handles(stocked: Stocked) -> dict[str, str]:
    """Ids that lead somewhere, so that more than 404 is reached."""
    async with open_world(stocked.machine.directory) as world:
        deposit = await world.call("deposit_address", index_id=stocked.index_id, amount="100")
        plan = await world.call("preview_rebalance", index_id=stocked.index_id)
        return {
            "path.index_id": stocked.index_id,
            "path.deposit_id": deposit.deposit_id,
            "path.id": deposit.deposit_id,
            "body.plan_id": plan.plan_id,
        }


def fuzzed(
    command: list[str], environment: dict[str, str], directory: Path
) -> subprocess.CompletedProcess[str]:
    """How the fuzzer ended; begun again where it broke down itself."""
    for _ in range(3):
        said = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=directory, env=environment
        )
        if NOT_OURS not in said.stdout:
            break
    return said


def test_no_request_gets_a_fault_or_an_answer_that_is_not_described(stocked, tmp_path, examples):
    machine = Machine(stocked.machine.directory, {"BALLAST_HTTP_RATES": OFTEN})
    known = asyncio.run(handles(stocked))
    for name, ids in (("strangers.toml", {}), ("known.toml", known)):
        lines = "".join(f'"{place}" = "{one}"\n' for place, one in ids.items())
        (tmp_path / name).write_text(f"{CONFIG.read_text('utf-8')}\n[parameters]\n{lines}")
    with served(machine) as server:
        for name in ("strangers.toml", "known.toml"):
            command = [
                str(Path(sys.executable).with_name("schemathesis")),
                f"--config-file={tmp_path / name}",
                "run",
                f"{server.url}/openapi.json",
                f"--header=Authorization: {server.headers['Authorization']}",
                f"--max-examples={examples}",
                *(["--phases=fuzzing"] if examples < 10 else []),
                "--no-color",
            ]
            said = fuzzed(command, {**machine.environment, "HOME": str(tmp_path)}, tmp_path)
            assert said.returncode == 0, said.stdout + said.stderr
            tested = re.search(r"(\d+) generated, \1 passed", said.stdout)
            assert tested is not None, said.stdout
            assert int(tested[1]) >= 20 * examples, said.stdout
        assert server.end() == 0
