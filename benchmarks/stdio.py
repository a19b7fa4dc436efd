"""A client that costs next to nothing: lines on a server's pipes.

The official client takes about as long over a call as a bare server does: what is timed through it
is in good part the client.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from types import TracebackType
from typing import IO, Any, Self

BARE = "benchmarks.bare_server"
ROOT = Path(__file__).parents[1]
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "benchmarks", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Server:
    """A server as a subprocess, and the time at which it was started."""

    def __init__(
        self, *words: str, data_dir: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.begun = perf_counter()
        self._asked = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env=_environment(data_dir) | dict(settings or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._out, self._in = _opened(self._process.stdin), _opened(self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._out.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._in.close()

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()
        self._out.close()
        self._in.close()

    def request(self, method: str, **params: Any) -> bytes:
        """A request's line, which is not part of what is timed."""
        self._asked += 1
        body = {"jsonrpc": "2.0", "id": self._asked, "method": method}
        return json.dumps({**body, "params": {"_meta": META, **params}}).encode() + b"\n"

    def exchange(self, line: bytes) -> bytes:
        """Send a line and wait for the next one."""
        self._out.write(line)
        self._out.flush()
        return self._in.readline()

    def seconds(self, tool: str, arguments: dict[str, Any]) -> float:
        """How long one call of a tool takes, from the first byte to the last."""
        line = self.request("tools/call", name=tool, arguments=arguments)
        begun = perf_counter()
        answer = self.exchange(line)
        taken = perf_counter() - begun
        assert b'"isError":true' not in answer, answer[:500]
        return taken

    def tools(self) -> list[dict[str, Any]]:
        """The list of tools."""
        listed: list[dict[str, Any]] = _result(self.exchange(self.request("tools/list")))["tools"]
        return listed

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The answer of a tool; a refusal ends the benchmark."""
        line = self.request("tools/call", name=tool, arguments=arguments)
        result = _result(self.exchange(line))
        answer: dict[str, Any] = result["structuredContent"]
        assert not result.get("isError"), answer
        return answer

    def follow(self, handle: str, pause: float = 0.05) -> dict[str, Any]:
        """Ask get_progress until something is done; its last answer."""
        while not (progress := self.call("get_progress", id=handle))["done"]:
            sleep(pause)
        return progress

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def processor_seconds(self) -> float:
        """What the process has used of processors so far, with that of the kernel for it."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """The resident memory of the process now."""
        pages = Path(f"/proc/{self._process.pid}/statm")
        if pages.exists():
            return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        shown = subprocess.check_output(["ps", "-o", "rss=", "-p", str(self._process.pid)])
        return int(shown) * 1024


def ballast(data_dir: Path, settings: Mapping[str, str] | None = None) -> Server:
    """The real server on a data directory."""
    return Server("ballast", "mcp", data_dir=data_dir, settings=settings)


@contextmanager
def both(data_dir: Path) -> Iterator[tuple[Server, Server]]:
    """The bare server and ours, side by side."""
    with Server(BARE) as bare, ballast(data_dir) as ours:
        yield bare, ours


def _environment(data_dir: Path | None) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("BALLAST_")}
    where = {} if data_dir is None else {"BALLAST_DATA_DIR": str(data_dir)}
    return own | where | {"BALLAST_LOG_LEVEL": "error"}


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _result(line: bytes) -> dict[str, Any]:
    message = json.loads(line)
    assert "result" in message, message
    result: dict[str, Any] = message["result"]
    return result
