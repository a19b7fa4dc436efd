"""The real server as a subprocess: what is on its stdout, and what it does before it opens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from ballast.app.catalog import operation_named
from ballast.app.operation import Caller, invoke
from ballast.bootstrap import opened_app
from ballast.errors import BallastError
from ballast.faces.answers import answer_of, refusal_of
from tests.app.world import settings_for
from tests.e2e.machine import PATIENCE

COMMAND = [sys.executable, "-m", "ballast", "mcp"]
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def environment(directory: Path) -> dict[str, str]:
    return {**os.environ, "BALLAST_DATA_DIR": str(directory), "BALLAST_LOG_LEVEL": "info"}


@contextmanager
def served(directory: Path) -> Iterator[subprocess.Popen[str]]:
    server = subprocess.Popen(
        COMMAND,
        env=environment(directory),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield server
    finally:
        server.kill()
        server.communicate()


def ask(server: subprocess.Popen[str], line: str) -> dict[str, Any]:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(line + "\n")
    server.stdin.flush()
    return json.loads(server.stdout.readline())


def request(number: int, method: str, **params: Any) -> str:
    body = {"jsonrpc": "2.0", "id": number, "method": method, "params": {"_meta": META, **params}}
    return json.dumps(body)


def call(number: int, tool: str, **arguments: Any) -> str:
    return request(number, "tools/call", name=tool, arguments=arguments)


def test_every_line_on_stdout_is_json_rpc_whatever_comes_in(tmp_path):
    lines = [
        request(1, "tools/list"),
        call(2, "get_status"),
        call(3, "create_index", name="", targets="nonsense"),
        call(4, "no_such_tool"),
        "this is no JSON",
        request(5, "no/such/method"),
        request(6, "resources/read", uri="ballast://indexes"),
        request(7, "prompts/get", name="no_such_prompt"),
        call(8, "list_assets", limit=2),
    ]
    with subprocess.Popen(
        COMMAND,
        env=environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        answers, complaints = server.communicate("\n".join(lines) + "\n", timeout=PATIENCE)
    messages = [json.loads(line) for line in answers.splitlines()]

    assert server.returncode == 0, complaints
    # Stdin was closed behind the last line, while calls ran.
    assert {message.get("id") for message in messages} >= set(range(1, 9))
    assert all(message["jsonrpc"] == "2.0" for message in messages)
    assert "Traceback" not in complaints


def test_a_client_that_goes_in_the_middle_of_a_call_leaves_no_traceback(tmp_path):
    with served(tmp_path) as server:
        server.stdin.write(call(1, "list_assets", limit=2) + "\n")
        server.stdout.close()
        server.stdin.close()
        complaints = server.stderr.read()
        code = server.wait(PATIENCE)
        server.stdin = server.stdout = None

    assert "client_gone" in complaints
    assert "Traceback" not in complaints
    assert code == 0


def test_tools_are_listed_where_no_store_can_be_opened_and_calls_say_why(tmp_path):
    data = tmp_path / "data"
    data.write_text("a file where the data directory should be")

    with served(data) as server:
        listed = ask(server, request(1, "tools/list"))
        refused = ask(server, call(2, "list_indexes"))
        data.unlink()
        answered = ask(server, call(3, "list_indexes"))

    assert len(listed["result"]["tools"]) > 10
    assert refused["result"]["isError"]
    assert refused["result"]["structuredContent"]["code"] == "store_unavailable"
    assert answered["result"]["structuredContent"] == {
        "mode": "paper",
        "indexes": [],
        "next_cursor": None,
    }


@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
async def test_the_official_client_works_in_every_revision(mode, tmp_path):
    parameters = StdioServerParameters(
        command=COMMAND[0], args=COMMAND[1:], env=environment(tmp_path)
    )
    async with Client(parameters, mode=mode) as client:
        made = await client.call_tool(
            "create_index",
            {
                "name": "Main",
                "targets": '[{"asset": "BTC", "percent": 60}, {"asset": "USDC", "percent": 40}]',
            },
        )
        again = await client.call_tool(
            "create_index",
            {"name": "Main", "targets": [{"asset": "BTC", "percent": 100}]},
        )
        shown = await client.read_resource(
            f"ballast://indexes/{made.structured_content['index_id']}"
        )

    assert not made.is_error, made
    assert again.structured_content["code"] == "name_taken"
    assert json.loads(shown.contents[0].text)["name"] == "Main"


async def test_over_stdio_the_answers_are_those_of_the_operations(tmp_path):
    parameters = StdioServerParameters(
        command=COMMAND[0], args=COMMAND[1:], env=environment(tmp_path)
    )
    targets = [{"asset": "BTC", "percent": 60}, {"asset": "USDC", "percent": 40}]
    calls = [
        ("create_index", {"name": "Main", "targets": targets, "request_id": "r1"}),
        ("list_indexes", {}),
        ("create_index", {"name": "Other", "targets": targets[:1]}),
    ]
    async with Client(parameters) as client:
        over_stdio = [(await client.call_tool(*one)).structured_content for one in calls]
    async with opened_app(settings_for(tmp_path)) as app:
        direct = []
        for name, arguments in calls:
            try:
                answer = await invoke(app, operation_named(name), arguments, Caller())
                direct.append(answer_of(answer))
            except BallastError as refusal:
                direct.append(refusal_of(refusal))

    # Each is a call of its own.
    ids = {one[2]["details"].pop("call_id") for one in (over_stdio, direct)}
    assert len(ids) == 2
    assert over_stdio == direct
    assert over_stdio[0]["name"] == "Main"
    assert over_stdio[2]["code"] == "weights_invalid"


def test_a_wrong_setting_stops_the_start_with_a_sentence_and_no_traceback(tmp_path):
    done = subprocess.run(
        COMMAND,
        env={**environment(tmp_path), "BALLAST_MOOD": "paper"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 8
    assert done.stdout == ""
    assert "BALLAST_MODE" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("closed", "name"), [("<&-", "stdin"), (">&-", "stdout")])
def test_without_stdin_or_stdout_it_says_so_and_leaves_no_traceback(tmp_path, closed, name):
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND],
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 8
    assert done.stderr == (
        f"ballast mcp: {name} is closed; let an MCP client start it, or leave it open.\n"
    )


@pytest.mark.parametrize("toolsets", ["admin", "default, admin"])
async def test_a_toolset_is_switched_on_by_a_setting(tmp_path, toolsets):
    parameters = StdioServerParameters(
        command=COMMAND[0],
        args=COMMAND[1:],
        env={**environment(tmp_path), "BALLAST_TOOLSETS": toolsets},
    )
    async with Client(parameters) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        page = await client.call_tool("get_prices", {"asset": "BTC"})

    assert names[-2:] == ["get_prices", "delete_index"]
    assert "get_index" in names
    assert page.structured_content["asset"]["symbol"] == "BTC"


def test_a_toolset_that_does_not_exist_stops_the_start(tmp_path):
    done = subprocess.run(
        COMMAND,
        env={**environment(tmp_path), "BALLAST_TOOLSETS": "admin,root"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (8, "")
    assert "BALLAST_TOOLSETS" in done.stderr
    assert "Traceback" not in done.stderr
