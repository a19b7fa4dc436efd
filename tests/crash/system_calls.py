"""Standing between a process and the kernel: each of its writes waits until somebody lets it pass.

A process installs a filter on itself (seccomp, user notification) and hands the listener to the
test. From then on each chosen system call of each of its threads stops before it happens, and the
test says what becomes of it: it goes on, it fails with an error, or the process dies first. Needs
Linux 5.9 or newer, no privileges and no tool. The numbers are those of seccomp_unotify(2) and its
headers.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

NEEDED = (
    "Crash tests stop a process at its system calls, with seccomp user notification. That needs "
    "Linux 5.9 or newer on x86_64 or aarch64, and a container that lets a process filter itself"
)

# Audit architecture, number of seccomp(2), and the numbers of the calls that change something
# outside the process (linux/audit.h, the kernel's syscall tables).
_WATCHED = {
    "x86_64": (0xC000003E, 317, {
        "write": 1, "pwrite64": 18, "writev": 20, "sendto": 44, "sendmsg": 46, "fsync": 74,
        "fdatasync": 75, "ftruncate": 77, "rename": 82, "link": 86, "unlink": 87, "unlinkat": 263,
        "renameat": 264, "linkat": 265, "pwritev": 296, "renameat2": 316,
    }),
    "aarch64": (0xC00000B7, 277, {
        "write": 64, "pwrite64": 68, "writev": 66, "sendto": 206, "sendmsg": 211, "fsync": 82,
        "fdatasync": 83, "ftruncate": 46, "unlinkat": 35, "renameat": 38, "linkat": 37,
        "pwritev": 70, "renameat2": 276,
    }),
}  # fmt: skip

_NO_NEW_PRIVILEGES = 38
_SET_FILTER, _NEW_LISTENER = 1, 1 << 3
_ALLOW, _ASK = 0x7FFF0000, 0x7FC00000
_LOAD, _EQUALS, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
# id, pid, flags, then the call: number, architecture, instruction pointer, six arguments.
_NOTIFICATION = struct.Struct("=QII iIQ6Q")
_ANSWER = struct.Struct("=QqiI")
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_GO_ON = 1


class Call(StrEnum):
    """What kind of call it is."""

    WRITE = "write"
    SYNC = "sync"
    SEND = "send"
    NAME = "rename, link or unlink"


_KINDS = {"fsync": Call.SYNC, "fdatasync": Call.SYNC, "sendto": Call.SEND, "sendmsg": Call.SEND}


@dataclass(frozen=True, slots=True)
class Stop:
    """A call that waits: what it is, and what it goes to."""

    notification: int
    pid: int
    name: str
    target: str
    arguments: tuple[int, ...]

    @property
    def kind(self) -> Call:
        """What kind of call it is; a name for all that change a directory."""
        if self.name in _KINDS:
            return _KINDS[self.name]
        return Call.WRITE if "write" in self.name or "truncate" in self.name else Call.NAME

    @property
    def opened(self) -> str:
        """The file as the process has it open, for whoever wants to write in its place."""
        return f"/proc/{self.pid}/fd/{self.arguments[0]}"


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("first", ctypes.POINTER(_Instruction)))


def _this_machine() -> tuple[int, int, dict[str, int]]:
    if sys.platform != "linux" or platform.machine() not in _WATCHED:
        raise RuntimeError(f"{NEEDED}; this is {sys.platform} on {platform.machine()}.")
    return _WATCHED[platform.machine()]


def watch_this_process(spared: int) -> int:
    """Let this thread, and all it will start, wait at each watched call; the listener.

    Args:
        spared: a file descriptor on which calls pass unasked, to send the listener away.

    Raises:
        RuntimeError: this machine does not allow it.
    """
    architecture, seccomp, numbers = _this_machine()
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUALS, 1, 0, architecture),
        (_RETURN, 0, 0, _ALLOW),
    ]
    steps += [(_LOAD, 0, 0, _FIRST_ARGUMENT_AT), (_EQUALS, 0, 1, spared), (_RETURN, 0, 0, _ALLOW)]
    steps += [(_LOAD, 0, 0, _NUMBER_AT)]
    for number in numbers.values():
        steps += [(_EQUALS, 0, 1, number), (_RETURN, 0, 0, _ASK)]
    steps += [(_RETURN, 0, 0, _ALLOW)]
    instructions = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    listener = libc.syscall(seccomp, _SET_FILTER, _NEW_LISTENER, ctypes.byref(program))
    if listener < 0:
        raise RuntimeError(f"{NEEDED}: {os.strerror(ctypes.get_errno())}.")
    return int(listener)


class Listener:
    """The other end: takes one waiting call after the other, and answers each."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._names = {number: name for name, number in _this_machine()[2].items()}

    def stops(self, patience: float) -> Iterator[Stop]:
        """Every call that waits, until the process has ended, or has made none for so many seconds.
        Each must be answered."""
        waiting = select.poll()
        waiting.register(self._descriptor, select.POLLIN)
        while True:
            events = waiting.poll(patience * 1000)
            if not events or not events[0][1] & select.POLLIN:
                return
            stop = self._take()
            if stop is not None:
                yield stop

    def _take(self) -> Stop | None:
        buffer = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._descriptor, _RECEIVE, buffer)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):  # its thread died meanwhile
                return None
            raise
        notification, pid, _, number, _, _, *arguments = _NOTIFICATION.unpack(buffer)
        name = self._names[number]
        return Stop(notification, pid, name, _target(pid, name, arguments), tuple(arguments))

    def let_pass(self, stop: Stop) -> None:
        """It happens."""
        self._answer(stop, 0, _GO_ON)

    def refuse(self, stop: Stop, error: int) -> None:
        """It does not happen, and fails with this error number."""
        self._answer(stop, -error, 0)

    def _answer(self, stop: Stop, error: int, flags: int) -> None:
        answer = bytearray(_ANSWER.pack(stop.notification, 0, error, flags))
        try:
            fcntl.ioctl(self._descriptor, _SEND, answer)
        except OSError as trouble:
            if trouble.errno != errno.ENOENT:  # nobody waits for it any more
                raise

    def close(self) -> None:
        """Whatever still waits fails with ENOSYS."""
        os.close(self._descriptor)


def _target(pid: int, name: str, arguments: list[int]) -> str:
    """The name of the file that a call changes; `tcp` for a connection over the network, `socket`
    for one within this machine."""
    if "rename" in name or "link" in name:
        at = 0 if name in ("rename", "link", "unlink") else 1
        return os.path.basename(_text(pid, arguments[at]))
    try:
        target = os.readlink(f"/proc/{pid}/fd/{arguments[0]}")
    except OSError:  # it was closed, or the process died, meanwhile
        return ""
    if target.startswith("socket:"):
        family = _family(pid, target)
        # One byte on a local socket is no message: a loop wakes itself with it.
        return "wake-up" if family == "socket" and arguments[2] == 1 else family
    return os.path.basename(target)


@cache
def _family(pid: int, socket: str) -> str:
    inode = socket.removeprefix("socket:[").removesuffix("]")
    return "tcp" if f" {inode} " in Path(f"/proc/{pid}/net/tcp").read_text() else "socket"


def read_memory(pid: int, address: int, length: int) -> bytes:
    """What another process has there."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(length)


def _text(pid: int, address: int) -> str:
    # A path lies in one page or runs into the next; only the first is sure to be there.
    page = os.sysconf("SC_PAGE_SIZE")
    found = read_memory(pid, address, page - address % page)
    if b"\0" not in found:
        found += read_memory(pid, address + len(found), page)
    return found.split(b"\0", 1)[0].decode(errors="replace")
