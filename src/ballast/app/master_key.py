"""Another master key for everything that is encrypted under the present one.

Not an operation: no conversation can reach it. The command line does, on a terminal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ballast.app.app import App
from ballast.app.auditing import PURPOSE, audit, opened_keys
from ballast.app.notifying.addresses import resealed_channel
from ballast.app.operation import Caller
from ballast.app.ports import Reader, Transaction
from ballast.app.webhooks.messages import resealed
from ballast.errors import BallastError, ErrorCode

_PRESENT: Final = "master_key_id"


async def rotate_master_key(app: App, text: str | None = None) -> int:
    """Encrypt every key and secret under another master key, all at once; how many keys there are.

    It may be stopped anywhere and called again: before the commit nothing has changed, after it
    whoever starts next puts the new key in place.

    Args:
        text: the new master key where it is given from outside; a file gets a random one.

    Raises:
        BallastError: `invalid_input` when the text is no other key; `keys_unavailable` when a key
            does not open, and then none is changed.
    """
    rotation = app.vault.begin_rotation(text)
    async with app.store.transaction() as tx:
        keys = await tx.list_keys()
        for owner_id, envelope in keys:
            if envelope.master_key_id != rotation.master_key_id:
                await tx.replace_key(rotation.reseal(envelope))
                caller, master = Caller(owner_id, "cli"), rotation.master_key_id
                await audit(app, tx, caller, "keys_rotate", envelope.index_id, master_key_id=master)
        for kept in opened_keys(app.vault, await tx.audit_keys()):
            sealed = rotation.reseal_secret(PURPOSE, kept.sealed)
            await tx.reseal_audit_key(replace(kept, sealed=sealed))
        for webhook in await tx.webhooks_of_all():
            await tx.save_webhook(resealed(webhook, rotation), was=webhook.state)
        for channel in await tx.channels_of_all():
            await tx.save_channel(resealed_channel(channel, rotation), was=channel)
        await note_present_master_key(tx, rotation.master_key_id)
    rotation.finish()
    return len(keys)


async def note_present_master_key(tx: Transaction, master_key_id: str) -> None:
    """From the commit on nothing is stored under another master key."""
    await tx.put_meta(_PRESENT, master_key_id)


async def require_present_master_key(tx: Transaction, master_key_id: str) -> None:
    """Nothing is stored under a master key that was replaced since this process read it.

    Raises:
        BallastError: `keys_unavailable`.
    """
    present = await tx.get_meta(_PRESENT)
    if present not in (None, master_key_id):
        raise BallastError(
            ErrorCode.KEYS_UNAVAILABLE,
            "The master key was replaced. Call again; if this stays, give this process the new one "
            "in BALLAST_MASTER_KEY.",
            needed=present,
            present=master_key_id,
        )


async def master_keys_in_use(reader: Reader) -> set[str]:
    """Ids of the master keys that something is, or is to be, encrypted under; the key file that
    has one of them is the right one. Empty as long as there is nothing."""
    present = await reader.get_meta(_PRESENT)
    of_secrets = {one.sealed_under for one in await reader.webhooks_of_all()}
    of_secrets |= {one.sealed_under for one in await reader.channels_of_all()}
    return await reader.master_key_ids() | of_secrets | ({present} if present else set())
