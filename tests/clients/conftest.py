from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.clients.page import PUBLIC, commands, exports
from tests.clients.tunnel import Tunnel
from tests.e2e.machine import PATIENCE, Machine


@dataclass(frozen=True, slots=True)
class Served:
    """Somebody's machine on which `ballast serve` runs: where it listens, and a key for it."""

    machine: Machine
    url: str
    key: str

    @property
    def home(self) -> str:
        """The person's HOME; by command Ballast finds the same files below it."""
        return self.machine.environment["HOME"]

    def index_id(self, name: str) -> str:
        """The id of an index, as the machine's owner sees it."""
        answer = httpx.get(
            f"{self.url}/api/indexes/{name}",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=PATIENCE,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["index_id"])


def machine_of_somebody_new(home: Path, settings: Mapping[str, str]) -> Machine:
    """Nothing but an empty HOME; the paper world is quick."""
    own = {"HOME": str(home), "BALLAST_MARKET_SPEED": "20"}
    return Machine(home / ".local/share/ballast", own | dict(settings))


@contextmanager
def served(home: Path, settings: Mapping[str, str] | None = None) -> Iterator[Served]:
    """`ballast serve` on a free port, with the key that the page makes for a GPT."""
    machine = machine_of_somebody_new(home, settings or {})
    [making_a_key] = commands("gpt-key")
    key = machine.ask(*making_a_key)["api_key"]
    with machine.started("serve", "--port", "0") as process:
        assert process.stderr is not None
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        line = process.stderr.readline()
        timer.cancel()
        listens = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert listens, line
        yield Served(machine, listens[0], key)


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Served]:
    """One server for all examples, set up as the page says for others to reach it."""
    with served(tmp_path_factory.mktemp("home"), exports("address") | exports("connector")) as one:
        yield one


@pytest.fixture
def outside(server) -> Iterator[httpx.Client]:
    """A client elsewhere, for which there is only the public address."""
    with httpx.Client(transport=Tunnel(PUBLIC, server.url)) as client:
        yield client
