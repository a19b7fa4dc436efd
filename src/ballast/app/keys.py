"""An index's key as a file of the owner's own: for a backup, or to leave with it.

Not operations: no conversation can reach them. The command line does, on a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.master_key import require_present_master_key
from ballast.app.naming import no_such_index
from ballast.app.operation import Caller
from ballast.app.ports import KeyEnvelope, Reader
from ballast.errors import BallastError, ErrorCode

MIN_PASSWORD: Final = 10


async def export_key(app: App, owner_id: str, index_id: str, password: str) -> dict[str, Any]:
    """The key of an index as a standard v3 keystore.

    Raises:
        BallastError: `not_found`, `invalid_input` for a short password, `keys_unavailable`.
    """
    if len(password) < MIN_PASSWORD:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"The password has fewer than {MIN_PASSWORD} characters.",
            problems=[{"field": "password", "problem": f"needs at least {MIN_PASSWORD}"}],
        )
    envelope = await _envelope(app, owner_id, index_id)
    keystore = app.vault.export_keystore(envelope, password)
    async with app.store.transaction() as tx:
        await audit(app, tx, Caller(owner_id, "cli"), "keys_export", index_id)
    return keystore


async def import_key(
    app: App, owner_id: str, index_id: str, keystore: Mapping[str, Any], password: str
) -> str:
    """Put a key back into its index, encrypted under the present master key; the account's id.

    Raises:
        BallastError: `not_found`, `invalid_input` when it is no keystore, the password is wrong,
            or the key is another account's.
    """
    present = await _envelope(app, owner_id, index_id)
    fresh = app.vault.import_keystore(index_id, keystore, password)
    if fresh.account_id != present.account_id:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "This keystore holds the key of another account than this index's.",
            problems=[{"field": "keystore", "problem": f"must be of {present.account_id}"}],
        )
    async with app.store.transaction() as tx:
        await require_present_master_key(tx, fresh.master_key_id)
        await tx.replace_key(fresh)
        await audit(
            app, tx, Caller(owner_id, "cli"), "keys_import", index_id, account=fresh.account_id
        )
    return fresh.account_id


async def require_key(app: App, reader: Reader, index_id: str) -> None:
    """Nothing is started that could not be signed.

    Raises:
        BallastError: `keys_unavailable` when the key of the index is under another master key.
    """
    envelope = await reader.get_key(index_id)
    if envelope is None or not app.vault.can_open(envelope):
        raise BallastError(
            ErrorCode.KEYS_UNAVAILABLE,
            "The key of this index does not open under the present master key.",
            index_id=index_id,
        ).advising(
            "ballast verify, in a terminal, names the master key that it needs, whether a file "
            "here holds it, and what to do."
        )


async def _envelope(app: App, owner_id: str, index_id: str) -> KeyEnvelope:
    async with app.store.read() as reader:
        if await reader.get_index(owner_id, index_id) is None:
            raise no_such_index(index_id)
        envelope = await reader.get_key(index_id)
    if envelope is None:
        raise BallastError(ErrorCode.KEYS_UNAVAILABLE, "This index has no key in the store.")
    return envelope
