"""Resources are followed by the official client: in the process, and by hand over HTTP."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from mcp import Client, MCPError
from mcp_types import ResourceUpdatedNotification

from ballast.app.catalog import OPERATIONS
from ballast.app.operation import Caller
from ballast.core.access import Scope
from ballast.core.ids import IdKind
from ballast.faces.mcp import following
from ballast.faces.mcp.following import INDEXES
from ballast.faces.mcp.server import build_server
from tests.app.world import open_world
from tests.http.serving import Words, serving

PATIENCE = 120
MODERN = "2026-07-28"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(following, "LOOK_EVERY", 0.01)


@pytest.fixture
async def world(tmp_path):
    async with open_world(tmp_path) as opened:
        yield opened


def server_for(world, caller=None):
    @asynccontextmanager
    async def opened():
        yield world.app

    return build_server(OPERATIONS, opened, version="1", mode="paper", caller=caller)


async def rename(world, index, name):
    await world.call("update_index", index_id=index.index_id, name=name)


@pytest.mark.parametrize("uri", ["ballast://bad", f"{INDEXES}/../keys", "file:///etc/passwd"])
async def test_an_address_of_no_resource_is_answered_with_where_they_are_listed(world, uri):
    async with Client(server_for(world), mode=MODERN) as client:
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)

    assert refused.value.error.message.startswith("There is no resource at this address.")
    assert refused.value.error.data["code"] == "not_found"
    assert refused.value.error.data["uri"] == uri
    assert "resources/templates/list" in refused.value.error.data["next_step"]


async def test_a_client_of_today_is_told_of_what_it_asked_for_and_of_nothing_else(world):
    mine, other = await world.new_index(name="Mine"), await world.new_index(name="Other")
    uri = f"{INDEXES}/{mine.index_id}"
    async with (
        asyncio.timeout(PATIENCE),
        Client(server_for(world), mode=MODERN) as client,
        client.listen(resource_subscriptions=[uri, f"{uri}/history"]) as changes,
    ):
        await rename(world, other, "Other 2")
        await rename(world, mine, "Mine 2")
        first = await anext(changes)
        read = await client.read_resource(uri)

    assert first.uri == uri
    assert json.loads(read.contents[0].text)["name"] == "Mine 2"


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_a_client_of_2025_is_told_until_it_wants_no_more(world):
    index = await world.new_index(name="Mine")
    uri, told = f"{INDEXES}/{index.index_id}", asyncio.Queue()

    async def heard(message):
        if isinstance(message, ResourceUpdatedNotification):
            told.put_nowait(str(message.params.uri))

    async with (
        asyncio.timeout(PATIENCE),
        Client(server_for(world), mode="legacy", message_handler=heard) as client,
    ):
        assert client.server_capabilities.resources.subscribe
        await client.subscribe_resource(INDEXES)
        await client.subscribe_resource(uri)
        await rename(world, index, "Mine 2")
        both = set()
        while len(both) < len({INDEXES, uri}):
            both.add(await told.get())
        await client.unsubscribe_resource(uri)
        while not told.empty():
            told.get_nowait()
        await rename(world, index, "Mine 3")
        last = await told.get()
        with pytest.raises(MCPError, match=INDEXES):
            await client.subscribe_resource("file:///etc/passwd")

    assert both == {INDEXES, uri}
    assert last == INDEXES


async def test_a_funded_index_changes_in_what_it_holds_and_in_its_history(world):
    index = await world.new_index()
    uri = f"{INDEXES}/{index.index_id}"
    async with (
        asyncio.timeout(PATIENCE),
        Client(server_for(world), mode=MODERN) as client,
        client.listen(resource_subscriptions=[uri, f"{uri}/history"]) as changes,
    ):
        await world.deposit(index.index_id)
        seen = set()
        while len(seen) < len({uri, f"{uri}/history"}):
            seen.add((await anext(changes)).uri)

    assert seen == {uri, f"{uri}/history"}


# --- over HTTP ----------------------------------------------------------------------------------


META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


async def told_over_http(world, doing, uris, word="mine"):
    """What a stream over HTTP says while something is done, until the server ends it."""
    ending = asyncio.Event()
    callers = {
        "other": Caller(owner_id=world.app.ids.new(IdKind.OWNER)),
        "writer": Caller(scopes=frozenset({Scope.WRITE})),
    }
    params = {"_meta": META, "notifications": {"resourceSubscriptions": uris}}
    async with serving(world.app, Words(callers), ending=ending) as client:
        asked = client.post(
            "/mcp",
            json={"jsonrpc": "2.0", "id": 7, "method": "subscriptions/listen", "params": params},
            headers={
                "Authorization": f"Bearer {word}",
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": MODERN,
                "Mcp-Method": "subscriptions/listen",
            },
        )
        listening = asyncio.create_task(asked)
        await doing()
        ending.set()
        answer = await listening
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return [answer.json()]
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]


@pytest.mark.parametrize("word", ["mine", "other"])
async def test_a_stream_over_http_tells_its_owner_alone_and_ends_with_the_server(world, word):
    index = await world.new_index(name="Mine")
    uri = f"{INDEXES}/{index.index_id}"

    messages = await told_over_http(
        world, lambda: rename(world, index, "Mine 2"), [uri, INDEXES], word
    )

    updated = [
        one["params"]["uri"]
        for one in messages
        if one.get("method") == "notifications/resources/updated"
    ]
    assert messages[0]["method"] == "notifications/subscriptions/acknowledged"
    assert set(updated) == ({INDEXES, uri} if word == "mine" else set())
    assert (messages[-1]["id"], "error" in messages[-1]) == (7, False), "an end that was meant"


async def test_following_needs_the_scope_read_and_leaves_places_for_others(world, monkeypatch):
    async def nothing():
        return

    [refused] = await told_over_http(world, nothing, [INDEXES], "writer")
    monkeypatch.setattr(following, "MOST_STREAMS", 0)
    [full] = await told_over_http(world, nothing, [INDEXES])

    assert "scope read" in refused["error"]["message"]
    assert "open already" in full["error"]["message"]
