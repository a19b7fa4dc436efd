"""One owner never sees, guesses or stops what is another's, by whichever operation and field."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from ballast.adapters.store.session import Session
from ballast.app.catalog import OPERATIONS, operation_named
from ballast.app.destinations import add_destination
from ballast.app.operation import Caller, Effect, invoke
from ballast.app.resuming import resume_trading
from ballast.app.switch import may_sign
from ballast.core.ids import LOCAL_OWNER, IdKind
from ballast.errors import BallastError, ErrorCode
from ballast.faces.answers import answer_of, refusal_of
from tests.app.receiving import webhook_with_a_dead_letter
from tests.app.world import open_world

MINE = Caller("own_01ARZ3NDEKTSV4RRFFQ69G5FAV", "rest")
THEIRS = Caller("own_01ARZ3NDEKTSV4RRFFQ69G5FAW", "rest")
HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TARGETS = [{"asset": "BTC", "percent": 50}, {"asset": "USDC", "percent": 50}]
NOWHERE = "01ARZ3NDEKTSV4RRFFQ69G5FAX"


@dataclass
class Things:
    """Two owners with the same kinds of things; ids by kind, for each of them."""

    world: Any
    mine: dict[IdKind, str] = field(default_factory=dict)
    theirs: dict[IdKind, str] = field(default_factory=dict)


async def belongings(world, caller) -> dict[IdKind, str]:
    """One of each kind, of this owner."""
    world.caller = caller
    index = await world.funded_index("Main", basket=(("BTC", "50"), ("USDC", "50")))
    page = await world.call("trade_history", index_id=index.index_id)
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    deposit = await world.call("deposit_address", index_id=index.index_id, amount="5")
    await add_destination(world.app, caller.owner_id, "home", "ethereum", HOME, memo=None)
    wish = {"index_id": index.index_id, "destination": "home", "amount": "10"}
    withdrawal = await world.call("preview_withdrawal", **wish)
    webhook_id, delivery_id = await webhook_with_a_dead_letter(world)
    return {
        IdKind.INDEX: index.index_id,
        IdKind.SWAP: page.swaps[0].swap_id,
        IdKind.REBALANCE: page.swaps[0].rebalance_id,
        IdKind.PLAN: plan.plan_id,
        IdKind.DEPOSIT: deposit.deposit_id,
        IdKind.WITHDRAWAL: withdrawal.withdrawal_id,
        IdKind.WEBHOOK: webhook_id,
        IdKind.DELIVERY: delivery_id,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def things(tmp_path_factory):
    async with open_world(tmp_path_factory.mktemp("owners")) as world:
        given = Things(world)
        given.theirs = await belongings(world, THEIRS)
        given.mine = await belongings(world, MINE)
        yield given


# What else a call needs, by operation; ids are put in by their fields.
NEEDED: dict[str, dict[str, Any]] = {
    "create_index": {"name": "Another", "targets": TARGETS},
    "create_webhook": {"url": "http://127.0.0.1:9/"},
    "get_prices": {"asset": "BTC"},
    "preview_withdrawal": {"destination": "home", "amount": "10"},
}
# A field that takes ids of several kinds.
SEVERAL = {("get_progress", "id"): (IdKind.REBALANCE, IdKind.DEPOSIT, IdKind.WITHDRAWAL)}
KINDS = {f"{kind.name.lower()}_id": kind for kind in IdKind}
CURSORS = {
    "trade_history": IdKind.SWAP,
    "list_indexes": IdKind.INDEX,
    "list_webhook_deliveries": IdKind.DELIVERY,
}
# Fields that end like ids and are none of ours.
NO_IDS = {"request_id", "asset_id"}
OF_NOBODY = {("list_assets", "cursor"), ("get_prices", "cursor")}


def id_fields(operation) -> dict[str, tuple[IdKind, ...]]:
    """Every field that takes an id of somebody's thing, with the kinds it takes.

    A field that looks like one and is not known here fails: whoever adds it says what it takes.
    """
    found: dict[str, tuple[IdKind, ...]] = {}
    for name in operation.input.model_fields:
        if (operation.name, name) in OF_NOBODY:
            continue
        if (operation.name, name) in SEVERAL:
            found[name] = SEVERAL[operation.name, name]
        elif name == "cursor":
            found[name] = (CURSORS[operation.name],)
        elif (name == "id" or name.endswith("_id")) and name not in NO_IDS:
            found[name] = (KINDS[name],)
    return found


CASES = [
    (operation.name, name, kind)
    for operation in OPERATIONS
    for name, kinds in id_fields(operation).items()
    for kind in kinds
]


def arguments(operation, mine, name, value):
    """A call of my own in which one field has another value."""
    required = {
        one: mine[kinds[0]]
        for one, kinds in id_fields(operation).items()
        if operation.input.model_fields[one].is_required()
    }
    return {**NEEDED.get(operation.name, {}), **required, name: value}


@asynccontextmanager
async def statements(monkeypatch):
    """Every statement the store is asked to run."""
    asked: list[str] = []
    rows = Session.rows

    async def noted(session, statement, **given):
        asked.append(str(statement))
        return await rows(session, statement, **given)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "rows", noted)
        yield asked


async def told(things, operation, given, monkeypatch):
    """The whole answer without the id that was given, what the store was asked, and the venue."""
    before = len(things.world.way.seen)
    async with statements(monkeypatch) as asked:
        try:
            answer = answer_of(await invoke(things.world.app, operation, given, MINE))
        except BallastError as refusal:
            answer = refusal_of(refusal)
            # Each call has an id of its own, whatever it was about.
            del answer["details"]["call_id"]
    return answer, asked, things.world.way.seen[before:]


@pytest.mark.parametrize(("name", "parameter", "kind"), CASES)
@pytest.mark.asyncio(loop_scope="module")
async def test_anothers_id_is_answered_exactly_as_one_that_is_not_there(
    things, monkeypatch, name, parameter, kind
):
    operation = operation_named(name)
    foreign, nowhere = things.theirs[kind], f"{kind.value}_{NOWHERE}"
    answers = []
    for value in (nowhere, foreign):
        given = arguments(operation, things.mine, parameter, value)
        answer, asked, venue = await told(things, operation, given, monkeypatch)
        # The clock of the world stands still, so nothing else differs.
        answers.append((json.dumps(answer).replace(value, "ID"), asked, venue))

    assert answers[0] == answers[1]
    owned = [one for one in things.theirs.values() if one in answers[1][0]]
    assert owned == []


READS = [operation for operation in OPERATIONS if operation.effect is Effect.READ]


@pytest.mark.parametrize("operation", READS, ids=lambda one: one.name)
@pytest.mark.asyncio(loop_scope="module")
async def test_no_answer_about_mine_holds_anything_of_theirs(things, operation):
    mine = {one: things.mine[kinds[0]] for one, kinds in id_fields(operation).items()}
    mine.pop("cursor", None)
    given = {**NEEDED.get(operation.name, {}), **mine}

    answer = json.dumps(answer_of(await invoke(things.world.app, operation, given, MINE)))

    assert THEIRS.owner_id not in answer
    assert [one for one in things.theirs.values() if one in answer] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_plan_of_theirs_with_their_index_is_not_there_either(things):
    given = {
        "index_id": things.theirs[IdKind.INDEX],
        "plan_id": things.theirs[IdKind.PLAN],
    }
    for name in ("rebalance_index", "withdraw"):
        with pytest.raises(BallastError) as caught:
            await invoke(things.world.app, operation_named(name), given, MINE)
        assert caught.value.code is ErrorCode.NOT_FOUND


@pytest.mark.asyncio(loop_scope="module")
async def test_a_request_id_and_a_name_of_theirs_are_free_for_me(things):
    named = {"name": "Named alike", "targets": TARGETS, "request_id": "the-same"}
    create = operation_named("create_index")

    theirs = await invoke(things.world.app, create, named, THEIRS)
    mine = await invoke(things.world.app, create, named, MINE)

    assert mine.index_id != theirs.index_id
    assert (await invoke(things.world.app, create, named, MINE)).index_id == mine.index_id


@pytest.mark.asyncio(loop_scope="module")
async def test_the_status_counts_what_is_due_of_mine_alone(things):
    world = things.world
    await world.engine.run_until_idle()
    status = operation_named("get_status")
    before = await invoke(world.app, status, {}, MINE)
    deposit = {"index_id": things.theirs[IdKind.INDEX], "amount": "7"}
    await invoke(world.app, operation_named("deposit_address"), deposit, THEIRS)
    world.pass_time(timedelta(minutes=1))

    mine, theirs = [await invoke(world.app, status, {}, one) for one in (MINE, THEIRS)]

    assert theirs.work_due > mine.work_due
    assert mine.indexes == before.indexes


@pytest.mark.asyncio(loop_scope="module")
async def test_halting_stops_my_own_trading_and_nobody_elses(things):
    app = things.world.app

    async def trading():
        answers = [await invoke(app, operation_named("get_status"), {}, one) for one in everyone]
        return [one.trading for one in answers]

    everyone = (MINE, THEIRS, Caller())
    await invoke(app, operation_named("halt_trading"), {}, MINE)
    assert await trading() == ["halted", "on", "on"]
    async with may_sign(app.store, app.halt_orders, MINE.owner_id) as mine:
        assert mine is None
    async with may_sign(app.store, app.halt_orders, THEIRS.owner_id) as theirs:
        assert theirs is not None

    await resume_trading(app, MINE.owner_id)
    assert await trading() == ["on", "on", "on"]

    await invoke(app, operation_named("halt_trading"), {}, Caller())
    await resume_trading(app, MINE.owner_id)
    assert await trading() == ["halted", "halted", "halted"]
    await resume_trading(app, LOCAL_OWNER)
    assert await trading() == ["on", "on", "on"]
