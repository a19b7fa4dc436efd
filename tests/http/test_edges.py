"""What is turned away before it is read: names, pages, sizes, slowness, and too many calls."""

from __future__ import annotations

import asyncio

import pytest

from ballast.app.operation import Caller
from ballast.core.access import Scope
from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.edges import LARGEST_BODY, Edges
from ballast.faces.http.serving import Listening
from tests.http.serving import HERE, MINE, OFTEN, Words, serving

PAGE = "https://page.example"
PUBLIC = Edges("https://ballast.example", origins=frozenset({PAGE}), rates=OFTEN)

HOSTS = [
    ("127.0.0.1:8790", 200),
    ("localhost", 200),
    ("[::1]:8790", 200),
    ("BALLAST.example", 200),
    ("evil.example", 421),
    ("ballast.example.evil.example", 421),
    ("127.0.0.1.evil.example:8790", 421),
    ("", 421),
    ("[", 421),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
async def test_a_name_that_is_not_ours_is_refused_whatever_it_leads_to(world, host, status):
    async with serving(world.app, edges=PUBLIC) as client:
        answer = await client.get("/livez", headers={"Host": host})

    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "host_refused"


ORIGINS = [
    (HERE, 200),
    ("https://ballast.example", 200),
    (PAGE, 200),
    ("https://evil.example", 403),
    ("http://page.example", 403),
    ("http://127.0.0.1:1", 403),
    ("null", 403),
]


@pytest.mark.parametrize(("origin", "status"), ORIGINS)
async def test_a_page_elsewhere_may_not_call_unless_it_is_on_the_list(world, origin, status):
    async with serving(world.app, edges=PUBLIC) as client:
        answer = await client.get("/api/status", headers={**MINE, "Origin": origin})

    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["code"] == "origin_refused"
    assert ("access-control-allow-origin" in answer.headers) is (origin == PAGE)


async def test_a_browser_is_told_what_a_page_on_the_list_may_send(world):
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "PATCH"}
    wanted = {"Access-Control-Request-Headers": "authorization, idempotency-key"}
    async with serving(world.app, edges=PUBLIC) as client:
        answer = await client.options("/api/indexes", headers={**asked, **wanted})

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "PATCH" in answer.headers["access-control-allow-methods"]


async def test_every_answer_tells_a_browser_to_be_careful(world):
    async with serving(world.app, edges=PUBLIC) as client:
        for path in ("/livez", "/api/status", "/nowhere", "/openapi.json"):
            answer = await client.get(path)
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert "max-age" in answer.headers["strict-transport-security"]


def parts(size):
    async def sent():
        for _ in range(size // 1024):
            yield b"x" * 1024

    return sent()


@pytest.mark.parametrize("body", [b"x" * (LARGEST_BODY + 1), None], ids=["declared", "in parts"])
async def test_a_body_over_the_limit_is_refused_before_it_is_read(client, body):
    content = parts(10 * LARGEST_BODY) if body is None else body
    for path in ("/api/indexes", "/mcp"):
        answer = await client.post(path, content=content)

        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
        assert answer.json()["details"] == {"most_bytes": LARGEST_BODY}


async def test_a_body_that_does_not_come_is_not_waited_for(world):
    async def never():
        yield b"{"
        await asyncio.Event().wait()

    edges = Edges(HERE, rates=OFTEN, body_seconds=0.05)
    async with serving(world.app, edges=edges) as client:
        answer = await client.post("/api/indexes", content=never(), headers=MINE)

    assert (answer.status_code, answer.json()["code"]) == (408, "request_too_slow")


# --- how often ----------------------------------------------------------------------------------


async def test_each_kind_of_call_has_a_rate_of_its_own_for_each_credential(world):
    index = await world.new_index()
    preview = f"/api/indexes/{index.index_id}/rebalance/preview"
    few = {**OFTEN, "read": "2/hour", "preview": "1/hour"}
    callers = {
        "a": Caller(credential_id="key_a"),
        "b": Caller(credential_id="key_b", scopes=frozenset({Scope.READ})),
    }
    async with serving(world.app, Words(callers), edges=Edges(HERE, rates=few)) as client:
        client.headers["Authorization"] = "Bearer a"
        reads = [await client.get("/api/indexes") for _ in range(3)]
        previews = [await client.post(preview) for _ in range(2)]
        other_kind = await client.post("/api/halt", json={})
        client.headers["Authorization"] = "Bearer b"
        other_key = await client.get("/api/indexes")

    assert [one.status_code for one in reads] == [200, 200, 429]
    assert [one.status_code for one in previews] == [409, 429]
    assert (other_kind.status_code, other_key.status_code) == (200, 200)
    refused = reads[-1].json()
    assert (refused["code"], refused["retryable"]) == ("rate_limited", True)
    assert refused["details"]["bucket"] == "read"
    assert 0 < int(reads[-1].headers["retry-after"]) <= 3600
    assert int(reads[-1].headers["retry-after"]) == refused["details"]["retry_after_seconds"]


async def test_guessing_credentials_is_limited_by_address_and_locks_nobody_out(world):
    few = {**OFTEN, "login": "3/hour"}
    async with serving(world.app, edges=Edges(HERE, rates=few)) as client:
        wrong = {"Authorization": "Bearer wrong"}
        guesses = [await client.get("/api/indexes", headers=wrong) for _ in range(5)]
        right = await client.get("/api/indexes", headers=MINE)

    assert [one.status_code for one in guesses] == [401, 401, 401, 429, 429]
    assert "www-authenticate" not in guesses[-1].headers
    assert right.status_code == 200


async def test_a_flood_from_one_address_is_stopped_before_the_door(world):
    asked = []

    class Counting(Words):
        async def admit(self, headers, address):
            asked.append(address)
            return await super().admit(headers, address)

    few = {**OFTEN, "address": "3/hour"}
    async with serving(world.app, Counting(), edges=Edges(HERE, rates=few)) as client:
        answers = [await client.get("/api/indexes", headers=MINE) for _ in range(5)]

    assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
    assert asked == ["127.0.0.1"] * 3


# --- where to listen ----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "ballast.example"])
def test_an_address_that_others_reach_needs_tls_or_a_proxy_that_brings_it(host, tmp_path):
    with pytest.raises(BallastError) as caught:
        Listening(host, 0).require_safe()

    assert caught.value.code is ErrorCode.SETTINGS_INVALID
    for way in ("127.0.0.1", "BALLAST_HTTP_TLS_CERTIFICATE", "BALLAST_HTTP_PROXIES"):
        assert way in caught.value.message
    Listening(host, 0, certificate=tmp_path, key=tmp_path).require_safe()
    Listening(host, 0, proxies=("127.0.0.1",)).require_safe()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_the_loopback_needs_nothing(host):
    Listening(host, 0).require_safe()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_there_is_no_session_to_look_at_or_to_end_at_mcp(world, method):
    async with serving(world.app) as client, asyncio.timeout(60):
        answer = await client.request(method, "/mcp", headers=MINE)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("body", "code"),
    [("{}", -32600), ("[]", -32600), ('{"jsonrpc":"2.0"}', -32600), ("{", -32700)],
)
async def test_what_is_no_message_is_refused_at_mcp_in_our_own_words(world, body, code):
    sent = {"Content-Type": "application/json", "Accept": "application/json", **MINE}
    async with serving(world.app) as client:
        answer = await client.post("/mcp", content=body, headers=sent)

    assert answer.status_code == 400
    told = answer.json()
    assert (told["jsonrpc"], told["id"], told["error"]["code"]) == ("2.0", None, code)
    assert "pydantic" not in answer.text
    assert len(answer.text) < 200
