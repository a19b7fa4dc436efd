"""What can be seen from outside: health for everybody, figures for the owner of the machine."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta

import pytest

from ballast.app.engine.first_look import check_books
from ballast.app.operation import Caller
from ballast.bootstrap import Machine
from ballast.core.access import Scope
from ballast.errors import BallastError, ErrorCode
from ballast.simulation.clock import Ahead, MachineClock
from tests.app.world import open_world
from tests.http.serving import MINE, Words, called, serving


@pytest.fixture
async def leading(world):
    """The engine of this process has begun, as `ballast serve` begins it."""
    await world.engine.run_until_idle()
    world.app.engine.state = "leading"
    world.app.engine.last_pass_at = world.app.clock.now()


@asynccontextmanager
async def running(engine):
    """An engine at work."""
    working = asyncio.create_task(engine.run())
    try:
        yield
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


@pytest.mark.usefixtures("leading")
@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
async def test_a_process_that_works_is_ready(world, path):
    async with serving(world.app) as client:
        answer = await client.get(path)

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


async def test_before_the_engine_has_looked_at_everything_it_is_not_ready_but_lives(world):
    await world.engine.run_until_idle()
    world.app.engine.last_pass_at = None
    async with serving(world.app) as client:
        off = await client.get("/readyz")
        world.app.engine.state = "leading"
        looking = await client.get("/readyz")
        alive = await client.get("/livez")

    assert [one.status_code for one in (off, looking, alive)] == [503, 503, 200]
    assert off.json()["problems"] == ["The engine of this process has not started."]
    assert "still looking" in looking.json()["problems"][0]


@pytest.mark.usefixtures("leading")
async def test_work_that_is_left_lying_makes_it_unready(world):
    index = await world.new_index()
    deposit = await world.call("deposit_address", index_id=index.index_id, amount="100")
    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)
    world.pass_time(timedelta(minutes=10))
    async with serving(world.app) as client:
        late = await client.get("/readyz")
        await world.engine.run_until_idle()
        done = await client.get("/readyz")

    assert (late.status_code, done.status_code) == (503, 200)
    assert late.json()["problems"] == ["Work is due for more than two minutes."]


@pytest.mark.usefixtures("leading")
async def test_a_store_that_cannot_be_written_makes_it_unready(world):
    class Unwritable:
        def __init__(self, store):
            self._store = store

        def __getattr__(self, name):
            return getattr(self._store, name)

        def transaction(self, of=None):
            raise BallastError(ErrorCode.STORE_UNAVAILABLE, "The disk is full.")

    world.app.store = Unwritable(world.app.store)
    async with serving(world.app) as client:
        answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()["problems"]) == (503, ["The disk is full."])


@pytest.mark.usefixtures("leading")
async def test_tables_of_another_version_make_it_unready(world):
    with closing(sqlite3.connect(world.directory / "paper" / "ballast.sqlite")) as other:
        other.execute("UPDATE alembic_version SET version_num = '0001'")
        other.commit()
    async with serving(world.app) as client:
        answer = await client.get("/readyz")

    assert answer.status_code == 503
    assert "has revision 0001" in answer.json()["problems"][0]


async def test_it_is_ready_once_every_index_has_been_compared_with_the_venue(world):
    index = await world.new_index()
    await world.engine.run_until_idle()
    world.app.engine.state = "leading"
    compared = world.app.venue.balances
    answering = asyncio.Event()

    async def balances(*asked):
        await answering.wait()
        return await compared(*asked)

    world.app.venue.balances = balances
    async with serving(world.app) as client, running(world.engine):
        async with asyncio.timeout(60):
            while not world.app.engine.unreconciled:  # noqa: ASYNC110
                await asyncio.sleep(0)
        early = await client.get("/readyz")
        answering.set()
        async with asyncio.timeout(60):
            while index.index_id in world.app.engine.unreconciled:  # noqa: ASYNC110
                await asyncio.sleep(0)
        later = await client.get("/readyz")

    assert (early.status_code, later.status_code) == (503, 200)
    assert early.json()["problems"][0].startswith("1 indexes have not been compared")


async def test_books_that_are_not_whole_make_it_unready(world):
    index = await world.funded_index()
    with closing(sqlite3.connect(world.directory / "paper" / "ballast.sqlite")) as other:
        other.execute("UPDATE balances SET units = units || '1' WHERE account = 'available'")
        other.commit()
    await check_books(world.app)
    world.app.engine.state, world.app.engine.last_pass_at = "leading", world.app.clock.now()
    async with serving(world.app) as client:
        answer = await client.get("/readyz")

    assert answer.status_code == 503
    assert any("books are not whole" in one for one in answer.json()["problems"]), index


@pytest.mark.parametrize(
    ("seconds", "problem"),
    [(0, None), (1, None), (-1, None), (6, "ahead of the venue's"), (-6, "behind the venue's")],
)
async def test_a_clock_that_is_wrong_makes_it_unready(tmp_path, seconds, problem):
    ahead = Ahead()
    ahead.set(timedelta(seconds=seconds))
    machine = Machine(clock=lambda true: MachineClock(true.now, ahead))
    async with open_world(tmp_path, machine=machine) as world, serving(world.app) as client:
        await world.engine.run_until_idle()
        await world.app.venue.final_time()
        world.app.engine.state, world.app.engine.last_pass_at = "leading", world.app.clock.now()
        answer = await client.get("/readyz")

    told = " ".join(answer.json().get("problems", []))
    assert answer.status_code == (503 if problem else 200), told
    assert (problem or "") in told


# --- figures ------------------------------------------------------------------------------------


def figure(text, name):
    """The value on the line that begins so."""
    [line] = [one for one in text.splitlines() if one.startswith(f"{name} ")]
    return float(line.rpartition(" ")[2])


async def test_the_figures_count_requests_calls_and_work(world):
    index = await world.funded_index()
    async with serving(world.app) as client:
        client.headers.update(MINE)
        await client.get(f"/api/indexes/{index.index_id}")
        await client.get("/api/indexes/idx_01ARZ3NDEKTSV4RRFFQ69G5FAV")
        await client.get("/api/nowhere")
        await client.request("BREW", "/api/indexes")
        await called(client, "tools/call", name="get_status", arguments={})
        await called(client, "tools/call", name="anything", arguments={})
        await client.post("/api/halt", json={})
        text = (await client.get("/metrics")).text

    def requests(method, route, status):
        labels = f'http_request_method="{method}",http_response_status_code="{status}"'
        labels += f',http_route="{route}"'
        return figure(text, f"http_server_request_duration_seconds_count{{{labels}}}")

    assert requests("GET", "/api/indexes/{index_id}", 200) == 1
    assert requests("GET", "/api/indexes/{index_id}", 404) == 1
    assert requests("GET", "", 404) == 1
    assert requests("_OTHER", "/api/indexes", 405) == 1
    assert requests("POST", "/mcp", 200) == 2
    calls = 'ballast_operations_total{face="%s",operation="%s",outcome="%s"}'
    assert figure(text, calls % ("rest", "get_index", "done")) == 1
    assert figure(text, calls % ("rest", "get_index", "not_found")) == 1
    assert figure(text, calls % ("mcp", "get_status", "done")) == 1
    assert figure(text, 'ballast_intents{state="executed"}') == 3
    assert figure(text, 'ballast_intents{state="unknown"}') == 0
    assert figure(text, "ballast_oldest_open_intent_seconds") == 0
    assert figure(text, "ballast_trading_halted") == 1
    message = 'error_type="%s",gen_ai_tool_name="%s",mcp_method_name="tools/call"'
    counted = "mcp_server_operation_duration_seconds_count{%s}"
    assert figure(text, counted % (message % ("", "get_status"))) == 1
    assert figure(text, counted % (message % ("tool_error", "_OTHER"))) == 1
    assert "anything" not in text
    assert figure(text, "ballast_untold_events") > 0
    assert "nep141" not in "".join(one for one in text.splitlines() if one.endswith(" 1000.0"))


async def test_what_is_out_and_what_is_missing_shows(world):
    index = await world.funded_index()
    world.pass_time(timedelta(days=40))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    async with serving(world.app) as client:
        await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
        await world.engine.run_until_idle()
        world.pass_time(timedelta(seconds=2))
        text = (await client.get("/metrics", headers=MINE)).text

    assert figure(text, 'ballast_intents{state="published"}') > 0
    assert figure(text, "ballast_oldest_open_intent_seconds") >= 2
    assert 'ballast_in_flight_units{asset="' in text
    assert figure(text, "ballast_in_flight_usd") > 10
    assert figure(text, "ballast_in_flight_unpriced_assets") == 0
    assert "ballast_unexplained_units{" not in text
    assert figure(text, 'ballast_signatures_total{purpose="swap"}') > 0
    assert figure(text, 'ballast_price_age_seconds{source="1click"}') >= 2
    steps = 'ballast_engine_step_duration_seconds_count{kind="swap",outcome="done"}'
    assert figure(text, steps) > 2
    quote = 'service="1Click",url_template="/v0/quote"'
    asked = 'http_client_request_duration_seconds_count{error_type="",http_request_method="POST"'
    assert figure(text, f"{asked},{quote}}}") > 0
    breaker = 'ballast_breaker_state{endpoint="POST /v0/quote",service="1Click",state="%s"}'
    assert (figure(text, breaker % "closed"), figure(text, breaker % "opened")) == (1, 0)


async def test_the_figures_are_for_the_owner_of_the_machine_alone(world):
    callers = {
        "other": Caller(owner_id="own_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        "spender": Caller(scopes=frozenset({Scope.SPEND})),
    }
    async with serving(world.app, Words(callers)) as client:
        nobody = await client.get("/metrics")
        refused = [
            await client.get("/metrics", headers={"Authorization": f"Bearer {one}"})
            for one in callers
        ]

    assert nobody.status_code == 401
    assert [one.status_code for one in refused] == [403, 403]
    assert {one.json()["code"] for one in refused} == {"scope_missing"}
