"""The tool list: what every model reads first, in every conversation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from pydantic import BaseModel

from ballast.app.catalog import OPERATIONS
from ballast.app.inputs import parsed
from ballast.app.operation import Effect, Operation
from ballast.errors import BallastError
from ballast.faces.cli.parameters import model_within
from ballast.faces.mcp.schemas import InputSchemas, output_schema
from ballast.faces.mcp.server import build_server, offered_operations
from ballast.faces.mcp.snapshot import tools_snapshot
from tests.faces.serving import no_app

SNAPSHOT = Path(__file__).parent / "snapshots" / "tools.json"
MODES = ("legacy", "2026-07-28")


async def listed(mode: str) -> list[dict[str, Any]]:
    server = build_server(OPERATIONS, no_app, version="1", mode="paper")
    async with Client(server, mode=mode) as client:
        tools = (await client.list_tools()).tools
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


@pytest.mark.parametrize("mode", MODES)
async def test_clients_of_any_revision_get_the_list_that_was_reviewed(mode):
    assert await listed(mode) == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_the_snapshot_is_current():
    assert tools_snapshot() == SNAPSHOT.read_text(encoding="utf-8")


async def test_the_list_costs_less_than_24_kilobytes():
    size = len(
        json.dumps(await listed("legacy"), ensure_ascii=False, separators=(",", ":")).encode()
    )

    assert size < 24_000


async def test_every_tool_says_what_it_is_and_every_parameter_what_it_means():
    for tool in await listed("legacy"):
        assert tool["title"]
        assert 0 < len(tool["description"]) <= 300
        assert tool["outputSchema"]["type"] == "object"
        assert set(tool["annotations"]) == {
            "readOnlyHint",
            "destructiveHint",
            "idempotentHint",
            "openWorldHint",
        }
        for name, field in tool["inputSchema"]["properties"].items():
            assert field.get("description"), (tool["name"], name)


async def test_hints_say_what_the_operations_say():
    hints = {tool["name"]: tool["annotations"] for tool in await listed("legacy")}

    for one in offered_operations(OPERATIONS, "paper"):
        assert hints[one.name] == {
            "readOnlyHint": one.effect is Effect.READ,
            "destructiveHint": one.destructive,
            "idempotentHint": one.idempotent,
            "openWorldHint": one.open_world,
        }


def test_live_mode_lists_nothing_that_exists_on_paper_only():
    live = build_server(OPERATIONS, no_app, version="1", mode="live")
    paper_only = {one.name for one in OPERATIONS if one.paper_only}

    names = {tool.name for tool in live._tool_manager.list_tools()}

    assert paper_only
    assert not names & paper_only
    assert names | paper_only == {one.name for one in offered_operations(OPERATIONS, "paper")}


@pytest.mark.parametrize("mode", MODES)
async def test_a_toolset_is_listed_only_where_it_is_switched_on_and_leaves_the_rest(mode):
    toolsets = frozenset({"default", "admin"})
    server = build_server(OPERATIONS, no_app, version="1", mode="paper", toolsets=toolsets)
    async with Client(server, mode=mode) as client:
        more = (await client.list_tools()).tools
    plain = await listed(mode)

    assert {one["name"] for one in plain}.isdisjoint({"get_prices", "delete_index"})
    assert {"get_prices", "delete_index"} <= {one.name for one in more}
    as_data = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in more]
    assert [one for one in as_data if one["name"] in {tool["name"] for tool in plain}] == plain


async def test_a_tool_that_is_not_switched_on_cannot_be_called():
    server = build_server(OPERATIONS, no_app, version="1", mode="paper")
    async with Client(server) as client:
        result = await client.call_tool("delete_index", {})

    assert result.is_error
    assert "needs BALLAST_TOOLSETS=admin" in result.content[0].text


def test_no_answer_uses_a_word_of_the_error_object_for_something_else():
    for one in OPERATIONS:
        fields = output_schema(one.output)["properties"]
        assert not fields.keys() & {"code", "message", "retryable", "details"}, one.name
        assert fields.get("next_step", {"type": "string"}) == {"type": "string"}, one.name


def test_schemas_hold_no_title_and_no_reference():
    schemas = InputSchemas()
    text = json.dumps([[schemas.of(one.input), output_schema(one.output)] for one in OPERATIONS])

    assert '"$ref"' not in text
    assert '"$defs"' not in text
    assert '"title": "' not in text


def test_what_an_earlier_tool_explained_is_repeated_without_its_explanation():
    class Inner(BaseModel):
        """A sentence for readers of the code."""

        word: str | None = None

    class Outer(BaseModel):
        inner: Inner | None = None
        title: str

    schemas = InputSchemas()

    first, second = schemas.of(Outer), schemas.of(Outer)

    assert first == second
    assert first == {
        "type": "object",
        "properties": {
            "inner": {"properties": {"word": {"type": "string"}}, "type": "object"},
            "title": {"type": "string"},
        },
        "required": ["title"],
    }


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (one, name)
        for one in OPERATIONS
        for name, field in one.input.model_fields.items()
        if model_within(field.annotation) is not None
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_lists_and_objects_are_taken_as_json_text_too(operation, name):
    wrong_kind = [text for text in ("[]", "{}") if "must be a" in problem_of(operation, name, text)]

    # Text that is not read at all would be of the wrong kind either way.
    assert len(wrong_kind) == 1


def problem_of(operation: Operation, name: str, text: str) -> str:
    with pytest.raises(BallastError) as refused:
        parsed(operation.name, operation.input, {name: text, "no_such_field": 1})
    problems = {one["field"]: one["problem"] for one in refused.value.details["problems"]}
    return str(problems.get(name, ""))


def test_listing_tools_loads_neither_store_nor_keys_nor_venue():
    script = """
import sys, anyio
from ballast.app.catalog import OPERATIONS
from ballast.faces.mcp.server import build_server
def no_app(): raise AssertionError("nothing is opened for a list")
assert len(anyio.run(build_server(OPERATIONS, no_app, version="1", mode="paper").list_tools)) > 10
heavy = ("sqlalchemy", "alembic", "aiosqlite", "eth_account", "coincurve", "numpy", "typer",
         "ballast.devnet", "ballast.adapters")
print(*[name for name in heavy if name in sys.modules])
"""
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )

    assert loaded.stdout.split() == []
