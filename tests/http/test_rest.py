"""Requests and answers of the REST routes: bodies, tags, names of requests, and what is refused."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from ballast.faces.http import calls

TARGETS = [{"asset": "BTC", "percent": 60}, {"asset": "ETH", "percent": "40"}]
MAIN = {"name": "Main", "targets": TARGETS}


async def test_an_index_is_made_and_read_back(client):
    made = await client.post("/api/indexes", json=MAIN)
    read = await client.get(f"/api/indexes/{made.json()['index_id']}")

    assert made.status_code == read.status_code == 200
    assert made.json()["mode"] == "paper"
    assert read.json()["name"] == "Main"


@pytest.mark.parametrize("name", ["What?", "No #1", "60 %", "a%2Fb", "Größe"])
async def test_a_name_in_the_path_is_percent_encoded(client, name):
    made = await client.post("/api/indexes", json={**MAIN, "name": name})

    read = await client.get(f"/api/indexes/{quote(name, safe='')}")

    assert read.json()["index_id"] == made.json()["index_id"]


async def test_an_index_with_a_slash_in_its_name_is_reached_by_its_id(client):
    made = await client.post("/api/indexes", json={**MAIN, "name": "a/b"})

    by_name = await client.get("/api/indexes/a%2Fb")
    by_id = await client.get(f"/api/indexes/{made.json()['index_id']}")

    assert (by_name.status_code, by_id.status_code) == (404, 200)


async def test_a_read_that_has_not_changed_is_answered_with_its_tag_alone(client):
    path = f"/api/indexes/{(await client.post('/api/indexes', json=MAIN)).json()['index_id']}"
    first = await client.get(path)
    tag = first.headers["etag"]

    same = await client.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    await client.patch(path, json={"name": "Renamed"})
    other = await client.get(path, headers={"If-None-Match": tag})

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert other.status_code == 200
    assert other.headers["etag"] != tag


async def test_a_repeated_request_is_answered_once_done_whichever_way_it_is_named(client):
    key = {"Idempotency-Key": "r1"}

    first = await client.post("/api/indexes", json=MAIN, headers=key)
    again = await client.post("/api/indexes", json={**MAIN, "request_id": "r1"})
    other = await client.post("/api/indexes", json={**MAIN, "name": "Other"}, headers=key)
    apart = await client.post("/api/indexes", json={**MAIN, "request_id": "r2"}, headers=key)

    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (409, "request_id_reused")
    assert (apart.status_code, apart.json()["code"]) == (400, "invalid_input")
    assert len((await client.get("/api/indexes")).json()["indexes"]) == 1


async def test_text_in_the_query_is_read_as_what_the_field_wants(client):
    await client.post("/api/indexes", json=MAIN)

    cut = await client.get("/api/indexes", params={"limit": "1", "archived": "true"})

    assert len(cut.json()["indexes"]) == 1


BODIES = [
    (b"{", "application/json", 400, "body"),
    (b"[]", "application/json", 400, "body"),
    (b"null", "application/json", 400, "body"),
    (b"\xff\xfe", "application/json", 400, "body"),
    (b'{"name": NaN}', "application/json", 400, "body"),
    (b'{"name": -Infinity}', "application/json", 400, "body"),
    (b'{"name": 1e999}', "application/json", 400, "name"),
    (b'{"name": %s}' % (b"9" * 5_000), "application/json", 400, "body"),
    (b'{"name": "a", "name": "b"}', "application/json", 400, "name"),
    (b'{"a":' * 100 + b"1" + b"}" * 100, "application/json", 400, "body"),
    (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, "application/json", 400, "body"),
    (b'{"name": "A", "targets": [], "owner": "me"}', "application/json", 400, "owner"),
    (b"name=Main", "application/x-www-form-urlencoded", 415, None),
    (b"{}", "", 415, None),
]


@pytest.mark.parametrize(("body", "kind", "status", "field"), BODIES)
async def test_a_body_that_cannot_be_meant_is_refused_by_name(client, body, kind, status, field):
    answer = await client.post("/api/indexes", content=body, headers={"Content-Type": kind})

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problems = answer.json()["details"].get("problems", [])
    assert field is None or field in [one["field"] for one in problems]
    assert (await client.get("/api/indexes")).json()["indexes"] == []


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
async def test_a_word_that_some_write_for_a_number_is_refused_by_name(client, word):
    headers = {"Content-Type": "application/json"}
    answer = await client.post(
        "/api/indexes", content=b'{"a": %s}' % word.encode(), headers=headers
    )

    [problem] = answer.json()["details"]["problems"]
    assert problem["problem"] == f"holds {word}, which is no number in JSON"


async def test_what_stands_in_the_path_may_not_stand_elsewhere_as_well(client):
    path = f"/api/indexes/{(await client.post('/api/indexes', json=MAIN)).json()['index_id']}"

    in_query = await client.get(path, params={"index_id": "idx_1"})
    in_body = await client.patch(path, json={"index_id": "idx_1"})
    twice = await client.get("/api/indexes?limit=1&limit=2")

    assert [one.status_code for one in (in_query, in_body, twice)] == [400, 400, 400]


async def test_a_path_and_a_method_that_there_is_not_are_told_so(client):
    nowhere = await client.get("/api/nowhere")
    method = await client.put("/api/indexes", json={})

    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert method.headers["allow"] == "GET, POST"


async def test_every_problem_of_a_request_is_told_at_once_as_on_the_other_faces(client):
    answer = await client.post("/api/indexes", json={"targets": 7, "colour": "crimson"})
    problem = answer.json()

    assert problem.keys() == {
        *("type", "title", "status", "detail"),
        *("code", "next_step", "retryable", "details"),
    }
    assert (problem["title"], problem["status"]) == ("Bad Request", 400)
    assert {one["field"] for one in problem["details"]["problems"]} == {"name", "targets", "colour"}
    assert "crimson" not in json.dumps(problem)


@pytest.mark.parametrize("text", ["2027", "0.5", "1767225600", "2027-01-15", "yesterday"])
async def test_a_number_is_no_time_and_a_time_has_a_zone(client, text):
    index = (await client.post("/api/indexes", json=MAIN)).json()["index_id"]

    answer = await client.get(f"/api/indexes/{index}/trades", params={"until": text})

    assert answer.status_code == 400
    [problem] = answer.json()["details"]["problems"]
    assert problem["field"] == "until"
    assert "2027-01-15T12:00:00Z" in problem["problem"]


@pytest.mark.parametrize(("value", "status"), [(0, 400), (1, 400), ("1", 400), ("yes", 200)])
async def test_a_number_is_neither_true_nor_false(client, value, status):
    policy = {"invest_deposits": value}

    answer = await client.post("/api/indexes", json={**MAIN, "policy": policy})

    assert answer.status_code == status
    assert status == 200 or answer.json()["details"]["problems"] == [
        {"field": "policy.invest_deposits", "problem": "must be true or false"}
    ]


# --- what cannot be answered ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/indexes", "/api/assets", "/api/indexes/{index}/trades"])
async def test_a_cursor_that_was_tampered_with_is_refused_or_leads_nowhere(client, path):
    made = await client.post("/api/indexes", json=MAIN)
    path = path.format(index=made.json()["index_id"])

    answers = [
        await client.get(path, params={"cursor": cursor})
        for cursor in ("swp_1' OR '1'='1", "idx_" + "Z" * 26, "\u202e", "9" * 5000)
    ]

    assert {answer.status_code for answer in answers} <= {200, 400}
    refused = [answer.json() for answer in answers if answer.status_code == 400]
    assert refused
    assert all(problem["code"] == "invalid_input" for problem in refused)
    assert all("cursor" in problem["detail"] + str(problem["details"]) for problem in refused)


async def test_a_call_that_takes_too_long_is_given_up_and_may_be_repeated(
    client, world, monkeypatch
):
    index_id = (await client.post("/api/indexes", json=MAIN)).json()["index_id"]
    asked = {"asset": "USDC", "amount": "100", "request_id": "once"}
    monkeypatch.setattr(calls, "LONGEST_CALL", 0.2)
    world.way.never_answered.add("/v0/quote")

    given_up = await client.post(f"/api/indexes/{index_id}/deposits", json=asked)

    assert (given_up.status_code, given_up.json()["code"]) == (504, "took_too_long")
    world.way.never_answered.clear()
    monkeypatch.undo()
    answered = await client.post(f"/api/indexes/{index_id}/deposits", json=asked)
    assert answered.status_code == 200
