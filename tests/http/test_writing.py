"""Answers as responses: made once for each, and sent again."""

from __future__ import annotations

import json

import pytest

from ballast.faces.rest import writing
from ballast.faces.rest.writing import Read
from tests.faces.serving import Echoed


def test_an_answer_that_is_given_again_is_not_written_again():
    answer = Echoed(mode="paper", word="once")
    first = Read.of(answer)
    other = Read.of(answer.model_copy(update={"word": "twice"}))

    assert Read.of(answer) is first
    assert json.loads(bytes(first.whole.body))["word"] == "once"
    assert json.loads(bytes(other.whole.body))["word"] == "twice"
    assert first.tag != other.tag


def test_what_was_written_is_kept_no_longer_than_the_answer():
    before = len(writing._reads)
    answer = Echoed(mode="paper", word="once")
    Read.of(answer)
    assert len(writing._reads) == before + 1
    del answer

    assert len(writing._reads) == before


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ([], 200),
        (['"other"'], 200),
        (["*"], 304),
        (['"other", W/{tag}'], 304),
        (['"other"', "{tag}"], 304),
    ],
)
def test_whoever_has_an_answer_is_told_that_it_is_the_same(known, status):
    read = Read.of(Echoed(mode="paper", word="once"))

    answer = read.for_whom_has([one.replace("{tag}", read.tag).encode() for one in known])

    assert answer.status_code == status
    assert answer.headers["etag"] == read.tag
