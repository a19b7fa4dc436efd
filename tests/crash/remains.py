"""What a crash at each call of one run would leave behind: taken down while the call waits.

A process that dies leaves its files, and nothing else. They do not change while its calls wait for
an answer, so one run shows what a crash at any of its calls leaves: what is there now; that, with
half of the write done; what is synced, beside the devnet's files, which do not lose anything.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crash.supervisor import SHARED_MEMORY, TORN, Blow, Disk, half_of
from tests.crash.system_calls import Call, Stop

DATABASE_END = ".sqlite"
# What SQLite keeps beside a database until it is whole again.
BESIDE = ("-wal", "-journal")
Files = Mapping[str, bytes]


@dataclass(slots=True)
class Remains:
    """The files of a directory as each crash would leave them.

    Attributes:
        directory: where the process works; nobody else does.
    """

    directory: Path
    _now: dict[str, bytes] = field(default_factory=dict)
    _moving: dict[int, str] = field(default_factory=dict)
    _disk: Disk = field(default_factory=Disk)

    def look(self, stop: Stop) -> None:
        """Take down what is there before a call happens. To be told of every call."""
        self._disk.saw(stop)
        # A thread that makes its next call has ended the one before; those of others may go on.
        changed = set(self._moving.values())
        self._moving.pop(stop.pid, None)
        if stop.kind is Call.NAME:
            self._moving[stop.pid] = ""
        elif stop.kind is Call.WRITE:
            self._moving[stop.pid] = stop.target
        self._now = {name: self._read(name, changed) for name in self._names() if _survives(name)}

    def _names(self) -> Iterator[str]:
        for folder, _, names in os.walk(self.directory):
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), self.directory)

    def _read(self, name: str, changed: set[str]) -> bytes:
        known = self._now.get(name)
        if known is None or "" in changed or os.path.basename(name) in changed:
            return (self.directory / name).read_bytes()
        return known

    def after(self, blow: Blow, stop: Stop) -> Files | None:
        """The files after a blow at this call; None where there is no such blow."""
        if blow is Blow.TEAR:
            return self._torn(stop)
        if blow is Blow.POWER:
            return self._now | {
                os.path.relpath(path, self.directory): content
                for path, content in self._disk.left().items()
            }
        return self._now

    def _torn(self, stop: Stop) -> Files | None:
        if stop.name not in TORN:
            return None
        name = os.path.relpath(os.readlink(stop.opened), self.directory)
        if name not in self._now:
            return self._now
        content = bytearray(self._now[name])
        half, offset = half_of(stop)
        start = len(content) if offset < 0 else offset
        content.extend(bytes(max(start - len(content), 0)))
        content[start : start + len(half)] = half
        return self._now | {name: bytes(content)}


def _survives(name: str) -> bool:
    return not name.endswith(SHARED_MEMORY)


def files_of(directory: Path) -> Files:
    """What is there, when nobody works there any more."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and _survives(path.name)
    }


def put(files: Files, directory: Path) -> Path:
    """Write them into an empty or missing directory, for its owner alone."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(0o600)
        path.write_bytes(content)
    return directory


class Eyes:
    """Tells what Ballast would find: two crashes that leave the same are one.

    Of a database that is what SQLite reads from it, with the log or journal beside it: it repairs
    what was broken off before anybody sees it. Everything else is its bytes.
    """

    def __init__(self) -> None:
        self._seen: dict[bytes, bytes] = {}

    def digest(self, files: Files) -> bytes:
        """The same for the same."""
        whole = hashlib.blake2b()
        for name in sorted(files):
            if not name.endswith(BESIDE):
                whole.update(name.encode() + b"\0" + self._content(name, files))
        return whole.digest()

    def _content(self, name: str, files: Files) -> bytes:
        own = {one: files[one] for one in (name, *(name + end for end in BESIDE)) if one in files}
        raw = hashlib.blake2b()
        for one, content in own.items():
            raw.update(f"{one} {len(content)} ".encode() + content)
        if not name.endswith(DATABASE_END):
            return raw.digest()
        if raw.digest() not in self._seen:
            self._seen[raw.digest()] = _as_read(name, own) or raw.digest()
        return self._seen[raw.digest()]


def _as_read(name: str, files: Files) -> bytes | None:
    """A digest of the pages that SQLite reads; None if it cannot."""
    with TemporaryDirectory(prefix="ballast-eyes-", dir=quick_place()) as place:
        file = put(files, Path(place)) / name
        with closing(sqlite3.connect(file)) as database:
            try:
                return hashlib.blake2b(database.serialize()).digest()
            except sqlite3.Error:
                return None


def quick_place() -> Path | None:
    """Where files are only memory, if this machine has such a place."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else None
