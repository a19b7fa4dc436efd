"""What every test runs under: no network but loopback, no settings of the machine's owner."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from ballast.adapters.ethereum import eth_account

# Imported first of all, in the one way that puts the recursion limit back: with the one that a
# library below it sets, JSON of a hundred thousand brackets ends the process.
eth_account()
pytest_plugins = ["tests.postgres"]

# Every commit waits for the disk, and on a slow one that is most of a test's time. A file system in
# memory keeps the same promises to the processes that use it, and the crash tests bring a power cut
# of their own.
MEMORY = Path("/dev/shm")
ROOM = 2 * 2**30
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# A busy machine is not a failure; a failing example is printed so that it can be replayed.
settings.register_profile("ballast", deadline=None, print_blob=True)
settings.load_profile("ballast")


def is_here(address: Any) -> bool:
    """Whether a socket address stays on this machine (a path, or a loopback address)."""
    if not isinstance(address, tuple):
        return True
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return address[0] == "localhost"


def pytest_addoption(parser):
    parser.addoption(
        "--examples", type=int, default=2, help="how many requests a fuzzer makes of each kind"
    )


@pytest.fixture
def examples(request):
    """How many requests a fuzzer makes of each kind."""
    return request.config.getoption("--examples")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if not is_here(address):
            raise AssertionError(f"a test tried to reach {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    for name in [name for name in os.environ if name.startswith("BALLAST_")]:
        monkeypatch.delenv(name)
