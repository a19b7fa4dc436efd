"""Questions at a terminal: what is typed wrong is answered in our words, and asked again."""

from __future__ import annotations

import pytest
import typer

from ballast.faces.cli.terminal import ask_hidden, require_yes


@pytest.fixture
def types(monkeypatch):
    """A person who types these words one after the other, and what they were asked."""

    def typing(*words):
        left, asked = list(words), []

        def prompt(question, **_):
            asked.append(question)
            return left.pop(0)

        monkeypatch.setattr("typer.prompt", prompt)
        return asked

    return typing


@pytest.mark.parametrize("yes", ["y", "YES", " yes "])
def test_an_answer_that_is_neither_yes_nor_no_is_asked_for_again(types, capsys, yes):
    asked = types("maybe", "ja", yes)

    require_yes("Sell everything?")

    assert asked == ["Sell everything? [y/N]"] * 3
    assert capsys.readouterr().err == "Type y for yes, or n for no.\n" * 2


@pytest.mark.parametrize("no", ["n", "No", ""])
def test_whoever_says_no_or_nothing_is_told_that_nothing_was_done(types, capsys, no):
    types(no)

    with pytest.raises(typer.Exit):
        require_yes("Sell everything?")

    assert capsys.readouterr().err == "Nothing was done.\n"


def test_two_passwords_that_differ_are_both_asked_for_again(types, capsys):
    types("hunter2", "hunter3", "hunter4", "hunter4")

    assert ask_hidden("Password", twice=True) == "hunter4"
    assert capsys.readouterr().err == "These two differ: type both again.\n"
