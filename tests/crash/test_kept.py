"""A campaign of hours goes on where it was broken off."""

from __future__ import annotations

from tests.crash.campaign import Outcome
from tests.crash.kept import Found, Kept
from tests.crash.system_calls import Call


def test_what_came_of_a_crash_is_found_out_once(tmp_path):
    found = {
        3: Found(Outcome(0, 1, ("lost",), 0.5), Call.SEND),  # struck at a request
        5: Found(Outcome(0, 0, (), 0.25)),  # taken down
        7: None,  # the flow was done before
    }
    first = Kept(tmp_path / "deposit" / "outcomes")
    for number, one in found.items():
        first.add(number, one)

    again = Kept(first.file)

    assert again.known == {3: found[3], 5: found[5]}
    assert again.missing == {7}
    assert again.unknown(range(3, 9)) == [4, 6, 8]
