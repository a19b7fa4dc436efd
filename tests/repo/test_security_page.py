"""SECURITY.md promises nothing by a test that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_test_that_a_promise_leans_on_exists():
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))
    }
    named = set(re.findall(r"`(test_\w+)`", PAGE))

    assert len(named) > 30
    assert named - there == set()


def test_every_file_that_a_promise_leans_on_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)`", PAGE)

    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
