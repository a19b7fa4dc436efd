"""`ballast audit`: for the owner, and for scripts."""

from __future__ import annotations

import csv
import io
import json

from tests.faces.test_owner_commands import ADD_HOME, HOME, line  # noqa: F401 - a fixture


def test_the_audit_is_checked_printed_and_its_end_found_again(line):  # noqa: F811
    line.run(*ADD_HOME)
    code, out, _ = line.run("audit", "head")
    head = out.strip()
    line.json("halt_trading")

    good, report = line.json("audit", "verify", "--head", head)
    lost, again = line.json("audit", "verify", "--head", f"1:{'ab' * 16}")
    said = line.run("audit", "verify")[1]

    assert (code, good, report["problems"], report["rows"]) == (0, 0, [], 3)
    assert (lost, again["good"], len(again["problems"])) == (1, False, 1)
    assert "The audit holds: 3 rows in 1 chain." in said
    assert line.json("audit", "verify", "--head", "nothing")[1]["code"] == "invalid_input"


def test_the_audit_is_exported_as_json_and_as_csv_by_kind_and_time(line):  # noqa: F811
    line.run(*ADD_HOME)
    line.json("halt_trading", "--reason", "=1+1")

    rows = json.loads(line.run("audit", "export")[1])
    [added] = json.loads(line.run("audit", "export", "--kind", "add_destination")[1])
    table = list(csv.DictReader(io.StringIO(line.run("audit", "export", "--csv")[1])))

    assert [one["operation"] for one in rows] == [one["operation"] for one in table]
    assert {"make_audit_key", "add_destination", "halt_trading"} == {
        one["operation"] for one in rows
    }
    assert added["facts"]["address"] == HOME
    assert json.loads(table[-1]["facts"]) == rows[-1]["facts"]
    assert json.loads(line.run("audit", "export", "--until", "2001-01-01")[1]) == []


def test_a_kind_that_the_audit_has_no_row_of_is_answered_with_those_there_are(line):  # noqa: F811
    line.json("halt_trading")

    code, out, said = line.run("audit", "export", "--kind", "halting")

    assert (code, json.loads(out)) == (0, [])
    assert "halt_trading" in said
