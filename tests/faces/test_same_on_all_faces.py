"""The same call gets the same object through `invoke`, MCP, MCP over HTTP, REST and the CLI."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from mcp import Client

from ballast.app.app import App
from ballast.app.catalog import OPERATIONS, operation_named
from ballast.app.destinations import add_destination
from ballast.app.operation import Caller, invoke
from ballast.bootstrap import opened_app
from ballast.core.states import IndexState
from ballast.errors import ERRORS, BallastError, ErrorCode
from ballast.faces.answers import answer_of, refusal_of
from ballast.faces.cli.parameters import POSITIONAL, POSITIONAL_IF_REQUIRED
from ballast.faces.mcp.server import build_server
from ballast.faces.rest.reading import has_body
from ballast.settings import Settings
from tests.app.receiving import taking_everything, webhook_with_a_dead_letter
from tests.app.world import open_world, settings_for
from tests.faces.serving import CommandLine, as_given
from tests.http.serving import MINE, called, serving

HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
NOWHERE = "idx_01ARZ3NDEKTSV4RRFFQ69G5FAV"
BASKET = [{"asset": "BTC", "percent": 50}, {"asset": "ETH", "percent": "50"}]


@dataclass(frozen=True)
class Scene:
    """A data directory whose clock stands still, and the ids of what is in it."""

    settings: Settings
    ids: dict[str, str]

    def fill(self, value: Any) -> Any:
        """`@name` as the id of that name, anywhere in a value."""
        if isinstance(value, str) and value.startswith("@"):
            return self.ids[value[1:]]
        if isinstance(value, dict):
            return {key: self.fill(one) for key, one in value.items()}
        return value


async def prepare(directory: Path) -> dict[str, str]:
    """Indexes in every state, plans in every state, and a rebalance that is not done yet."""
    async with open_world(directory) as world:
        basket = (("BTC", "50"), ("ETH", "30"), ("USDC", "20"))
        main = await world.funded_index("Main", basket=basket)
        busy = await world.funded_index("Busy", basket=basket)
        paused = await world.funded_index("Paused", basket=basket)
        ready = await world.funded_index("Ready", basket=basket)
        await world.call("pause_index", index_id=paused.index_id)
        empty = await world.new_index("Empty")
        spare = await world.new_index("Spare")
        gone = await world.new_index("Gone")
        async with world.app.store.transaction() as tx:
            index = await tx.get_index(world.caller.owner_id, gone.index_id)
            archived = replace(index, state=IndexState.ARCHIVED, version=index.version + 1)
            await tx.save_index(archived, was_version=index.version)
        old = await world.call("preview_rebalance", index_id=main.index_id, destination="target")
        world.pass_time(timedelta(days=40))
        await add_destination(world.app, world.caller.owner_id, "home", "ethereum", HOME, memo=None)
        wish = {"index_id": paused.index_id, "destination": "home", "amount": "100"}
        sent = await world.call("preview_withdrawal", **wish)
        started = await world.call("withdraw", index_id=paused.index_id, plan_id=sent.plan_id)
        await world.follow(started.withdrawal_id)
        waiting = await world.call("preview_withdrawal", **wish)
        used = await world.call("preview_rebalance", index_id=busy.index_id, destination="target")
        running = await world.call("rebalance_index", index_id=busy.index_id, plan_id=used.plan_id)
        fresh = await world.call("preview_rebalance", index_id=main.index_id, destination="target")
        ready_plan = await world.call(
            "preview_rebalance", index_id=ready.index_id, destination="target"
        )
        deposit = await world.call("deposit_address", index_id=main.index_id, amount="5")
        webhook_id, delivery_id = await webhook_with_a_dead_letter(world)
        return {
            "webhook": webhook_id,
            "delivery": delivery_id,
            "main": main.index_id,
            "busy": busy.index_id,
            "paused": paused.index_id,
            "ready": ready.index_id,
            "ready_plan": ready_plan.plan_id,
            "empty": empty.index_id,
            "spare": spare.index_id,
            "gone": gone.index_id,
            "old_plan": old.plan_id,
            "used_plan": used.plan_id,
            "fresh_plan": fresh.plan_id,
            "running": running.rebalance_id,
            "deposit": deposit.deposit_id,
            "sent": started.withdrawal_id,
            "sent_plan": sent.plan_id,
            "waiting": waiting.withdrawal_id,
            "waiting_plan": waiting.plan_id,
        }


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    directory = tmp_path_factory.mktemp("scene")
    return Scene(settings_for(directory), asyncio.run(prepare(directory)))


async def in_one_process(
    settings: Settings, name: str, arguments: dict[str, Any]
) -> list[dict[str, Any]]:
    """What `invoke` gives, and what clients of MCP, of MCP over HTTP, and of REST get."""
    async with opened_app(settings) as app, serving(app) as client:
        client.headers.update(MINE)
        direct = await invoked(app, name, arguments)
        mcp = await over_mcp(app, name, arguments)
        told = await called(client, "tools/call", name=name, arguments=arguments)
        rest = await client.send(rest_request(client, name, arguments))
    assert json.loads(told["content"][0]["text"]) == told["structuredContent"]
    assert told["isError"] == ("code" in told["structuredContent"])
    return [direct, mcp, told["structuredContent"], from_rest(rest)]


async def invoked(app: App, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return answer_of(await invoke(app, operation_named(name), arguments, Caller()))
    except BallastError as refusal:
        return refusal_of(refusal)


async def over_mcp(app: App, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    server = build_server(
        OPERATIONS,
        as_given(app),
        version="1",
        mode="paper",
        toolsets=frozenset(one.toolset for one in OPERATIONS),
    )
    async with Client(server, mode="legacy") as client:
        result = await client.call_tool(name, arguments)
    assert json.loads(result.content[0].text) == result.structured_content
    assert result.is_error == ("code" in result.structured_content)
    return dict(result.structured_content)


async def indexes_of(settings: Settings) -> dict[str, Any]:
    async with opened_app(settings) as app:
        return await invoked(app, "list_indexes", {"archived": True})


def rest_request(client: httpx.AsyncClient, name: str, arguments: dict[str, Any]) -> httpx.Request:
    """A call as the request of a program: what is in the path, the query, or the body."""
    operation, rest = operation_named(name), dict(arguments)
    parts = [
        quote(str(rest.pop(part[1:-1])), safe="") if part.startswith("{") else part
        for part in operation.path.split("/")
    ]
    if has_body(operation):
        return client.build_request(operation.method, "/".join(parts), json=rest)
    return client.build_request(operation.method, "/".join(parts), params=rest)


def from_rest(answer: httpx.Response) -> dict[str, Any]:
    """The object in an answer; of a refusal without what problem details add to it."""
    body: dict[str, Any] = answer.json()
    if answer.status_code == 200:
        return body
    assert (body.pop("type"), body.pop("status")) == ("about:blank", answer.status_code)
    assert body.pop("title")
    assert answer.status_code == ERRORS[ErrorCode(body["code"])].http_status
    return {"message": body.pop("detail"), **body}


def typed(name: str, arguments: dict[str, Any]) -> list[str]:
    """The words a person would type for these arguments."""
    model = operation_named(name).input
    words = [name]
    for field, value in arguments.items():
        text = value if isinstance(value, str) else json.dumps(value)
        required = field in model.model_fields and model.model_fields[field].is_required()
        if field in POSITIONAL or (required and field in POSITIONAL_IF_REQUIRED):
            words.append(text)
        elif value is not False:
            option = f"--{field.replace('_', '-')}"
            words.append(option if value is True else f"{option}={text}")
    return words


def on_every_face(
    scene: Scene, capsys: pytest.CaptureFixture[str], name: str, arguments: dict[str, Any]
) -> list[dict[str, Any]]:
    given = scene.fill(arguments)
    line = CommandLine(capsys, OPERATIONS, lambda: opened_app(scene.settings))
    code, shown = line.json(*typed(name, given), *_returning(name))
    direct, *others = asyncio.run(in_one_process(scene.settings, name, given))
    assert code == (ERRORS[ErrorCode(direct["code"])].exit_code if "code" in direct else 0)
    answers = [direct, *others, shown]
    if "code" in direct:
        # Each is a call of its own.
        ids = {one["details"].pop("call_id") for one in answers}
        assert len(ids) == len(answers)
    return answers


def _returning(name: str) -> list[str]:
    follows = ("rebalance_index", "send_paper_deposit", "withdraw")
    return ["--no-follow"] if name in follows else []


READS = [
    ("list_indexes", {}),
    ("list_indexes", {"archived": True, "limit": 2}),
    ("get_index", {"index_id": "@main"}),
    ("get_index", {"index_id": "@gone"}),
    ("get_drift", {"index_id": "@main"}),
    ("get_progress", {"id": "@running"}),
    ("get_progress", {"id": "@deposit"}),
    ("get_progress", {"id": "@sent"}),
    ("get_progress", {"id": "@waiting"}),
    ("get_performance", {"index_id": "@main"}),
    ("trade_history", {"index_id": "@main", "limit": 1}),
    ("trade_history", {"index_id": "@main", "asset": "BTC", "state": "settled"}),
    ("explain", {"index_id": "@main"}),
    ("explain", {"index_id": "@busy", "rebalance_id": "@running"}),
    ("list_assets", {"search": "usd", "limit": 3}),
    ("get_status", {}),
    ("list_webhooks", {}),
    ("get_webhook", {"webhook_id": "@webhook"}),
    ("list_webhook_deliveries", {"webhook_id": "@webhook", "state": "dead"}),
    ("get_prices", {"asset": "BTC", "since": "2020-01-01T00:00:00Z", "limit": 10}),
]


@pytest.mark.parametrize(("name", "arguments"), READS)
def test_a_question_has_one_answer(scene, capsys, name, arguments):
    direct, *others = on_every_face(scene, capsys, name, arguments)

    assert "code" not in direct, direct
    assert others == [direct] * 4


CHANGES = [
    ("create_index", {"name": "New", "targets": BASKET, "request_id": "r1"}),
    ("create_index", {"name": "Text", "targets": json.dumps(BASKET), "request_id": "r2"}),
    ("update_index", {"index_id": "@main", "policy": {"method": "none"}, "request_id": "r3"}),
    ("preview_rebalance", {"index_id": "@main", "request_id": "r4"}),
    ("deposit_address", {"index_id": "@empty", "amount": "12.5", "request_id": "r5"}),
    ("send_paper_deposit", {"deposit_id": "@deposit", "request_id": "r6"}),
    (
        "preview_withdrawal",
        {"index_id": "@main", "share_percent": 10, "destination": "home", "request_id": "r7"},
    ),
    ("preview_withdrawal", {"index_id": "@main", "everything": True, "request_id": "r8"}),
    ("update_webhook", {"webhook_id": "@webhook", "label": "Mine", "request_id": "r15"}),
    ("test_webhook", {"webhook_id": "@webhook", "request_id": "r16"}),
]


@pytest.mark.parametrize(("name", "arguments"), CHANGES)
def test_the_same_request_sent_over_every_face_is_done_once(scene, capsys, name, arguments):
    direct, *others = on_every_face(scene, capsys, name, arguments)

    assert "code" not in direct, direct
    assert others == [direct] * 4


ENDS = [
    ("rebalance_index", {"index_id": "@ready", "plan_id": "@ready_plan", "request_id": "r12"}),
    ("pause_index", {"index_id": "@ready", "request_id": "r13"}),
    ("resume_index", {"index_id": "@paused", "request_id": "r14"}),
    ("withdraw", {"index_id": "@paused", "plan_id": "@waiting_plan", "request_id": "r9"}),
    ("halt_trading", {"reason": "a test", "request_id": "r10"}),
    ("delete_index", {"index_id": "@spare", "request_id": "r11"}),
    ("replay_webhook", {"webhook_id": "@webhook", "request_id": "r17"}),
    ("delete_webhook", {"webhook_id": "@webhook", "request_id": "r18"}),
]


@pytest.mark.parametrize(("name", "arguments"), ENDS)
def test_what_would_end_the_scene_is_done_once_too(scene, capsys, tmp_path, name, arguments):
    shutil.copytree(scene.settings.root, tmp_path / "scene")
    own = Scene(settings_for(tmp_path / "scene"), scene.ids)

    direct, *others = on_every_face(own, capsys, name, arguments)

    assert "code" not in direct, direct
    assert others == [direct] * 4


SHOWN_ONCE = [
    ("create_webhook", {"url": "@receiver", "events": ["index.paused"], "request_id": "r19"}),
    ("rotate_webhook_secret", {"webhook_id": "@webhook", "request_id": "r20"}),
]


@pytest.mark.parametrize(("name", "arguments"), SHOWN_ONCE)
def test_a_secret_is_in_the_first_answer_alone(scene, capsys, tmp_path, name, arguments):
    shutil.copytree(scene.settings.root, tmp_path / "scene")
    settings = settings_for(tmp_path / "scene", webhook_loopback=True)
    with taking_everything() as url:
        own = Scene(settings, {**scene.ids, "receiver": url})
        answers = on_every_face(own, capsys, name, arguments)

    secrets = [one.pop("secret") for one in answers]
    assert sorted(one[:6] for one in secrets if one) == ["whsec_"]
    assert answers == [answers[0]] * 5


def test_every_operation_is_among_them():
    called = {name for name, _ in (*READS, *CHANGES, *ENDS, *SHOWN_ONCE)}

    assert called == {one.name for one in OPERATIONS}


def basket(*weights: tuple[str, Any]) -> dict[str, Any]:
    return {
        "name": "Bad",
        "targets": [{"asset": asset, "percent": percent} for asset, percent in weights],
    }


def deposit(amount: Any) -> dict[str, Any]:
    return {"index_id": "@main", "amount": amount}


def wish(**more: Any) -> dict[str, Any]:
    return {"index_id": "@main", "amount": "100", "destination": "home", **more}


REFUSALS = [
    ("weights_invalid", "create_index", basket(("BTC", 40), ("ETH", 30))),
    ("weights_invalid", "create_index", basket(("BTC", 80), ("ETH", "30.5"))),
    ("invalid_input", "create_index", basket(("BTC", 33.333), ("ETH", 66.667))),
    ("invalid_input", "create_index", basket(("BTC", "NaN"), ("ETH", 50))),
    ("unknown_asset", "create_index", basket(("BTCC", 50), ("ETH", 50))),
    ("ambiguous_asset", "create_index", basket(("USDT", 50), ("ETH", 50))),
    ("duplicate_asset", "create_index", basket(("BTC", 50), ("btc", 50))),
    ("name_taken", "create_index", {"name": "main", "targets": BASKET}),
    ("invalid_input", "create_index", {"name": "x" * 10_000, "targets": BASKET}),
    ("invalid_input", "create_index", {"name": "a\u202eb\x07", "targets": BASKET}),
    ("invalid_input", "create_index", {"name": "No basket"}),
    ("invalid_input", "create_index", {"name": "Bad", "targets": []}),
    ("invalid_input", "create_index", {"name": "Bad", "targets": "[{"}),
    ("invalid_input", "deposit_address", deposit("0")),
    ("invalid_input", "deposit_address", deposit("-5")),
    ("invalid_amount", "deposit_address", deposit("1.0000001")),
    ("invalid_input", "deposit_address", deposit("NaN")),
    ("invalid_input", "deposit_address", deposit("1_000")),
    ("invalid_input", "deposit_address", deposit("１０")),
    ("invalid_input", "get_index", {"index_id": "@old_plan"}),
    ("not_found", "get_index", {"index_id": "No such name"}),
    ("not_found", "get_index", {"index_id": NOWHERE}),
    ("not_found", "get_progress", {"id": "reb_01ARZ3NDEKTSV4RRFFQ69G5FAV"}),
    ("invalid_input", "trade_history", {"index_id": "@main", "since": "yesterday"}),
    ("invalid_input", "list_indexes", {"limit": 0}),
    ("plan_expired", "rebalance_index", {"index_id": "@main", "plan_id": "@old_plan"}),
    ("plan_used", "rebalance_index", {"index_id": "@busy", "plan_id": "@used_plan"}),
    ("plan_mismatch", "rebalance_index", {"index_id": "@busy", "plan_id": "@fresh_plan"}),
    (
        "not_found",
        "rebalance_index",
        {"index_id": "@main", "plan_id": "pln_01ARZ3NDEKTSV4RRFFQ69G5FAV"},
    ),
    ("rebalance_running", "preview_rebalance", {"index_id": "@busy"}),
    ("index_pending", "preview_rebalance", {"index_id": "@empty"}),
    ("index_paused", "preview_rebalance", {"index_id": "@paused"}),
    ("index_archived", "preview_rebalance", {"index_id": "@gone"}),
    ("index_archived", "update_index", {"index_id": "@gone", "name": "Back"}),
    ("unknown_asset", "deposit_address", {"index_id": "@main", "asset": "USDC", "chain": "moon"}),
    ("index_archived", "deposit_address", {"index_id": "@gone"}),
    ("index_not_empty", "delete_index", {"index_id": "@main"}),
    ("not_found", "delete_index", {"index_id": NOWHERE}),
    ("unknown_asset", "get_prices", {"asset": "NOSUCH"}),
    ("destination_not_allowed", "preview_withdrawal", wish(destination="nowhere")),
    (
        "destination_not_allowed",
        "preview_withdrawal",
        wish(destination=HOME[:8] + "0" * 28 + HOME[-6:]),
    ),
    ("insufficient_holdings", "preview_withdrawal", wish(amount="1000000")),
    ("amount_too_low", "preview_withdrawal", wish(amount="0.5")),
    ("invalid_amount", "preview_withdrawal", wish(amount="1.0000001")),
    ("invalid_input", "preview_withdrawal", wish(share_percent=10)),
    ("invalid_input", "preview_withdrawal", {"index_id": "@main", "amount": "100"}),
    ("address_invalid", "preview_withdrawal", wish(asset="USDC on Base")),
    ("index_pending", "preview_withdrawal", wish(index_id="@empty")),
    ("rebalance_running", "preview_withdrawal", wish(index_id="@busy")),
    ("plan_used", "withdraw", {"index_id": "@paused", "plan_id": "@sent_plan"}),
    ("plan_mismatch", "withdraw", {"index_id": "@main", "plan_id": "@waiting_plan"}),
    ("not_found", "withdraw", {"index_id": "@main", "plan_id": "@fresh_plan"}),
    ("plan_mismatch", "rebalance_index", {"index_id": "@paused", "plan_id": "@waiting_plan"}),
]


@pytest.mark.parametrize(("code", "name", "arguments"), REFUSALS)
def test_a_mistake_gets_one_error_object_and_nothing_is_half_done(
    scene, capsys, code, name, arguments
):
    before = asyncio.run(indexes_of(scene.settings))

    direct, *others = on_every_face(scene, capsys, name, arguments)

    assert direct.keys() == {"code", "message", "next_step", "retryable", "details"}
    assert direct["code"] == code, direct
    assert others == [direct] * 4
    assert asyncio.run(indexes_of(scene.settings)) == before
