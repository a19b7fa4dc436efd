"""No answer is longer than a client takes, and a cut is never silent."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ballast.faces.answers import fitted, in_both_forms, json_text, text_copy

ROWS = st.lists(st.fixed_dictionaries({"text": st.text(max_size=40)}), max_size=60)


@given(first=ROWS, second=ROWS, limit=st.integers(200, 4_000))
def test_a_cut_answer_fits_keeps_its_head_and_counts_what_it_dropped(first, second, limit):
    answer = {"mode": "paper", "first": first, "second": second}

    cut = fitted(answer, limit)

    assert len(json_text(cut).encode()) <= limit
    assert cut["first"] == first[: len(cut["first"])]
    assert cut["second"] == second[: len(cut["second"])]
    for name, rows in (("first", first), ("second", second)):
        dropped = len(rows) - len(cut[name])
        assert (f"{dropped} more {name}" in cut.get("cut", "")) == (dropped > 0)


@given(rows=ROWS)
def test_an_answer_that_fits_is_given_as_it_is(rows):
    answer = {"mode": "paper", "rows": rows}

    assert fitted(answer, 10**6) is answer
    assert json.loads(text_copy(answer)) == answer


@given(count=st.integers(0, 1_500), text=st.text(max_size=60))
def test_an_answer_and_its_text_copy_together_stay_below_eighty_kilobytes(count, text):
    answer = {"mode": "paper", "rows": [{"text": text}] * count}

    structured, copy = in_both_forms(answer)

    message = {"structuredContent": structured, "content": [{"type": "text", "text": copy}]}
    assert len(json_text(message).encode()) < 80_000
    assert structured == answer or "cut" in structured
    assert json.loads(copy) == structured or "cut" in json.loads(copy)
