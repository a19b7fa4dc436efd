"""The import contracts refuse what they should, tried on a package of the same shape."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "__init__",
    "__main__",
    "errors",
    "settings",
    "bootstrap/__init__",
    "demo/__init__",
    "core/__init__",
    "core/money",
    "core/screen",
    "app/__init__",
    "app/engine",
    "faces/__init__",
    "faces/mcp",
    "adapters/__init__",
    "adapters/http/__init__",
    "adapters/http/client",
    "adapters/vault",
    "adapters/store/__init__",
    "adapters/store/tables",
    "devnet/__init__",
    "devnet/books",
)


@pytest.fixture
def contracts_hold(tmp_path):
    """Writes a package with one import added, and says whether every contract is kept."""
    for name in MODULES:
        file = tmp_path / "ballast" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("", encoding="utf-8")

    def check(module: str, statement: str) -> bool:
        (tmp_path / "ballast" / f"{module}.py").write_text(f"{statement}\n", encoding="utf-8")
        program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
        done = subprocess.run(
            [sys.executable, "-c", program, "--no-cache", "--config", str(ROOT / "pyproject.toml")],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            check=False,
        )
        assert "Contracts:" in done.stdout, done.stdout + done.stderr
        return done.returncode == 0

    return check


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("app/engine", "from ballast.core import money"),
        ("adapters/http/client", "import httpx"),
        ("adapters/store/tables", "import sqlalchemy"),
        ("core/screen", "import numpy"),
        ("bootstrap/__init__", "from ballast import adapters, devnet, faces"),
    ],
)
def test_an_import_downwards_is_allowed(contracts_hold, module, statement):
    assert contracts_hold(module, statement)


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("core/money", "from ballast.app import engine"),
        ("core/money", "import pydantic"),
        ("core/money", "import time"),
        ("core/money", "import numpy"),
        ("app/engine", "from ballast import adapters"),
        ("app/engine", "import httpx"),
        ("app/engine", "import sqlalchemy"),
        ("faces/mcp", "from ballast.adapters import vault"),
        ("adapters/vault", "from ballast.devnet import books"),
        ("adapters/vault", "import httpx"),
        ("adapters/vault", "import jwt"),
        ("app/engine", "import argon2"),
        ("app/engine", "import opentelemetry"),
        ("devnet/books", "from ballast.core import money"),
        ("devnet/books", "from ballast import errors"),
        ("demo/__init__", "import httpx"),
        ("stray", "X = 1"),
    ],
)
def test_any_other_is_refused(contracts_hold, module, statement):
    assert not contracts_hold(module, statement)
