"""Runs a function in a real process of its own, and strikes it at a chosen system call.

The processes are forked from a server that has loaded Ballast once, so that each costs what its
work costs. Forked from it, a process shares nothing with any other but the code. A program that
has loaded all of it itself, and runs nothing beside, says so and is forked instead.
"""

from __future__ import annotations

import errno
import gc
import multiprocessing
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.crash.messages import asked
from tests.crash.system_calls import Call, Listener, Stop, read_memory, watch_this_process
from tests.e2e.machine import PATIENCE, stand_still

DATABASE = "ballast.sqlite"
FILES = (DATABASE, "master.key")
OURS = (*FILES, "tcp")
# The end of the name of memory that processes share; a machine starts without it.
SHARED_MEMORY = "-shm"
EVERYTHING = (*OURS, "devnet.sqlite")


class Blow(StrEnum):
    """What happens at the chosen call."""

    KILL = "killed before it"
    TEAR = "killed with half of it done"
    POWER = "power cut before it: what was not synced is gone"
    NO_SPACE = "ENOSPC from then on"
    IO_ERROR = "EIO from then on"
    IO_ERROR_ONCE = "EIO once"
    READ_ONLY = "EROFS from then on"
    STOP = "stopped before it, while something else happens, and then continued"


ERRORS = {
    Blow.NO_SPACE: errno.ENOSPC,
    Blow.IO_ERROR: errno.EIO,
    Blow.IO_ERROR_ONCE: errno.EIO,
    Blow.READ_ONLY: errno.EROFS,
}
LASTING = (Blow.NO_SPACE, Blow.IO_ERROR, Blow.READ_ONLY)
# The calls of which the first half can be done alone.
TORN = ("write", "pwrite64")
READY = b"ready"
KILLED = "killed"
_method = "forkserver"
Struck = tuple[Call, str]
# Sees a call before it happens, with its number, or 0 if it is not counted.
Witness = Callable[[Stop, int], None]


@dataclass(frozen=True, slots=True)
class Strike:
    """Where to strike: at the N-th counted call, N from 1; 0 is never.

    Attributes:
        at: which call.
        targets: beginnings of the names of files whose calls count; `tcp` is any connection.
        kinds: which kinds of call count.
        following: beginning of the name of a file: only the first call after each of its syncs
            counts.
        asking: only messages to Postgres that ask this count; see `asked`.
    """

    at: int = 0
    blow: Blow = Blow.KILL
    targets: tuple[str, ...] = OURS
    kinds: tuple[Call, ...] = tuple(Call)
    following: str = ""
    asking: str = ""

    def counts(self, kind: Call, target: str) -> bool:
        """Whether such a call is one of those that are counted."""
        return kind in self.kinds and target.startswith(self.targets)


@dataclass(frozen=True, slots=True)
class Run:
    """How it went.

    Attributes:
        struck: the call that was struck, as kind and target; None when none was.
        calls: how many calls were counted, by kind and target.
        answer: what the function gave back; None when it was killed or raised.
        trouble: what it raised, as text.
        seconds: real time from the start of the process to its end.
    """

    struck: Struck | None
    calls: Counter[Struck]
    answer: Any
    trouble: str
    seconds: float


@dataclass(slots=True)
class Disk:
    """What would be left of our files after a power cut: their content as of the last sync.

    Attributes:
        synced: content by path.
    """

    synced: dict[str, bytes] = field(default_factory=dict)
    pending: dict[int, tuple[str, bytes]] = field(default_factory=dict)

    def saw(self, stop: Stop) -> None:
        """A sync counts when its thread goes on to its next call."""
        if stop.pid in self.pending:
            path, content = self.pending.pop(stop.pid)
            self.synced[path] = content
        if stop.kind not in (Call.WRITE, Call.SYNC) or not stop.target.startswith(FILES):
            return
        path = os.readlink(stop.opened)
        if stop.kind is Call.SYNC:
            self.pending[stop.pid] = path, Path(path).read_bytes()
        if path not in self.synced:
            self.synced[path] = Path(path).read_bytes()

    def left(self) -> dict[str, bytes]:
        """What was on the disk, by path. A name is on it at once, and a log that SQLite has taken
        away may be there again."""
        return {
            path: content
            for path, content in self.synced.items()
            if not path.endswith(SHARED_MEMORY) and (DATABASE in path or Path(path).exists())
        }

    def lose_the_rest(self) -> None:
        """Put the files back to what was on the disk. Nobody may have them open."""
        for path, content in self.left().items():
            Path(path).write_bytes(content)
        for path in self.synced:
            if path.endswith(SHARED_MEMORY):
                Path(path).unlink(missing_ok=True)


def fork_this_process() -> None:
    """From now on, fork this process itself: it has one thread, and has loaded what they need."""
    global _method  # noqa: PLW0603 a choice of the whole program
    gc.freeze()
    _method = "fork"


def nothing() -> bool:
    """Happens when nothing else is to happen."""
    return True


