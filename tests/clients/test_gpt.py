"""docs/clients.md, "A custom GPT": from an empty HOME to an index, by what the page says alone."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from ballast.app.catalog import OPERATIONS
from tests.clients.gpt import Gpt
from tests.clients.page import PUBLIC, ROOT, examples
from tests.e2e.machine import until

EXAMPLES = examples()
MOST_INSTRUCTIONS = 8_000  # Characters that a GPT's instructions may have.


def test_a_gpt_makes_and_funds_an_index_on_the_machine_of_somebody_new(server, outside):
    gpt = Gpt.importing(f"{PUBLIC}/openapi.yaml", outside, server.key)
    assert gpt.document["servers"] == [{"url": PUBLIC}]

    targets = [{"asset": "BTC", "percent": 60}, {"asset": "USDC", "percent": 40}]
    made = gpt.call("create_index", name="Savings", targets=targets, request_id="wish-1")
    again = gpt.call("create_index", name="Savings", targets=targets, request_id="wish-1")
    deposit = gpt.call("deposit_address", index_id="Savings", asset="USDC", amount="1000")
    paid = gpt.call("send_paper_deposit", deposit_id=deposit.json()["deposit_id"])

    done = "SELECT 1 FROM deposits WHERE state = 'credited'"
    until(lambda: server.machine.rows(done), "the deposit is credited")
    followed = gpt.call("get_progress", id=deposit.json()["deposit_id"])
    drift = gpt.call("get_drift", index_id="Savings")

    for answer in (made, again, deposit, paid, followed, drift):
        assert answer.status_code == 200, answer.text
        assert answer.json()["mode"] == "paper"
    assert again.json() == made.json()
    assert followed.json()["state"] == "credited"
    assert float(drift.json()["value_usd"]) > 900
    assert server.index_id("Savings") == made.json()["index_id"]

    strange = Gpt(outside, gpt.document, "bal_unknown").call("list_indexes")
    assert (strange.status_code, strange.json()["code"]) == (401, "unauthenticated")


def test_the_instructions_fit_into_a_gpt_and_name_actions_that_there_are():
    instructions = EXAMPLES["gpt-instructions"].text
    actions = {one.name for one in OPERATIONS if one.toolset == "default"}
    named = set(re.findall(r"\b[a-z]+_[a-z]+\b", instructions))

    assert len(instructions) < MOST_INSTRUCTIONS
    assert named & actions >= {"create_index", "deposit_address", "preview_rebalance", "get_drift"}
    assert named - actions <= {"plan_id", "next_step", "request_id"}


def test_the_drawing_shows_what_the_page_says():
    root = ET.parse(ROOT / "docs/gpt-action.svg").getroot()
    words = " ".join("".join(root.itertext()).split())

    for field in ("API Key", "Bearer", "Import from URL", f"{PUBLIC}/openapi.yaml", "Only me"):
        assert field in words, field
    assert "drawing" in words.lower()
