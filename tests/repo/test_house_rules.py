"""Each house rule fires on the code it is there to stop, and lets the right code pass."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import house_rules
from tools.house_rules import check_source, check_tree

ROOT = Path(__file__).resolve().parents[2]


def ruff_says(path: str, source: str) -> str:
    """What ruff, with this project's settings, finds in a text that would lie at `path`."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise"]
    done = subprocess.run(
        [*command, "--stdin-filename", path, "-"],
        input=source,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def rules_broken(path: str, source: str) -> list[str]:
    return [breach.rule for breach in check_source(Path(path), source)]


@pytest.mark.parametrize(
    ("imports", "expression"),
    [
        ("from datetime import UTC, datetime", "datetime.now(UTC)"),
        ("import datetime", "datetime.datetime.now(datetime.UTC)"),
        ("from datetime import date", "date.today()"),
        ("import time", "time.time()"),
        ("from time import time_ns", "time_ns()"),
        ("import time as clock", "clock.monotonic()"),
        ("import time", "time.sleep(1)"),
        ("import random", "random.random()"),
        ("from random import Random", "Random(1)"),
        ("import secrets", "secrets.token_bytes(16)"),
        ("import os", "os.urandom(8)"),
        ("import uuid", "uuid.uuid4()"),
        ("from ulid import ULID", "ULID()"),
    ],
)
@pytest.mark.parametrize("place", ["core/money.py", "app/engine.py", "faces/mcp/server.py"])
def test_reading_the_clock_or_drawing_a_number_is_refused(place, imports, expression):
    source = f'"""Sample."""\n\n{imports}\n\nVALUE = {expression}\n'

    found = ruff_says(f"src/ballast/{place}", source)

    assert "TID251" in found
    assert "House rule 1" in found


def test_the_clock_adapter_may_read_the_clock():
    source = '"""Sample."""\n\nfrom datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n'

    assert "House rule" not in ruff_says("src/ballast/adapters/local.py", source)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ('print("hello")\n', "T201"),
        ("import sys\n\nsys.stdout.write('hello')\n", "TID251"),
        ("from sys import stdout\n\nstdout.write('hello')\n", "TID251"),
    ],
)
def test_writing_to_stdout_is_refused(source, code):
    found = ruff_says("src/ballast/app/engine.py", f'"""Sample."""\n\n{source}')

    assert f" {code} " in found


@pytest.mark.parametrize(
    "source",
    [
        "from rich.console import Console\n",
        "from rich import print\n",
        "import rich\n",
        "import typer\n\ntyper.echo('hello')\n",
    ],
)
def test_a_console_is_refused_but_where_stdout_is_ours(source):
    assert rules_broken("src/ballast/adapters/http/client.py", source) == ["HR3"]
    assert rules_broken("src/ballast/demo/story.py", source) == []


@pytest.mark.parametrize(
    "source",
    [
        "FEE = 0.002\n",
        "def fee(value: float) -> None: ...\n",
        "value = float('1.5')\n",
        "half = 1 / 2\n",
        "half = 1\nhalf /= 2\n",
        "unit = 10**-8\n",
        "import math\n\nroot = math.sqrt(2)\n",
        "from math import log\n",
        "wave = 1j\n",
    ],
)
def test_a_float_is_refused_where_money_is_computed(source):
    assert rules_broken("src/ballast/core/money.py", source) == ["HR2"]
    assert rules_broken("src/ballast/core/planning/exact.py", source) == ["HR2"]


@pytest.mark.parametrize("path", ["src/ballast/core/screen.py", "src/ballast/demo/chart.py"])
def test_a_float_may_be_used_where_nothing_is_traded_by_it(path):
    assert rules_broken(path, "share = 1 / 3.0\n") == []


def test_exact_arithmetic_passes():
    source = (
        "import math\nfrom decimal import Decimal\nfrom fractions import Fraction\n\n"
        "a = math.isqrt(17) + 7 // 2 + 10**18\n"
        "b = Fraction(1, 3) * Decimal('0.5').as_integer_ratio()[0]\n"
    )

    assert rules_broken("src/ballast/core/money.py", source) == []


@pytest.mark.parametrize(
    "comment",
    ["# noqa", "# noqa: TID251", "# noqa: E501, T201", "# ruff: noqa", "# ruff: noqa: DTZ005"],
)
def test_a_house_rule_cannot_be_switched_off_by_a_comment(comment):
    assert rules_broken("src/ballast/app/engine.py", f"value = 1  {comment}\n") == ["HR1"]


def test_other_rules_of_lint_may_be_silenced_with_their_code():
    assert rules_broken("src/ballast/app/engine.py", "value = 1  # noqa: S105\n") == []


def test_a_breach_names_its_file_and_line(tmp_path, monkeypatch, capsys):
    place = tmp_path / "src/ballast/core"
    place.mkdir(parents=True)
    (place / "fees.py").write_text("FEE = 1\nSHARE = 0.5\n", encoding="utf-8")
    monkeypatch.setattr(house_rules, "ROOT", tmp_path)

    status = house_rules.main()

    assert status == 1
    assert re.match(r"src/ballast/core/fees\.py:2: HR2 ", capsys.readouterr().err)


def test_the_package_keeps_its_rules():
    assert [str(breach) for breach in check_tree(ROOT)] == []


def test_every_exception_to_a_house_rule_is_a_file_that_exists():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    ignores = settings["tool"]["ruff"]["lint"]["per-file-ignores"]

    exceptions = [path for path, codes in ignores.items() if "TID251" in codes and "*" not in path]

    assert exceptions
    assert [path for path in exceptions if not (ROOT / path).is_file()] == []
