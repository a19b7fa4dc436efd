"""The descriptions: valid, true to the catalogue, and within what a GPT takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from openapi_spec_validator import validate

from ballast.app.catalog import OPERATIONS, operation_named
from ballast.app.operation import Effect, Operation
from ballast.faces.rest.gpt import gpt_document, gpt_page
from tests.http.serving import HERE

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = [one.name for one in OPERATIONS if one.toolset == "default"]


def operations_in(document):
    """Each operation with its path and method."""
    return [
        (path, method.upper(), one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    ]


async def test_both_descriptions_are_valid_and_tell_of_the_same_routes(client):
    whole = (await client.get("/openapi.json")).json()
    mirror = yaml.safe_load((await client.get("/openapi.yaml")).text)
    told = {one["operationId"]: (path, method) for path, method, one in operations_in(whole)}

    for document in (whole, mirror):
        validate(document)
        assert document["openapi"] == "3.1.0"
        assert document["servers"] == [{"url": HERE}]
    for operation in OPERATIONS:
        assert told[operation.name] == (operation.path, operation.method)
    for path, method, one in operations_in(mirror):
        assert told[one["operationId"]] == (path, method)


def test_the_file_holds_the_default_tools_and_nothing_else():
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))

    validate(document)
    assert sorted(one["operationId"] for _, _, one in operations_in(document)) == sorted(DEFAULT)


def test_a_gpt_can_take_the_file():
    document = gpt_document()
    operations = [one for _, _, one in operations_in(document)]

    assert document["openapi"] == "3.1.0"
    assert len(document["servers"]) == 1
    assert document["servers"][0]["url"].startswith("https://")
    assert len(operations) <= 30
    assert len(gpt_page()) < 100_000
    assert list(document["components"]["securitySchemes"].values()) == [
        {"type": "http", "scheme": "bearer"}
    ]
    for one in operations:
        assert 0 < len(one["summary"]) <= 300
        assert 0 < len(one["description"]) <= 300
        for parameter in one["parameters"]:
            assert parameter["in"] in ("path", "query"), "a GPT sends no headers of its own"
            assert 0 < len(parameter["description"]) <= 700
    assert longest_description(document) <= 700
    assert [one for one in schemas_in(document) if takes_no_name(one)] == []


def schemas_in(node):
    if isinstance(node, list):
        return [one for inner in node for one in schemas_in(inner)]
    if not isinstance(node, dict):
        return []
    return [node, *(one for inner in node.values() for one in schemas_in(inner))]


def takes_no_name(schema):
    """An object without properties, which the editor turns away."""
    return schema.get("type") == "object" and "properties" not in schema


def longest_description(node):
    if isinstance(node, list):
        return max(map(longest_description, node), default=0)
    if not isinstance(node, dict):
        return 0
    own = node.get("description")
    inside = max(map(longest_description, node.values()), default=0)
    return max(len(own) if isinstance(own, str) else 0, inside)


def test_a_person_is_asked_before_money_moves_or_something_ends():
    asked = {one["operationId"]: one["x-openai-isConsequential"] for _, _, one in every()}

    for name, is_asked in asked.items():
        operation = operation_named(name)
        matters = operation.effect is Effect.SPEND or operation.destructive
        assert is_asked is (matters or operation.trades_later), name
    assert asked["rebalance_index"] is asked["withdraw"] is asked["update_index"] is True
    assert asked["get_index"] is False


def every():
    return operations_in(gpt_document())


@pytest.mark.parametrize("operation", OPERATIONS, ids=[one.name for one in OPERATIONS])
def test_every_part_of_a_path_is_a_field_of_the_input(operation: Operation):
    parts = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]

    assert set(parts) <= set(operation.input.model_fields)


async def test_the_page_runs_nothing_but_what_it_names_by_hash(client):
    page = await client.get("/docs")
    policy = page.headers["content-security-policy"]

    assert page.text.count("integrity=") == page.text.count("https://") == 2
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "default-src 'none'" in policy
