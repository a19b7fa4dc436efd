"""Writing the audit: each row in the transaction of what it tells of, so that a crash leaves both
or neither."""

from __future__ import annotations

from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.operation import Caller, facts_of
from ballast.app.ports import Clock, Ids, Store, Transaction, Vault
from ballast.core.audit import (
    MAKE_KEY,
    AuditKey,
    AuditRecord,
    KeyedSeal,
    Seal,
    digest_of_earlier,
    facts_text,
)
from ballast.core.ids import LOCAL_OWNER, IdKind
from ballast.errors import BallastError, ErrorCode

log = structlog.get_logger(__name__)

DONE: Final = "done"
# The caller of what Ballast does by itself.
BALLAST: Final = "ballast"
# What a key is bound to in its envelope.
PURPOSE: Final = "audit"
_KEY_BYTES: Final = 32


async def audit(
    app: App,
    tx: Transaction,
    caller: Caller,
    what: str,
    reference: str,
    outcome: str = DONE,
    **facts: object,
) -> None:
    """Write a row of what is no operation.

    Args:
        what: the change, in the form of an operation's name.
        reference: the id of what was changed.
        outcome: `done`, or the code of a refusal.
        facts: what else is to be known of it; no text that came from outside.
    """
    record = AuditRecord(
        audit_id=app.ids.new(IdKind.AUDIT),
        owner_id=caller.owner_id,
        at=app.clock.now(),
        operation=what,
        caller=caller.face,
        input_digest="",
        outcome=outcome,
        reference=reference,
        credential_id=caller.credential_id,
        facts=facts_text(facts),
    )
    await tx.add_audit(record, app.audit_seal)


async def audit_limit(
    app: App, tx: Transaction, refusal: BallastError, owner_id: str, index_id: str, attempt: str
) -> None:
    """Write a row of what a limit kept Ballast from doing by itself; of other refusals none."""
    if refusal.code is ErrorCode.LIMIT_EXCEEDED:
        caller, facts = Caller(owner_id, BALLAST), facts_of(refusal, None)
        await audit(app, tx, caller, attempt, index_id, refusal.code.value, **facts)


async def open_seal(store: Store, vault: Vault, ids: Ids, clock: Clock) -> Seal:
    """The key that rows are hashed with from now on: the newest that opens under the master key.

    It is one of its own, so that another master key only encrypts it anew, and every row stays as
    it was. Where none opens, one is made: what was hashed under another can then not be checked,
    and `ballast audit verify` says so.
    """
    async with store.read_once() as reader:
        kept = await reader.audit_keys()
    seals = opened(vault, kept)
    if not seals:
        if kept:
            log.warning("audit_key_does_not_open", made_anew=True)
        return await _made(store, vault, ids, clock)
    return list(seals.values())[-1]


def opened(vault: Vault, kept: list[AuditKey]) -> dict[str, Seal]:
    """Those keys that open under the present master key, by id, in the same order."""
    found: dict[str, Seal] = {}
    for one in kept:
        try:
            seal = KeyedSeal(bytes.fromhex(vault.unseal(PURPOSE, one.sealed)))
        except BallastError:
            continue
        # Another's envelope under a key's id opens nothing.
        if seal.key_id == one.key_id:
            found[one.key_id] = seal
    return found


def opened_keys(vault: Vault, kept: list[AuditKey]) -> list[AuditKey]:
    """Those keys as they are kept."""
    seals = opened(vault, kept)
    return [one for one in kept if one.key_id in seals]


async def _made(store: Store, vault: Vault, ids: Ids, clock: Clock) -> Seal:
    """Make a key, and begin with it by saying what there is from before."""
    key = ids.random_bytes(_KEY_BYTES)
    seal = KeyedSeal(key)
    async with store.transaction() as tx:
        # Another process may have been faster.
        others = opened(vault, await tx.audit_keys())
        if others:
            return list(others.values())[-1]
        await tx.add_audit_key(AuditKey(seal.key_id, vault.seal(PURPOSE, key.hex()), clock.now()))
        rows, digest = digest_of_earlier(await tx.audit_before_chains())
        record = AuditRecord(
            audit_id=ids.new(IdKind.AUDIT),
            owner_id=LOCAL_OWNER,
            at=clock.now(),
            operation=MAKE_KEY,
            caller=BALLAST,
            input_digest="",
            outcome=DONE,
            reference=seal.key_id,
            facts=facts_text({"earlier_rows": rows, "earlier_digest": digest}),
        )
        await tx.add_audit(record, seal)
    return seal
