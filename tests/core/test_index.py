"""Names, weights and ids."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.core.ids import IdKind, kind_of, require_id
from ballast.core.index import Index, check_name, check_weights, name_key, planning_targets
from ballast.core.limits import Limits
from ballast.core.money import BPS
from ballast.core.policy import Policy
from ballast.core.states import IndexState
from ballast.errors import BallastError

NOW = datetime(2027, 1, 15, tzinfo=UTC)
ULID = "01HZZZZZZZZZZZZZZZZZZZZZZZ"


def index_of(targets, *, buffer_bps=100, base="usdc"):
    return Index(
        index_id=f"idx_{ULID}",
        owner_id="own_local",
        name="Main",
        mode="paper",
        account_id="0x" + "00" * 20,
        base_asset_id=base,
        targets=targets,
        buffer_bps=buffer_bps,
        policy=Policy(),
        limits=Limits(),
        state=IndexState.ACTIVE,
        version=1,
        created_at=NOW,
        updated_at=NOW,
        last_rebalanced_at=None,
        reconcile_at=None,
    )


@st.composite
def weights(draw):
    count = draw(st.integers(1, 12))
    cuts = draw(st.sets(st.integers(1, BPS - 1), min_size=count - 1, max_size=count - 1))
    edges = [0, *sorted(cuts), BPS]
    names = ["usdc", *(f"asset{place}" for place in range(count))]
    chosen = draw(st.permutations(names))[:count]
    return dict(zip(chosen, (b - a for a, b in itertools.pairwise(edges)), strict=True))


@given(targets=weights(), buffer=st.integers(0, 5_000))
def test_the_buffer_is_kept_and_the_others_keep_their_proportions(targets, buffer):
    planned = planning_targets(index_of(targets, buffer_bps=buffer))

    assert sum(planned.values()) == BPS * BPS
    assert planned.get("usdc", 0) >= min(buffer * BPS, BPS * BPS)
    others = [asset for asset in targets if asset != "usdc"]
    for one in others:
        for two in others:
            gap = planned[one] * targets[two] - planned[two] * targets[one]
            assert abs(gap) <= BPS * 2


def test_a_base_asset_that_is_a_target_covers_the_buffer():
    planned = planning_targets(index_of({"btc": 9_000, "usdc": 1_000}))

    assert planned == {"btc": 9_000 * BPS, "usdc": 1_000 * BPS}


@pytest.mark.parametrize(
    ("bps", "part"),
    [
        ([5_000, 4_950], "0.5 % is missing"),
        ([5_000, 5_001], "0.01 % is too much"),
        ([10_001, -1], "above 0"),
        ([], "1 to 100"),
        ([100] * 101, "1 to 100"),
    ],
)
def test_weights_that_do_not_make_a_hundred_say_by_how_much(bps, part):
    with pytest.raises(BallastError) as refusal:
        check_weights(bps)

    assert refusal.value.code == "weights_invalid"
    assert part in refusal.value.message


@pytest.mark.parametrize("name", ["", " ", "a" * 65, "a\tb", "a\u200bb", "\u202eabc"])
def test_a_name_that_cannot_be_shown_is_refused(name):
    with pytest.raises(BallastError):
        check_name(name)


@pytest.mark.parametrize("kind", [IdKind.INDEX, IdKind.PLAN])
@pytest.mark.parametrize("written", [str, str.lower, str.upper, " {} ".format])
def test_a_name_that_looks_like_an_id_is_refused(kind, written):
    with pytest.raises(BallastError, match="looks like an id"):
        check_name(written(f"{kind.value}_01MDFK2Q7Z8W9X0Y1Z2A3B4C5D"))


def test_a_name_is_trimmed_and_compared_as_people_read_it():
    assert check_name("  Long term ") == "Long term"
    assert name_key("LONG  term") == name_key("ｌong Term")
    assert name_key("one") != name_key("two")


@given(kind=st.sampled_from(IdKind))
def test_an_id_says_what_it_names(kind):
    assert kind_of(f"{kind.value}_{ULID}") is kind
    assert require_id(f"{kind.value}_{ULID}", kind) is kind


@pytest.mark.parametrize(
    "text", ["", "idx_", f"xyz_{ULID}", f"idx_{ULID}\n", f"idx_{ULID.lower()}"]
)
def test_what_is_no_id_of_ours_is_told_so(text):
    assert kind_of(text) is None
    with pytest.raises(BallastError) as refusal:
        require_id(text, IdKind.INDEX)
    assert "no id of Ballast" in refusal.value.message


@pytest.mark.parametrize(
    ("given", "said"), [("idx", "is an index id."), ("dep", "is a deposit id.")]
)
def test_what_was_given_instead_is_named_with_its_article(given, said):
    with pytest.raises(BallastError) as refusal:
        require_id(f"{given}_{ULID}", IdKind.PLAN)
    assert refusal.value.message.endswith(said)
