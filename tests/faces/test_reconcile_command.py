"""`ballast reconcile` shows what is unexplained, and ends it for a person at a terminal alone."""

from __future__ import annotations

import asyncio
import json

import pytest

from ballast.app.catalog import OPERATIONS
from ballast.app.engine.reconciliation import INTERVAL, PATIENCE
from ballast.bootstrap import opened_app
from tests.app.test_accepting import FIVE, taken
from tests.app.world import open_world, settings_for
from tests.faces.serving import CommandLine


async def _with_a_difference(directory):
    async with open_world(directory) as world:
        index = await world.funded_index()
        taken(world, index)
        await world.run(INTERVAL + 3 * PATIENCE)
        return index.index_id


@pytest.fixture
def index_id(tmp_path, capsys):
    made = asyncio.run(_with_a_difference(tmp_path))
    capsys.readouterr()
    return made


@pytest.fixture
def line(capsys, tmp_path):
    settings = settings_for(tmp_path)
    return CommandLine(capsys, OPERATIONS, lambda: opened_app(settings))


def test_a_difference_is_shown_accepted_at_a_terminal_and_named_no_more(
    line, index_id, monkeypatch
):
    code, shown = line.json("reconcile", index_id)
    refused, refusal = line.json("reconcile", index_id, "--accept")
    red, report = line.json("verify")

    assert (code, shown["accepted"], shown["differences"]) == (0, False, [])
    [one] = shown["unexplained"]
    assert (one["amount"], one["symbol"], one["units"]) == ("5", "USDC", str(FIVE))
    assert (refused, refusal["code"]) == (2, "invalid_input")
    assert (red, len(report["problems"])) == (1, 1)

    asked = []
    monkeypatch.setattr("ballast.faces.cli.reconcile.need_terminal", lambda command: None)
    monkeypatch.setattr("typer.prompt", lambda *given, **more: asked.append(given) or "y")
    code, out, _ = line.run("reconcile", index_id, "--accept")

    assert (code, len(asked)) == (0, 1)
    told = " ".join(out.split())
    assert "(5 USDC on near" in told
    assert f"ballast resume_index {index_id}" in told
    assert line.run("verify")[0] == 0
    assert "Nothing of Main is unexplained." in line.run("reconcile", index_id)[1]
    assert json.loads(line.run("reconcile", index_id, "--json")[1])["unexplained"] == []
