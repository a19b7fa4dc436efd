"""The same bad input on both faces of the real program: one error object, and nothing half done."""

from __future__ import annotations

import pytest

from tests.e2e.machine import Machine

NO_INDEX = "idx_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_PLAN = "pln_01ARZ3NDEKTSV4RRFFQ69G5FAV"
TABLES = ("indexes", "keys", "plans", "rebalances", "swaps", "deposits", "entries", "requests")


def basket(*weights: tuple[str, str]) -> list[dict[str, str]]:
    return [{"asset": asset, "percent": percent} for asset, percent in weights]


def new_index(*weights: tuple[str, str], name: str = "New"):
    typed = ", ".join(f"{asset} {percent}" for asset, percent in weights)
    words = ("create_index", name, "--targets", typed)
    return words, "create_index", {"name": name, "targets": basket(*weights)}


def deposit(amount: str):
    words = ("deposit_address", "{index}", "--amount", amount)
    return words, "deposit_address", {"index_id": "{index}", "amount": amount}


def show(index_id: str):
    return ("get_index", index_id), "get_index", {"index_id": index_id}


GOOD = (("BTC", "60"), ("USDC", "40"))
BAD = {
    "weights": (new_index(("BTC", "60"), ("USDC", "39.99")), "weights_invalid"),
    "unknown symbol": (new_index(("BTC", "60"), ("NOSUCHCOIN", "40")), "unknown_asset"),
    "look-alike": (new_index(("ВТС", "60"), ("USDC", "40")), "unknown_asset"),
    "duplicate": (new_index(("BTC", "60"), ("btc", "40")), "duplicate_asset"),
    "taken name": (new_index(*GOOD, name="Main"), "name_taken"),
    "long name": (new_index(*GOOD, name="x" * 10_000), "invalid_input"),
    "control characters": (new_index(*GOOD, name="a\x1b[31mb\u202e"), "invalid_input"),
    "not a number": (deposit("NaN"), "invalid_input"),
    "underscore": (deposit("1_000"), "invalid_input"),
    "full-width digits": (deposit("１００"), "invalid_input"),
    "over-precise": (deposit("1.1234567"), "invalid_amount"),
    "zero": (deposit("0"), "invalid_input"),
    "wrong kind of id": (show("pln_01ARZ3NDEKTSV4RRFFQ69G5FAV"), "invalid_input"),
    "no such index": (show(NO_INDEX), "not_found"),
    "no such plan": (
        (
            ("rebalance_index", "{index}", NO_PLAN),
            "rebalance_index",
            {"index_id": "{index}", "plan_id": NO_PLAN},
        ),
        "not_found",
    ),
}


@pytest.fixture(scope="module")
def served(_stocked_once, tmp_path_factory):
    machine = _stocked_once.machine.copy_to(tmp_path_factory.mktemp("served") / "data")
    with machine.serving() as session:
        yield machine, session, _stocked_once.index_id


def counted(machine: Machine) -> list[int]:
    return [machine.rows(f"SELECT COUNT(*) FROM {table}")[0][0] for table in TABLES]


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_the_same_error_object_and_leaves_nothing_behind(case, served):
    machine, session, index_id = served
    (words, tool, arguments), code = BAD[case]
    arguments = {
        name: value.format(index=index_id) if isinstance(value, str) else value
        for name, value in arguments.items()
    }
    before = counted(machine)

    refusal = session.call(tool, **arguments)
    said = machine.run(*(word.format(index=index_id) for word in words), "--json")

    answers = refusal, said.json
    assert len({one["details"].pop("call_id") for one in answers}) == 2
    assert refusal["code"] == code, refusal
    assert answers[0] == answers[1]
    assert said.code in (2, 3, 4)
    assert refusal["message"]
    assert refusal["next_step"]
    assert len(said.out) < 4_000
    assert counted(machine) == before


def test_targets_sent_as_a_json_string_are_taken(served):
    machine, session, _ = served

    made = session.call(
        "create_index", name="From text", targets='[{"asset": "BTC", "percent": "100"}]'
    )

    assert made["index_id"] in {one["index_id"] for one in machine.ask("list_indexes")["indexes"]}
