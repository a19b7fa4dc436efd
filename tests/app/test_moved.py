"""A call whose rows somebody else moves meanwhile: run again, and no fault of the caller."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ballast.app.catalog import operation_named
from ballast.app.operation import MOVED_ATTEMPTS, Caller, invoke
from ballast.app.ports import StateMovedError
from ballast.errors import BallastError, ErrorCode


def moved(times: int):
    """create_index, for which the database has no turn at first."""
    operation = operation_named("create_index")
    tries = iter(range(times))

    async def run(app, call, given):
        answer = await operation.run(app, call, given)
        if next(tries, None) is not None:
            raise StateMovedError("undone for another transaction")
        return answer

    return replace(operation, run=run)


ASKED = {"name": "Main", "targets": [{"asset": "BTC", "percent": "100"}], "request_id": "r1"}


async def test_a_call_that_was_undone_for_another_is_run_again(world):
    made = await invoke(world.app, moved(2), ASKED, Caller())

    async with world.app.store.read() as reader:
        listed = await reader.list_indexes("own_local", archived=False, after=None, limit=9)
    assert [one.index_id for one in listed] == [made.index_id]


async def test_a_call_that_never_gets_its_turn_says_so_in_our_words(world):
    operation = replace(
        operation_named("get_status"), effect=operation_named("create_index").effect
    )
    tries = []

    async def run(app, call, given):
        tries.append(call)
        raise StateMovedError("undone for another transaction")

    with pytest.raises(BallastError) as refused:
        await invoke(world.app, replace(operation, run=run), {}, Caller())

    assert refused.value.code is ErrorCode.STORE_BUSY
    assert refused.value.spec.retryable
    assert len(tries) == MOVED_ATTEMPTS
