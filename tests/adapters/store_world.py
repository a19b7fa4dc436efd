"""What the tests of the store share."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from ballast.adapters.store import SqlStore
from ballast.app.ports import StoredAnswer
from ballast.core.audit import AuditKey, AuditRecord, KeyedSeal
from ballast.core.limits import Limits
from ballast.core.trading import Price
from ballast.core.unit_value import first_unit_value
from ballast.errors import BallastError, ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.limit_rows import confirmation, limit_change, panic_sale, template
from tests.e2e.machine import PATIENCE

AUDITED = AuditRecord("aud_1", a.OWNER, a.NOON, "create_index", "mcp", "digest", "done", "idx_1")


def refused(code: ErrorCode):
    return pytest.raises(BallastError, check=lambda error: error.code is code)


async def fill(store: SqlStore) -> None:
    """Something in every table."""
    async with store.transaction() as tx:
        await a.add_running_rebalance(tx)
        await tx.add_intent(a.intent())
        await tx.add_deposit(a.deposit())
        await tx.add_payment(a.payment())
        await tx.add_withdrawal(a.withdrawal())
        await tx.add_destination(a.destination())
        await tx.add_decision(a.decision())
        await tx.add_panic_sale(panic_sale())
        await tx.add_audit_key(AuditKey("a key", "sealed", a.NOON))
        await tx.add_audit(AUDITED, KeyedSeal(b"a key"))
        await tx.add_api_key(a.api_key())
        await tx.add_account(a.account())
        await tx.add_session(a.session())
        await tx.add_refresh_token(a.refresh_token())
        await tx.add_event(a.event())
        await tx.add_webhook(a.webhook())
        await tx.add_deliveries([a.delivery(a.event())])
        await tx.add_channel(a.channel())
        await tx.add_notices([a.notice(a.event())])
        await tx.put_template(template())
        await tx.add_identity(a.identity())
        await tx.add_challenge(a.challenge())
        await tx.add_client(a.client())
        await tx.add_authorization(a.authorization())
        await tx.put_owner_limits(a.OWNER, Limits(), a.NOON)
        await tx.add_limit_change(limit_change())
        await tx.add_confirmation(confirmation())
        await tx.add_observations([Price("btc", Decimal("92064.153"), "1click", a.NOON)])
        await tx.put_answer(a.OWNER, "create_index", "r1", StoredAnswer("digest", "{}"), a.NOON)
        await tx.wake_checks([(a.OWNER, a.INDEX)], a.NOON, await tx.get_shard("idx"), planned=True)
        await tx.add_unit_values([first_unit_value(a.INDEX, a.OWNER, a.NOON)])
        await tx.put_meta("seed", "7")
        await tx.post(a.credited(5), a.NOON)
        await tx.post(a.credited(6, number=2), a.NOON)


async def run_python(script: str, *arguments: str) -> tuple[int, str]:
    """Run a script as another process, as this one sees the packages."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"import sys; sys.path[:] = {sys.path!r}\n{script}",
        *arguments,
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), timeout=PATIENCE)
    assert process.returncode is not None
    return process.returncode, output.decode()
