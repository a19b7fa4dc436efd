"""Large sums: set apart by thousands for people, plain for machines."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from ballast.app.catalog import OPERATIONS
from ballast.bootstrap import opened_app
from tests.app.world import open_world, settings_for
from tests.faces.serving import CommandLine

# Four digits and more with a fraction or before a symbol; not in ids, addresses and times.
UNSEPARATED = re.compile(r"(?<![\w.,@:/-])\$?\d{4,}(?:\.\d+|(?= [A-Z]{3,5}\b))")


@pytest.fixture
def large(tmp_path, capsys):
    """A command line beside an index worth some hundred thousand; ids of the index, of a deposit
    that is awaited, and of a plan."""

    async def made() -> tuple[str, str, str]:
        async with open_world(tmp_path) as world:
            index = await world.funded_index(amount="654321.123456")
            asked = {"index_id": index.index_id, "chain": "base", "amount": "54321.5"}
            deposit = await world.call("deposit_address", **asked)
            world.pass_time(timedelta(days=200))
            plan = await world.call(
                "preview_rebalance", index_id=index.index_id, destination="target"
            )
            return index.index_id, deposit.deposit_id, plan.plan_id

    ids = asyncio.run(made())
    return CommandLine(capsys, OPERATIONS, lambda: opened_app(settings_for(tmp_path))), *ids


def test_no_text_for_people_has_a_large_sum_without_separators(large):
    line, index, deposit, plan = large
    commands = (
        ("get_index", index),
        ("get_drift", index),
        ("get_progress", deposit),
        ("deposit_address", index, "--chain", "base", "--amount", "54321.5"),
        ("preview_rebalance", index, "--destination", "target"),
        ("trade_history", index),
        ("explain", index),
        ("get_performance", index),
        ("get_status",),
        ("limits", "show"),
        ("limits", "set", "swap_usd", "1234"),
        ("rebalance_index", index, plan),
        ("update_index", index, "--limits", "day_usd=99999999"),
    )

    told = {words: "\n".join(line.run(*words)[1:]) for words in commands}

    assert {words: found for words in told if (found := UNSEPARATED.findall(told[words]))} == {}
    assert re.search(r"\$\d{3},\d{3}\.\d\d", told["get_index", index])
    assert re.search(r"[ \d]\d\d,\d{3}\.\d{6} USDC", told["trade_history", index])
    assert "the limit of $1,234.00 per swap" in " ".join(
        told["rebalance_index", index, plan].split()
    )


def test_machines_are_told_the_same_sums_without_separators(large):
    line, index, _, _ = large

    answer = line.json("get_index", index)[1]

    assert re.fullmatch(r"\d{6}\.\d\d", answer["value_usd"])
    assert answer["limits"]["day_usd"] == "10000000.00"
