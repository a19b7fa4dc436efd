"""The second chance of `make test`: for accidents of the machine, and for nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.run_tests import may_be_an_accident

ROOT = Path(__file__).parents[2]
ONCE = """
from pathlib import Path
def test_it():
    tries = Path({tries!r})
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    assert len(tries.read_text()) {passes}
"""


@pytest.fixture
def run(tmp_path):
    """Runs one test of a project of its own; gives the exit code, and how often it was run."""

    def ran(folder, passes):
        tries = tmp_path / "tries"
        file = tmp_path / folder / "test_one.py"
        file.parent.mkdir(parents=True)
        file.write_text(ONCE.format(tries=str(tries), passes=passes))
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        # Other plugins have nothing to do here, and take long to load.
        only_xdist = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p xdist"}
        ended = subprocess.run(
            [sys.executable, "-m", "tools.run_tests", folder],
            cwd=tmp_path,
            env=inherited | only_xdist | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        return ended.returncode, len(tries.read_text()), ended.stdout

    return ran


def test_what_fails_once_beside_others_passes_after_three_times_alone_and_is_named(run):
    code, times, said = run("tests/e2e", "> 1")

    assert (code, times) == (0, 4)
    assert "passed alone, to be looked into:\ntests/e2e/test_one.py::test_it" in said


def test_what_fails_once_more_when_alone_has_failed(run):
    assert run("tests/e2e", "in (2, 4)")[:2] == (1, 3)


@pytest.mark.parametrize(
    "failed",
    [
        ["tests/core/test_money.py::test_it"],
        ["tests/e2e/test_serve.py::test_it", "tests/simulation/test_seeds.py::test_it[1]"],
        [f"tests/e2e/test_serve.py::test_it[{number}]" for number in range(4)],
        [],
    ],
)
def test_what_depends_on_nothing_outside_and_what_is_many_has_no_second_chance(failed):
    assert not may_be_an_accident(failed)


def test_what_passes_is_run_once(run):
    assert run("tests/e2e", "> 0")[:2] == (0, 1)
