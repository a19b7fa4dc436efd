"""What the summary of the benchmarks says of a figure."""

from __future__ import annotations

import pytest

from benchmarks.figures import Figure


@pytest.mark.parametrize(
    ("ratio", "target", "limit", "missed"),
    [
        (1.9, 2.0, "most", False),
        (2.001, 2.0, "most", True),
        (0.3, 0.25, "least", False),
        (0.249, 0.25, "least", True),
        (3.0, None, "most", False),
    ],
)
def test_a_figure_on_the_wrong_side_of_its_target_is_missed(ratio, target, limit, missed):
    assert Figure("any", "1", "1", ratio, target, limit).missed is missed