class Child:
    """A function that runs in a process of its own; the end of the `with` block ends it."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, watched: bool) -> None:
        context: Any = multiprocessing.get_context(_method)
        if _method == "forkserver":
            context.set_forkserver_preload(["tests.crash.loaded"])
        self._control, control = socket.socketpair()
        self._answers, answers = context.Pipe(duplex=False)
        inside = (function, arguments, control if watched else None, answers)
        self._process = context.Process(target=_inside, args=inside, daemon=True)
        self._started = time.monotonic()
        self._process.start()
        control.close()
        answers.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join(PATIENCE)
        self._control.close()
        self._answers.close()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def stand_still(self) -> None:
        """Stop it, all of its threads: those that wait in a call as well, and make it anew when
        they go on."""
        assert self._process.pid is not None
        stand_still(self._process.pid)

    def strike(
        self,
        strike: Strike,
        meanwhile: Callable[[], bool] = nothing,
        witness: Witness | None = None,
    ) -> Run:
        """Let it run to its end, or to the call that is struck.

        Args:
            meanwhile: what happens while it is stopped; False if it cannot happen just then, and
                the process is to be stopped at its next call instead.
            witness: sees each call before it happens.
        """
        message, [descriptor], _, _ = socket.recv_fds(self._control, 500, 1)
        assert message == READY, message.decode()
        listener = Listener(descriptor)
        try:
            struck, calls = _Blows(self, strike, listener, meanwhile, witness).deal()
        finally:
            listener.close()
        return self.result(struck, calls)

    def result(self, struck: Struck | None = None, calls: Counter[Struck] | None = None) -> Run:
        """How it ended."""
        assert self._answers.poll(PATIENCE), "a process did not end in time"
        try:
            answer, trouble = self._answers.recv()
        except EOFError:
            self._process.join(PATIENCE)
            code = self._process.exitcode
            answer, trouble = None, KILLED if code == -signal.SIGKILL else f"exit code {code}"
        return Run(struck, calls or Counter(), answer, trouble, time.monotonic() - self._started)


def run(
    function: Callable[..., Any],
    *arguments: Any,
    strike: Strike | None = None,
) -> Run:
    """Run `function(*arguments)` in a process of its own; both are importable and picklable.

    Args:
        strike: where it is struck; without one it is not watched, and costs nothing more.
    """
    with Child(function, *arguments, watched=strike is not None) as child:
        return child.result() if strike is None else child.strike(strike)


def _inside(function: Any, arguments: Any, control: socket.socket | None, answers: Any) -> None:
    """The life of the process."""
    if control is not None:
        try:
            listener = watch_this_process(control.fileno())
        except RuntimeError as trouble:
            control.sendall(str(trouble).encode())
            raise
        socket.send_fds(control, [READY], [listener])
        os.close(listener)
    try:
        result = function(*arguments), ""
    except Exception as error:  # noqa: BLE001 whatever it is, the test is told
        result = None, f"{type(error).__name__}: {error}"
    answers.send(result)
    answers.close()


class _Blows:
    """Counts the calls of a process and deals the blow."""

    def __init__(
        self,
        child: Child,
        strike: Strike,
        listener: Listener,
        meanwhile: Callable[[], bool],
        witness: Witness | None,
    ) -> None:
        self._child = child
        self._strike = strike
        self._listener = listener
        self._meanwhile = meanwhile
        self._witness = witness
        self._followed = not strike.following
        self._disk = Disk()
        self._made_anew = 0
        self._calls = Counter[Struck]()

    def deal(self) -> tuple[Struck | None, Counter[Struck]]:
        """Until the process has ended: what was struck, and how many calls were counted."""
        struck: Struck | None = None
        for stop in self._listener.stops(PATIENCE):
            if stop.pid == self._made_anew:
                self._made_anew = 0
                self._listener.let_pass(stop)
                continue
            if self._strike.blow is Blow.POWER:
                self._disk.saw(stop)
            counted = self._is_counted(stop)
            if counted:
                self._calls[stop.kind, stop.target] += 1
            count = self._calls.total()
            if self._witness:
                self._witness(stop, count if counted else 0)
            if counted:
                again = struck and self._strike.blow in LASTING
                if again or (not struck and 0 < self._strike.at <= count):
                    if self._hit(stop):
                        struck = struck or (stop.kind, stop.target)
                    continue
            self._listener.let_pass(stop)
        if struck and self._strike.blow is Blow.POWER:
            self._disk.lose_the_rest()
        return struck, self._calls

    def _is_counted(self, stop: Stop) -> bool:
        following = self._strike.following
        if following and stop.kind is Call.SYNC and stop.target.startswith(following):
            self._followed = True
        if not (self._followed and self._strike.counts(stop.kind, stop.target)):
            return False
        if self._strike.asking and self._strike.asking != asked(stop):
            return False
        self._followed = not following
        return True

    def _hit(self, stop: Stop) -> bool:
        """Whether the blow was dealt."""
        if self._strike.blow is Blow.STOP:
            self._child.stand_still()
            happened = self._meanwhile()
            # A thread that was stopped in a call makes it anew: that is then no other call, and
            # what keeps the process from being stopped here may be waiting for its end.
            self._made_anew = stop.pid
            self._child.send(signal.SIGCONT)
            return happened
        if self._strike.blow in ERRORS:
            self._listener.refuse(stop, ERRORS[self._strike.blow])
            return True
        if self._strike.blow is Blow.TEAR and stop.name in TORN:
            _write_half(stop)
        self._child.send(signal.SIGKILL)
        return True


def half_of(stop: Stop) -> tuple[bytes, int]:
    """The first half of what a write is to write, and where; -1 is the end of the file."""
    _, address, length, offset, *_ = stop.arguments
    half = read_memory(stop.pid, address, length // 2)
    return half, offset if stop.name == "pwrite64" else -1


def _write_half(stop: Stop) -> None:
    """Do the first half of a write in the place of the process."""
    content, offset = half_of(stop)
    with open(stop.opened, "r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        os.pwrite(file.fileno(), content, end if offset < 0 else offset)
