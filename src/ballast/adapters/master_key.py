"""The master key: given by the environment, or kept in a file; and how another takes its place."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import stat
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from ballast.core.forms import KEY_BYTES, key_written
from ballast.errors import BallastError, ErrorCode

FILE_NAME: Final = "master.key"

_NEXT: Final = f"{FILE_NAME}.next"
_LOCK: Final = f"{FILE_NAME}.lock"
_LOCK_SECONDS: Final = 10.0
_ID: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)
_ID_LABEL: Final = b"ballast master key id"
_MAX_FILE_BYTES: Final = 200
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)

RandomBytes = Callable[[int], bytes]


def id_of(key: bytes) -> str:
    """Which master key this is: a keyed hash that tells nothing about it."""
    return hmac.digest(key, _ID_LABEL, hashlib.sha256).hex()[:16]


class MasterKeyFile:
    """The file `master.key` of a data directory.

    A new key is written beside it, as `master.key.next`, before anything is encrypted under it, and
    moved into its place afterwards. Whoever finds keys encrypted under the next one, because a
    process was stopped in between, moves it. What was replaced is kept as `master.key.<id>`.
    """

    def __init__(self, directory: Path, random_bytes: RandomBytes) -> None:
        self._directory = directory
        self._random_bytes = random_bytes
        self._file = directory / FILE_NAME
        self._next = directory / _NEXT

    def is_at(self, path: Path) -> bool:
        """Whether a path leads to this file, through links of either kind too."""
        return path.exists() and self._file.exists() and path.samefile(self._file)

    def read(self, sealed_under: Collection[str]) -> bytes:
        """The key in use.

        Args:
            sealed_under: ids of the master keys that envelopes are encrypted under; a file is made
                only while there is none.

        Raises:
            BallastError: `keys_unavailable` if the file is missing while envelopes exist, or is not
                private, or holds no key.
        """
        if not os.path.lexists(self._file):
            if sealed_under:
                raise unavailable(
                    f"The master key file {FILE_NAME} is missing, and there are keys encrypted "
                    "under it. No new one is made."
                )
            _make_file(self._file, self._random_bytes)
        key = _read_file(self._file)
        if id_of(key) in sealed_under or not os.path.lexists(self._next):
            return key
        following = _read_file(self._next)
        if id_of(following) not in sealed_under:
            return key
        self.adopt(following)
        return following

    def next_key(self) -> bytes:
        """A key to come, on the disk already; one that was made before and not used is taken."""
        if not os.path.lexists(self._next):
            _make_file(self._next, self._random_bytes)
        return _read_file(self._next)

    def adopt(self, following: bytes) -> None:
        """Let the key to come take the present one's place, unless another process has done it.

        Raises:
            BallastError: `keys_unavailable` if the files cannot be changed.
        """
        from filelock import FileLock, Timeout

        try:
            with FileLock(self._directory / _LOCK, timeout=_LOCK_SECONDS, mode=0o600):
                present = _read_file(self._file)
                if present != following:
                    with contextlib.suppress(FileExistsError):
                        os.link(self._file, self._directory / f"{FILE_NAME}.{id_of(present)}")
                    self._next.rename(self._file)
                    _sync_directory(self._directory)
        except (OSError, Timeout):
            raise unavailable(f"The file {_NEXT} cannot take the place of {FILE_NAME}.") from None


def kept_key(directory: Path, master_key_id: str) -> tuple[Path, bytes] | None:
    """The master key of an id, with its file, if a folder has it: in use, to come, or replaced.

    Raises:
        BallastError: `keys_unavailable` when the file that is named after it cannot be used.
    """
    if not _ID.fullmatch(master_key_id):
        return None
    named = directory / f"{FILE_NAME}.{master_key_id}"
    found = [(named, _read_file(named))] if os.path.lexists(named) else []
    for path in (directory / FILE_NAME, directory / _NEXT):
        with contextlib.suppress(BallastError):
            found.append((path, _read_file(path)))
    return next((one for one in found if id_of(one[1]) == master_key_id), None)


def present_key(directory: Path) -> bytes | None:
    """The master key of a folder; None if there is none.

    Raises:
        BallastError: `keys_unavailable` when its file is not private, or holds no key.
    """
    file = directory / FILE_NAME
    return _read_file(file) if os.path.lexists(file) else None


def put_in_place(directory: Path, key: bytes, random_bytes: RandomBytes) -> None:
    """Make a key the master key of a folder that has none; one that is there stays."""
    _make_file(directory / FILE_NAME, random_bytes, key)


def given_key(text: str) -> bytes:
    """The key that a text stands for.

    Raises:
        BallastError: `settings_invalid` if it stands for none.
    """
    key = key_written(text)
    if key is None:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID,
            "BALLAST_MASTER_KEY must be 32 bytes, written as 64 hex digits or as base64.",
        )
    return key


def _make_file(path: Path, random_bytes: RandomBytes, key: bytes | None = None) -> None:
    """Write a key, a new one by default, beside the file and link it into place: whole or not at
    all, and never over a file that another process made meanwhile."""
    draft = path.with_name(f"{path.name}.{random_bytes(8).hex()}.new")
    try:
        _write_draft(draft, (key or random_bytes(KEY_BYTES)).hex() + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
        _sync_directory(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise unavailable(
            f"The master key file {path.name} cannot be made: {error.strerror}."
        ) from None


def _write_draft(draft: Path, text: str) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_file(path: Path) -> bytes:
    try:
        # Not through a link, and not waiting for the other end of a pipe.
        handle = os.open(path, os.O_RDONLY | _NO_LINK | _NO_WAIT)
    except OSError as error:
        reason = "it is a symbolic link" if path.is_symlink() else str(error.strerror)
        raise unavailable(f"The master key file {path.name} cannot be read: {reason}.") from None
    try:
        _check_private(os.fstat(handle), path.name)
        key = key_written(os.read(handle, _MAX_FILE_BYTES).decode("ascii", errors="replace"))
    finally:
        os.close(handle)
    if key is None:
        raise unavailable(f"The master key file {path.name} does not hold a key.")
    return key


def _check_private(found: os.stat_result, name: str) -> None:
    """Only a regular file that nobody but we can read or write."""
    if not stat.S_ISREG(found.st_mode):
        raise unavailable(f"The master key file {name} is no regular file.")
    if not hasattr(os, "geteuid"):
        return
    if found.st_uid != os.geteuid():
        raise unavailable(f"The master key file {name} belongs to another user.")
    if found.st_mode & 0o077:
        raise unavailable(
            f"Other users may read or write the master key file {name}. If nobody did, make "
            f"it private again: chmod 600 {name}"
        )


def unavailable(message: str, **details: object) -> BallastError:
    """The keys do not open."""
    return BallastError(ErrorCode.KEYS_UNAVAILABLE, message, **details)
