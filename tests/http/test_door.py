"""Nothing below /api and /mcp is open without a credential."""

from __future__ import annotations

import json

from ballast.app.access.api_keys import create_api_key, revoke_api_key
from ballast.app.catalog import OPERATIONS
from ballast.app.operation import Caller
from ballast.core.access import Scope
from ballast.faces.http.doorkeeper import BearerDoor
from tests.http.serving import Words, called, serving

CALLS = [("POST", "/mcp"), ("GET", "/mcp"), ("GET", "/api"), ("GET", "/api/no-such-thing")]
ROUTES = [(one.method, one.path) for one in OPERATIONS]


async def test_without_a_credential_every_path_gives_the_same_refusal(world):
    async with serving(world.app) as client:
        answers = [await client.request(method, path) for method, path in (*CALLS, *ROUTES)]

    assert len(answers) > 20
    assert {one.status_code for one in answers} == {401}
    assert {one.headers["www-authenticate"] for one in answers} == {Words.challenge}
    assert {one.headers["content-type"] for one in answers} == {"application/problem+json"}
    assert len({one.text for one in answers}) == 1
    assert answers[0].json()["code"] == "unauthenticated"
    assert "Authorization" in answers[0].json()["next_step"]


async def test_a_key_opens_the_door_until_it_is_revoked(world):
    made = await create_api_key(world.app, world.caller, "A program", [Scope.READ])
    mine = {"Authorization": f"bearer {made.text}"}

    async with serving(world.app, BearerDoor(world.app)) as client:
        opened = await client.get("/api/status", headers=mine)
        await revoke_api_key(world.app, world.caller, "A program")
        closed = await client.get("/api/status", headers=mine)
        other = await client.get("/api/status", headers={"Authorization": f"Basic {made.text}"})

    assert [one.status_code for one in (opened, closed, other)] == [200, 401, 401]
    assert closed.headers["www-authenticate"] == BearerDoor(world.app).challenge


async def test_that_the_process_lives_is_told_to_everybody(world):
    async with serving(world.app) as client:
        assert (await client.get("/livez")).status_code == 200


async def test_a_credential_without_the_scope_is_told_which_one_is_missing(world):
    reader = {"reader": Caller(scopes=frozenset({Scope.READ}))}
    async with serving(world.app, Words(reader)) as client:
        client.headers["Authorization"] = "Bearer reader"
        looked = await client.get("/api/indexes")
        refused = await client.post("/api/halt", json={"reason": "a test"})

    assert looked.status_code == 200
    assert refused.status_code == 403
    assert refused.json()["code"] == "scope_missing"
    assert refused.json()["details"]["scope"] == "write"


async def test_two_callers_at_once_get_each_their_own_over_rest_and_mcp(world):
    others = {"theirs": Caller(owner_id="own_other")}
    await world.new_index("Mine")
    async with serving(world.app, Words(others)) as client:
        for word, names in (("mine", ["Mine"]), ("theirs", [])):
            client.headers["Authorization"] = f"Bearer {word}"
            listed = (await client.get("/api/indexes")).json()["indexes"]
            told = await called(client, "tools/call", name="list_indexes", arguments={})
            read = await called(client, "resources/read", uri="ballast://indexes")

            assert [one["name"] for one in listed] == names
            assert [one["name"] for one in told["structuredContent"]["indexes"]] == names
            indexes = json.loads(read["contents"][0]["text"])["indexes"]
            assert [one["name"] for one in indexes] == names
