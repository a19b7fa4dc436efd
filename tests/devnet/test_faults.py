"""Faults as switches: when they strike, in which order, and how they are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ballast.devnet.command import make_command
from ballast.devnet.fault_kinds import KINDS
from tests.devnet.faulty import add
from tests.devnet.world import ALICE, BTC, USDC, World, quote_body

TOKENS = "/v0/tokens"


async def statuses(world: World, times: int) -> list[int]:
    return [(await world.get(TOKENS)).status_code for _ in range(times)]


async def test_a_fault_strikes_once_unless_it_is_told_otherwise(world):
    await add(world, "tokens", "server-error")

    assert await statuses(world, 3) == [500, 200, 200]


async def test_the_first_requests_pass_then_so_many_fail(world):
    await add(world, "tokens", "server-error", skip=2, count=2)

    assert await statuses(world, 6) == [200, 200, 500, 500, 200, 200]


async def test_faults_of_one_route_follow_each_other(world):
    await add(world, "tokens", "too-many-requests", count=2)
    await add(world, "any", "server-error", settings={"status": 503})

    assert await statuses(world, 4) == [429, 429, 503, 200]


async def test_a_fault_strikes_its_own_route_only(world):
    await add(world, "quote", "server-error")

    assert await statuses(world, 1) == [200]
    assert (await world.post("/v0/quote", quote_body())).status_code == 500


async def test_a_fault_of_one_view_leaves_the_others_alone(world):
    await add(world, "rpc:mt_balance_of", "panic", settings={"text": "no balance today"})

    assert await world.view("current_salt")
    answer = await world.rpc("mt_balance_of", account_id="a.near", token_id=USDC)
    assert "no balance today" in answer["error"]


async def test_no_fault_of_any_route_keeps_the_operator_out(world):
    await add(world, "any", "server-error", always=True)

    assert (await world.get("/devnet/faults")).status_code == 200
    assert (await world.get(TOKENS)).status_code == 500


async def test_chance_is_the_seeds_and_the_same_in_every_world_of_that_seed(tmp_path):
    seen = []
    for name, seed in (("one.db", 0), ("two.db", 0), ("three.db", 9)):
        world = World.open(tmp_path / name)
        await add(world, "tokens", "server-error", probability="0.4", seed=seed)
        seen.append(await statuses(world, 30))
        world.devnet.close()

    assert seen[0] == seen[1] != seen[2]
    assert 5 <= seen[0].count(500) <= 20


async def test_faults_are_kept_in_the_file_and_counted_across_processes(world):
    await add(world, "tokens", "server-error", count=2)
    assert await statuses(world, 1) == [500]

    with World.open_present(world.path) as other:
        assert await statuses(World(other, world.path), 2) == [500, 200]

    (fault,) = (await world.get("/devnet/faults")).json()["faults"]
    assert (fault["seen"], fault["hits"], fault["spent"]) == (2, 2, True)


async def test_one_fault_is_removed_or_all(world):
    first = await add(world, "tokens", "server-error", always=True)
    await add(world, "tokens", "unauthorized", always=True)
    async with world.client() as client:
        await client.delete("/devnet/faults", params={"n": str(first["n"])})
        assert await statuses(world, 1) == [401]
        assert (await client.delete("/devnet/faults")).json() == {"removed": 1}
        assert (await client.delete("/devnet/faults", params={"n": "77"})).status_code == 404
    assert await statuses(world, 1) == [200]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"route": "nowhere", "kind": "slow"}, "There is no route nowhere"),
        ({"route": "quote:x", "kind": "slow"}, "There is no route quote:x"),
        ({"route": "quote", "kind": "gremlins"}, "There is no fault gremlins"),
        ({"route": "quote", "kind": "status-word"}, "can strike at: status"),
        ({"route": "quote", "kind": "slow", "settings": {"hours": 1}}, "no setting hours"),
        ({"route": "quote", "kind": "slow", "settings": {"seconds": "x"}}, "same type"),
        ({"route": "quote", "kind": "slow", "settings": {"seconds": -1}}, "between 0"),
        ({"route": "quote", "kind": "stuck", "settings": {"seconds": "x"}}, "must be a number"),
        ({"route": "quote", "kind": "server-error", "settings": {"status": 200}}, "one of: 500"),
        ({"route": "quote", "kind": "slow", "count": 0}, "count must be at least 1"),
        ({"route": "quote", "kind": "slow", "count": 2, "always": True}, "not both"),
        ({"route": "quote", "kind": "slow", "probability": "2"}, "probability must be above 0"),
        ({"route": "quote", "kind": "slow", "skip": -1}, "skip at least 0"),
        ({"route": "quote"}, "kind: Field required"),
    ],
)
async def test_a_senseless_fault_is_refused_with_what_there_is(world, body, says):
    answer = await world.post("/devnet/faults", body)

    assert answer.status_code == 400
    assert says in answer.json()["message"]
    assert (await world.get("/devnet/faults")).json() == {"faults": []}


async def test_the_catalogue_names_every_kind_with_its_settings(world):
    listed = (await world.get("/devnet/faults/kinds")).json()["kinds"]

    assert [each["kind"] for each in listed] == list(KINDS)
    assert all(each["says"].endswith(".") and each["routes"] for each in listed)


async def test_a_page_of_another_site_cannot_switch_anything(world):
    body = {"route": "quote", "kind": "server-error"}
    async with world.client() as client:
        for origin, status in (("http://evil.example", 403), ("http://devnet", 201)):
            headers = {"Origin": origin}
            answer = await client.post("/devnet/faults", json=body, headers=headers)
            assert answer.status_code == status


async def test_a_person_switches_faults_at_a_terminal(world):
    def run(*words: str):
        return CliRunner().invoke(make_command(lambda: world.path), ["fault", *words])

    added = run("add", "status", "status-word", "--next", "3", "--set", "word=LOST")
    assert added.stdout == "Fault 1: status-word at status, 3 times.\n"
    assert json.loads(run("list", "--json").stdout)[0]["settings"] == {"word": "LOST"}
    assert "status-word" in run("list").stdout
    quoted = await world.quote()
    assert (await world.status(quoted))["status"] == "LOST"
    assert run("remove", "1").exit_code == 0
    assert (await world.status(quoted))["status"] == "PENDING_DEPOSIT"
    run("add", "rpc", "slow", "--probability", "0.5", "--set", "seconds=1")
    assert run("clear").stdout == "Removed 1 faults.\n"
    for name in KINDS:
        assert name in run("kinds", "--json").stdout
    for words in (
        ("add", "status", "gremlins"),
        ("add", "status", "slow", "--set", "x"),
        ("remove", "5"),
    ):
        refused = run(*words)
        assert refused.exit_code == 2
        what, then = refused.stderr.strip().splitlines()
        assert (what[:7], then[:5]) == ("Error: ", "Next:")


async def test_a_devnet_file_of_the_first_version_goes_on(tmp_path):
    world = World.open(tmp_path / "devnet.db")
    await world.mint(ALICE.account, BTC, 5)
    store = world.devnet.network.store
    with store.write():
        for statement in (
            "DROP TABLE faults", "DROP TABLE intents", "DROP TABLE listing",
            "DROP TABLE near_keys", "DROP TABLE near_transactions",
            "ALTER TABLE swaps DROP COLUMN fate", "PRAGMA user_version = 1",
        ):  # fmt: skip
            store.run(statement)
    world.devnet.close()

    with World.open_present(tmp_path / "devnet.db") as devnet:
        again = World(devnet, tmp_path / "devnet.db")
        assert await again.balance(ALICE.account, BTC) == 5
        await add(again, "tokens", "server-error")
        assert await statuses(again, 2) == [500, 200]


def test_every_kind_of_fault_has_a_test():
    """Each is named in one of the files that try it at the wire."""
    here = Path(__file__).parent
    names = ("answers", "requests", "edits", "sockets")
    tried = [here / f"test_fault_{name}.py" for name in names] + [here / "test_fates.py"]
    source = "".join(path.read_text() for path in tried)

    assert [kind for kind in KINDS if f'"{kind}"' not in source] == []
