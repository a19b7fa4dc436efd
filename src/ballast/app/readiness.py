"""Whether real money may be touched: what must be there first, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ballast.app.ports import Store, Vault
from ballast.errors import BallastError, ErrorCode

_VERIFIED: Final = "key_backup_verified"


async def verify_backup(store: Store, vault: Vault, file: Path, text: str) -> None:
    """Check that a copy of the master key is one, and remember that it was seen.

    Args:
        file: where the copy is.
        text: what the file holds.

    Raises:
        BallastError: `invalid_input` when it is not the key in use, or the file in use itself.
    """
    if vault.is_own_file(file):
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "This is the master key file in use itself, or a link to it, and no copy: copy it to "
            "a safe place, then give that copy.",
            problems=[{"field": "backup", "problem": "must be a copy of master.key"}],
        )
    if not vault.is_backup(text):
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "This is not a copy of the master key in use.",
            problems=[{"field": "backup", "problem": f"must hold the key {vault.master_key_id}"}],
        )
    async with store.transaction() as tx:
        await tx.put_meta(_VERIFIED, vault.master_key_id)


async def require_live_ready(store: Store, vault: Vault, missing: list[str]) -> None:
    """Refuse to open in live mode while something is missing; everything missing at once.

    Args:
        missing: what the settings lack, as sentences.

    Raises:
        BallastError: `settings_invalid`.
    """
    async with store.read() as reader:
        seen = await reader.get_meta(_VERIFIED)
    problems = list(missing)
    if seen != vault.master_key_id:
        problems.append(
            "No backup of the master key has been checked: copy it to a safe place, then run "
            "ballast keys verify-backup with that copy."
        )
    if problems:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID,
            "Live mode is not ready. " + " ".join(problems),
            problems=problems,
        )
