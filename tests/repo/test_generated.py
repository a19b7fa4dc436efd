"""Pages made from code are current, and an old one is noticed."""

from __future__ import annotations

import pytest

from ballast.core.states import MACHINES
from ballast.errors import ERRORS
from tools.generate import GENERATED, stale, write
from tools.pages import errors_page, states_page

NAMES = [name for name, _ in GENERATED]


def test_a_missing_page_is_noticed_and_written(tmp_path):
    assert stale(tmp_path) == NAMES
    assert write(tmp_path) == NAMES
    assert stale(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_edited_by_hand_is_noticed_and_put_right(tmp_path, name):
    write(tmp_path)
    (tmp_path / name).write_text("edited", encoding="utf-8")

    assert stale(tmp_path) == [name]
    assert write(tmp_path) == [name]


def test_the_errors_page_says_what_to_do_about_each_code():
    page = errors_page()

    assert all(f"`{code}`" in page and spec.next_step in page for code, spec in ERRORS.items())


def test_the_states_page_has_a_sentence_for_each_arrow():
    page = states_page()

    for moves in MACHINES.values():
        for (start, end), when in moves.items():
            assert f"| `{start}` | `{end}` | {when} |" in page
