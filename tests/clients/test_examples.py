"""docs/clients.md: what it tells clients leads them to Ballast. The libraries' examples are run in
`with_libraries.py`, because each needs packages of its own."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from ballast.settings import Settings
from tests.clients.page import (
    COMMAND,
    LIBRARIES,
    README,
    ROOT,
    Example,
    blocks,
    examples,
    in_place_of,
    only_server,
)
from tests.e2e.machine import PATIENCE
from tools.bundle import manifest

EXAMPLES = examples()
FILES = [name for name, one in EXAMPLES.items() if one.language == "json"]
RUN_HERE = {*FILES, "python", "curl"}
RUN_WITH_LIBRARIES = {*LIBRARIES, *(f"{one}-command" for one in LIBRARIES)}
RUN_WITH_LIBRARIES |= {"typescript", "typescript-command"}
RUN_AS_A_GPT = {"address", "gpt-key", "gpt-instructions", "connector"}


# --- the page -------------------------------------------------------------------------------------


def test_everything_that_can_be_run_is_run():
    named = set(EXAMPLES)
    programs = [one for one in blocks() if one.language != "console"]

    assert named == RUN_HERE | RUN_WITH_LIBRARIES | RUN_AS_A_GPT
    assert [one for one in programs if one not in EXAMPLES.values()] == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_agent_is_a_program_with_and_without_the_lines_below_it(library):
    program = EXAMPLES[library].text
    by_command = in_place_of(program, EXAMPLES[f"{library}-command"].text)

    for text in (program, by_command):
        ast.parse(text)
        assert max(map(len, text.splitlines())) <= 100
    assert "127.0.0.1" in program
    assert "127.0.0.1" not in by_command


# --- files that applications read -----------------------------------------------------------------


@asynccontextmanager
async def connected(entry, home) -> AsyncIterator[Client]:
    """The official client, connected to the server of an entry in an application's file."""
    if "command" in entry:
        started = StdioServerParameters(
            command=entry["command"],
            args=entry["args"],
            env={"HOME": home, **entry.get("env", {})},
        )
        async with Client(started) as client:
            yield client
        return
    async with (
        httpx2.AsyncClient(headers=entry["headers"], timeout=PATIENCE) as http,
        Client(streamable_http_client(entry["url"], http_client=http)) as client,
    ):
        yield client


async def asked(text, server):
    """What the server that a file names answers: its tools, and its mode."""
    async with connected(only_server(text), server.home) as client:
        tools = (await client.list_tools()).tools
        status = await client.call_tool("get_status", {})
    return [one.name for one in tools], status.structured_content["mode"]


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("-address")])
async def test_a_file_with_an_address_leads_its_application_to_the_tools(name, server):
    tools, mode = await asked(EXAMPLES[name].filled(server.url, server.key), server)

    assert {"create_index", "rebalance_index"} <= set(tools)
    assert mode == "paper"


async def test_a_file_with_a_command_starts_ballast(server):
    """They all start the same, so one is enough."""
    desktop = Example("json", (ROOT / "claude_desktop_config.example.json").read_text("utf-8"))
    texts = [EXAMPLES[name].text for name in FILES if not name.endswith("-address")]
    [command] = {command_in(one) for one in (desktop.text, *texts)}

    tools, mode = await asked(desktop.filled(), server)

    assert command == (COMMAND, "mcp")
    assert {"create_index", "rebalance_index"} <= set(tools)
    assert mode == "paper"


def command_in(text):
    entry = only_server(text)
    assert entry.get("type", "stdio") == "stdio"
    return (entry["command"], *entry["args"])


def test_the_bundle_for_claude_desktop_sets_only_what_can_be_set():
    told = manifest()
    set_there = set(told["server"]["mcp_config"]["env"]) - {"PYTHONPATH"}

    assert {one.removeprefix("BALLAST_").lower() for one in set_there} <= set(Settings.model_fields)
    assert (ROOT / told["server"]["entry_point"]).is_file()


# --- programs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["python", "python-command"])
def test_a_program_lists_the_indexes(name, server, tmp_path):
    program = (EXAMPLES | examples(README))[name].filled(server.url, server.key)
    (tmp_path / "program.py").write_text(program, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env={"HOME": server.home, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "indexes" in ast.literal_eval(done.stdout)


def requests_of(text):
    """What each curl of a script would send: method, address, headers, body."""
    for words in text.replace("\\\n", " ").split("\n\n"):
        curl, url, *options = shlex.split(words)
        assert curl == "curl"
        given = dict(zip(options[::2], options[1::2], strict=True))
        assert set(given) <= {"-H", "--json"}, given
        name, _, value = given["-H"].partition(": ")
        body = given.get("--json")
        yield "GET" if body is None else "POST", url, {name: value}, body


def test_what_curl_is_told_to_send_is_answered(server):
    """With the same requests sent by another client, because not every machine has curl."""
    answers = []
    for method, url, headers, body in requests_of(EXAMPLES["curl"].filled(server.url, server.key)):
        kind = {} if body is None else {"Content-Type": "application/json"}
        answer = httpx.request(method, url, headers=headers | kind, content=body, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())

    made, deposit, drift = answers
    assert made["name"] == "Majors"
    assert deposit["address"].startswith("0x")
    assert {one["symbol"] for one in drift["assets"]} == {"BTC", "ETH", "USDC"}
