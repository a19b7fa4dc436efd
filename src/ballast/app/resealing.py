"""Everything that a store keeps encrypted, brought under one master key, whichever opens it.

For a backup from before `ballast keys rotate`: what is put back is under the same master key as all
that comes after, so that nothing is ever mixed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar

from ballast.app.auditing import PURPOSE
from ballast.app.master_key import note_present_master_key
from ballast.app.notifying.addresses import resealed_channel
from ballast.app.ports import Reader, Resealer, Transaction
from ballast.app.webhooks.messages import resealed
from ballast.errors import BallastError

T = TypeVar("T")

AUDIT: Final = "the key of the audit"


@dataclass(slots=True)
class Resealed:
    """What has come of it.

    Attributes:
        indexes: names of those whose key does not open.
        others: what else does not, in words.
        changed: how many keys and secrets are under another master key now.
    """

    indexes: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    changed: int = 0

    @property
    def locked(self) -> tuple[str, ...]:
        """Everything that does not open."""
        return (*self.indexes, *self.others)


async def sealed_under(reader: Reader) -> set[str]:
    """Ids of the master keys that it takes to open everything."""
    secrets = [one.sealed for one in await reader.audit_keys()]
    secrets += [one.address for one in await reader.channels_of_all()]
    webhooks = await reader.webhooks_of_all()
    secrets += [one.secret for one in webhooks]
    secrets += [one.previous_secret for one in webhooks if one.previous_secret]
    return await reader.master_key_ids() | {one.partition(".")[0] for one in secrets}


async def reseal_everything(tx: Transaction, keys: Resealer) -> Resealed:
    """Encrypt what opens under the one master key; what does not open stays as it is."""
    done = Resealed()
    await _index_keys(tx, keys, done)
    await _audit_keys(tx, keys, done)
    await _receivers(tx, keys, done)
    if done.changed:
        await note_present_master_key(tx, keys.master_key_id)
    return done


async def _index_keys(tx: Transaction, keys: Resealer, done: Resealed) -> None:
    for owner_id, envelope in await tx.list_keys():
        fresh = _tried(partial(keys.reseal, envelope))
        if fresh is None:
            index = await tx.get_index(owner_id, envelope.index_id)
            done.indexes.append(index.name if index else envelope.index_id)
        elif fresh != envelope:
            await tx.replace_key(fresh)
            done.changed += 1


async def _receivers(tx: Transaction, keys: Resealer, done: Resealed) -> None:
    for webhook in await tx.webhooks_of_all():
        kept = _tried(partial(resealed, webhook, keys))
        if kept is None:
            done.others.append(f"the secret of webhook {webhook.webhook_id}")
        elif kept != webhook:
            await tx.save_webhook(kept, was=webhook.state)
            done.changed += 1
    for channel in await tx.channels_of_all():
        told = _tried(partial(resealed_channel, channel, keys))
        if told is None:
            done.others.append(f"the address of channel {channel.label}")
        elif told != channel:
            await tx.save_channel(told, was=channel)
            done.changed += 1


async def _audit_keys(tx: Transaction, keys: Resealer, done: Resealed) -> None:
    """Those of long ago may be lost for good; with none, the rows to come would have another."""
    kept = await tx.audit_keys()
    opened = 0
    for one in kept:
        sealed = _tried(partial(keys.reseal_secret, PURPOSE, one.sealed))
        if sealed is None:
            continue
        opened += 1
        if sealed != one.sealed:
            await tx.reseal_audit_key(replace(one, sealed=sealed))
            done.changed += 1
    if kept and not opened:
        done.others.append(AUDIT)


def _tried(open_it: Callable[[], T]) -> T | None:
    try:
        return open_it()
    except BallastError:
        return None
