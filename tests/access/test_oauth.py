"""Applications that get leave to act: the whole way by the official client."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2

from tests.access.oauth_steps import (
    AS_CLIENT,
    PING,
    Kept,
    answered,
    code_for,
    decided,
    exchanged,
    opens,
    page_of,
    registered,
    way_in,
)
from tests.access.serving import application_of, reached
from tests.http.serving import HERE, started

# --- the way it is meant --------------------------------------------------------------------------


async def test_the_official_client_finds_its_way_signs_in_and_calls_a_tool(granting):
    application = application_of(granting)
    transport = httpx2.ASGITransport(application)

    async with started(application), httpx2.AsyncClient(transport=transport) as person:
        kept = Kept()
        auth = way_in(HERE, person, kept)
        async with httpx2.AsyncClient(transport=transport, auth=auth) as program:
            answer = await program.post(f"{HERE}/mcp", json=PING, headers=AS_CLIENT)
            first = kept.tokens
            granting.app.wall.pass_time(timedelta(minutes=11))
            refused = await person.post(
                f"{HERE}/mcp",
                json=PING,
                headers={**AS_CLIENT, "Authorization": f"Bearer {first.access_token}"},
            )

    assert answer.status_code == 200
    assert "create_index" in answer.text
    assert set(first.scope.split()) == {"read", "write"}
    assert refused.status_code == 401


async def test_where_tokens_are_given_is_told_to_whoever_has_none(client):
    refused = await client.post("/mcp", json=PING, headers=AS_CLIENT)

    told = re.search(r'resource_metadata="([^"]+)"', refused.headers["www-authenticate"])[1]
    resource = (await client.get(told)).json()
    issuer = resource["authorization_servers"][0].rstrip("/")
    server = (await client.get(f"{issuer}/.well-known/oauth-authorization-server")).json()
    assert resource["resource"] == f"{HERE}/mcp"
    assert resource["scopes_supported"] == ["read", "write", "spend"]
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert server["response_types_supported"] == ["code"]


async def test_unless_it_is_switched_on_there_is_nothing_of_it(world):
    async with reached(world) as at, at() as client:
        for path in ("/authorize", "/register", "/token", "/revoke", "/oauth/consent"):
            assert (await client.get(path)).status_code == 404
        refused = await client.get("/api/indexes")
    assert "resource_metadata" not in refused.headers["www-authenticate"]


async def test_a_person_sees_who_asks_and_allows_less_than_was_asked_for(client):
    application = await registered(client)
    request, page = await page_of(client, application, scope="read write spend")
    assert "Claude" in page.text
    assert "claude.ai" in page.text
    ticked = re.findall(r'value="(\w+)" checked', page.text)
    assert ticked == ["read", "write"]

    code = answered(await decided(client, request, scopes=["read"]))["code"]
    tokens = (await exchanged(client, application, code)).json()

    mine = {"Authorization": f"Bearer {tokens['access_token']}"}
    halted = await client.post("/api/halt", json={}, headers=mine)
    assert tokens["scope"] == "read"
    assert (halted.status_code, halted.json()["details"]["scope"]) == (403, "write")


async def test_a_person_who_denies_is_believed(client):
    request, _ = await page_of(client, await registered(client))

    said = answered(await decided(client, request, answer="deny", name="", password=""))

    assert said == {"error": "access_denied", "state": "opaque state"}
    assert (await decided(client, request)).status_code == 404


async def test_tokens_are_refreshed_rotated_and_revoked(client):
    application = await registered(client)
    tokens = (await exchanged(client, application, await code_for(client, application))).json()
    again = {
        "grant_type": "refresh_token",
        "client_id": application["client_id"],
        "refresh_token": tokens["refresh_token"],
    }
    fresh = (await client.post("/token", data=again)).json()
    assert await opens(client, fresh)

    revoked = {"client_id": application["client_id"], "client_secret": "", "token": None}
    revoked["token"] = fresh["refresh_token"]
    assert (await client.post("/revoke", data=revoked)).status_code == 200

    assert not await opens(client, fresh)
