"""A whole session over stdio, line by line: stdout is JSON-RPC alone, stderr tells no secret."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ballast.adapters.local import SystemIds
from ballast.adapters.vault import open_vault
from ballast.bootstrap import opened_app
from tests.app.world import settings_for
from tests.e2e.machine import Machine, Session

BASKET = [{"asset": "BTC", "percent": 60}, {"asset": "USDC", "percent": 40}]
OTHER_BASKET = [{"asset": "BTC", "percent": 20}, {"asset": "ETH", "percent": 80}]


def live_a_life(session: Session) -> str:
    """Everything a client can ask for, well and badly, up to the end of a rebalance."""
    for method in ("tools/list", "resources/list", "resources/templates/list", "prompts/list"):
        assert "result" in session.request(method), method
    index_id = session.call("create_index", name="Main", targets=BASKET)["index_id"]
    deposit = session.call("deposit_address", index_id=index_id, amount="1000")
    session.call("send_paper_deposit", deposit_id=deposit["deposit_id"])
    assert session.follow(deposit["deposit_id"])["state"] == "completed"
    session.call("update_index", index_id=index_id, targets=OTHER_BASKET)
    plan = session.call("preview_rebalance", index_id=index_id, destination="target")
    rebalance = session.call("rebalance_index", index_id=index_id, plan_id=plan["plan_id"])
    assert session.follow(rebalance["rebalance_id"])["state"] == "completed"
    session.call("explain", index_id=index_id)
    session.request("resources/read", uri=f"ballast://indexes/{index_id}/history")
    session.request("prompts/get", name="no_such_prompt")
    session.request("no/such/method")
    session.call("no_such_tool")
    assert session.call("create_index", name="Main", targets=BASKET)["code"] == "name_taken"
    return str(index_id)


def is_json_rpc(line: str) -> bool:
    message = json.loads(line)
    answers = "id" in message and ("result" in message) != ("error" in message)
    return message["jsonrpc"] == "2.0" and (answers or "method" in message)


def master_key(machine: Machine) -> bytes:
    return bytes.fromhex((machine.places.home / "master.key").read_text())


async def private_key(machine: Machine, index_id: str) -> bytes:
    """The key of an index, taken out through its keystore."""
    from eth_account import Account

    async with opened_app(settings_for(machine.directory)) as app, app.store.read() as reader:
        envelope = await reader.get_key(index_id)
    assert envelope is not None
    vault = open_vault(
        machine.places.home,
        None,
        sealed_under={envelope.master_key_id},
        random_bytes=SystemIds(app.clock).random_bytes,
    )
    keystore = vault.export_keystore(envelope, "password", rounds=2)
    return bytes(Account.decrypt(json.dumps(keystore), "password"))


def spellings(secret: bytes) -> set[str]:
    """How a secret could be written."""
    text = base64.b64encode(secret).decode().rstrip("=")
    return {secret.hex(), secret.hex().upper(), text, repr(secret)[2:-1], str(list(secret))[1:-1]}


async def secrets_of(machine: Machine, index_id: str) -> set[str]:
    keys = [master_key(machine), await private_key(machine, index_id)]
    envelopes = [bytes(one) for (one,) in machine.rows("SELECT ciphertext FROM keys")]
    return {spelling for secret in keys + envelopes for spelling in spellings(secret)}


@pytest.mark.parametrize("revision", ["legacy", "2026-07-28"])
async def test_every_line_on_stdout_is_json_rpc_and_stderr_tells_no_secret(machine, revision):
    machine.settings = {**machine.settings, "BALLAST_LOG_LEVEL": "debug"}

    with machine.serving() as session:
        if revision == "legacy":
            session.initialize()
        index_id = live_a_life(session)
        said = session.close()

    assert said.code == 0, said.err
    assert [line for line in said.out.splitlines() if not is_json_rpc(line)] == []
    assert len(said.out.splitlines()) >= session.asked
    assert "Traceback" not in said.err
    # Whatever is logged is an event of our own: no library's talk, which would hold our rows.
    assert [line for line in said.err.splitlines() if "event" not in json.loads(line)] == []
    secrets = await secrets_of(machine, index_id)
    assert [one for one in secrets if one in said.err + said.out] == []


async def test_an_export_holds_everything_of_an_index_and_no_secret(stocked):
    machine, index_id = stocked.machine, stocked.index_id

    exported = machine.run("export", "--json")

    [index] = exported.json["indexes"]
    for name, table in {
        "deposits": "deposits",
        "payments": "payments",
        "rebalances": "rebalances",
        "swaps": "swaps",
        "intents": "intents",
        "ledger_entries": "entries",
        "decisions": "decisions",
    }.items():
        [[count]] = machine.rows(f"SELECT COUNT(*) FROM {table}")
        assert len(index[name]) == count > 0, name
    assert index["account_id"] == machine.account_of(index_id)
    secrets = await secrets_of(machine, index_id)
    assert [one for one in secrets if one in exported.out] == []
    assert Path(machine.places.home / "master.key").read_text().strip() not in exported.out
