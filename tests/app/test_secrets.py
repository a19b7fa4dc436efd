"""Secrets are planted wherever one goes in, and looked for wherever anything comes out."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ballast.app.access.accounts import create_account, set_password
from ballast.app.access.admission import admit
from ballast.app.access.api_keys import create_api_key, rotate_api_key
from ballast.app.access.ethereum import issue_challenge, prove
from ballast.app.access.sessions import log_in, log_out, refresh
from ballast.app.audit_trail import exported
from ballast.app.catalog import OPERATIONS
from ballast.app.destinations import add_destination
from ballast.app.export import export
from ballast.app.incident import incident
from ballast.app.keys import export_key, import_key
from ballast.app.master_key import rotate_master_key
from ballast.app.notifying.channels import add_channel
from ballast.app.notifying.labels import list_channels
from ballast.app.operation import Caller
from ballast.app.ports import AuditFilter
from ballast.app.write_off import preview_write_off
from ballast.bootstrap import configure_logging
from ballast.core.access import ALL_SCOPES
from ballast.core.events import Level
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError
from tests.app.receiving import carry, receiving
from tests.app.world import open_world, settings_for

CLI = Caller(face="cli")
HOME = "0x52908400098527886E0F7030069857D2E4169EE7"
TWO = (("BTC", "50"), ("USDC", "50"))
# Each is planted once, and is nowhere else.
MASTER, PARTNER = "5eC7e7aa" * 8, "markerPartnerKey7c21"
PASSWORD, SECOND, WRONG = "marker pass phrase 81", "marker other phrase 82", "marker wrong 83"
KEYSTORE = "marker keystore phrase 84"
CHANNEL = "markerChannelToken85"
TYPED = "markerTypedAsAName86"


async def said(outputs, deed):
    """What a deed answers or refuses with, kept to be searched."""
    try:
        answer = await deed
    except BallastError as refusal:
        outputs.append(f"{refusal} {refusal.message} {refusal.details}")
        return None
    outputs.append(repr(answer))
    if dataclasses.is_dataclass(answer):
        outputs.append(str(answer))
    return answer


async def sign_ins(app, outputs, secrets):
    await said(outputs, create_account(app, CLI, "ann", PASSWORD, mine=True))
    await said(outputs, log_in(app, "ann", WRONG, "rest"))
    await said(outputs, log_in(app, TYPED, WRONG, "rest"))
    tokens = await said(outputs, log_in(app, "ann", PASSWORD, "rest"))
    fresh = await said(outputs, refresh(app, tokens.refresh_token))
    await said(outputs, refresh(app, tokens.refresh_token))
    await said(outputs, admit(app, fresh.access_token, "rest"))
    await said(outputs, log_out(app, tokens.session.session_id))
    await said(outputs, set_password(app, CLI, "ann", SECOND))
    challenge = await issue_challenge(app, HOME)
    await said(outputs, prove(app, challenge.message, "0x" + "5e" * 65, "rest"))
    secrets += [one for two in (tokens, fresh) for one in (two.access_token, two.refresh_token)]


async def keys(app, outputs, secrets, index_id):
    first = await said(outputs, create_api_key(app, CLI, "bot", ALL_SCOPES))
    second = await said(outputs, rotate_api_key(app, CLI, "bot"))
    for one in (first, second):
        await said(outputs, admit(app, one.text, "rest"))
        secrets.append(one.text.rsplit("_", 1)[1])
    await said(outputs, admit(app, "bal_aaaaaaaa_" + "x" * 32, "rest"))
    keystore = await export_key(app, LOCAL_OWNER, index_id, KEYSTORE)
    await said(outputs, import_key(app, LOCAL_OWNER, index_id, keystore, KEYSTORE))
    await said(outputs, import_key(app, LOCAL_OWNER, index_id, keystore, WRONG))
    async with app.store.read() as reader:
        envelope = await reader.get_key(index_id)
    assert envelope is not None
    secrets.append(app.vault._open(envelope).hex())
    await said(outputs, rotate_master_key(app, "6d" * 32))


async def people(world, outputs, secrets):
    address = f"json://user:{CHANNEL}@127.0.0.1:1/"
    await said(outputs, add_channel(world.app, CLI, "phone", address, Level.WARNING))
    await said(outputs, list_channels(world.app, LOCAL_OWNER))
    async with receiving() as receiver:
        made = await world.call("create_webhook", url=receiver.url)
        secrets.append(made.secret.removeprefix("whsec_"))
        again = await world.call("rotate_webhook_secret", webhook_id=made.webhook_id)
        secrets.append(again.secret.removeprefix("whsec_"))
        await said(outputs, world.call("get_webhook", webhook_id=made.webhook_id))
        await carry(world)


async def everything_called(world, outputs, index_id):
    """Every operation, rightly or not: what it answers or refuses."""
    for operation in OPERATIONS:
        given = {"index_id": index_id} if "index_id" in operation.input.model_fields else {}
        await said(outputs, world.call(operation.name, **given))
        await said(outputs, world.call(operation.name, **given, password=WRONG))


async def shown(app):
    """All that is printed for records of one's own."""
    rows = [one async for one in exported(app, AuditFilter())]
    everything = await export(app)
    [swap, *_] = everything["indexes"][0]["swaps"]
    told = await incident(app, LOCAL_OWNER, swap["swap_id"])
    return json.dumps([rows, everything, told])


@pytest.mark.filterwarnings("ignore")
async def test_no_secret_is_in_the_database_the_logs_the_audit_an_export_or_an_error(
    tmp_path, capfd
):
    more = {"master_key": MASTER, "webhook_loopback": True, "log_level": "debug"}
    configure_logging(settings_for(tmp_path, **more, oneclick_api_key=PARTNER))
    outputs, secrets = [], [MASTER, PARTNER, PASSWORD, SECOND, WRONG, KEYSTORE, CHANNEL, TYPED]
    async with open_world(tmp_path, **more) as world:
        app = world.app
        index = await world.funded_index(basket=TWO)
        await said(outputs, add_destination(app, LOCAL_OWNER, "home", "ethereum", HOME, None))
        await sign_ins(app, outputs, secrets)
        await people(world, outputs, secrets)
        await keys(app, outputs, secrets, index.index_id)
        await said(outputs, preview_write_off(app, LOCAL_OWNER, "swp_" + "0" * 26))
        await everything_called(world, outputs, index.index_id)
        outputs.append(await shown(app))
        secrets += [app.audit_seal.key.hex()]
        outputs.append(repr(app))
    log = capfd.readouterr()
    files = [
        file.read_bytes()
        for file in sorted(tmp_path.rglob("*"))
        if file.suffix != ".key" and file.is_file()
    ]

    assert len(secrets) > 15
    assert "refresh_token_reused" in log.err
    for secret in secrets:
        assert secret.lower() not in "\n".join([*outputs, log.out, log.err]).lower(), secret
        for held in files:
            assert secret.encode() not in held
            if len(secret) == 64:
                assert bytes.fromhex(secret) not in held
