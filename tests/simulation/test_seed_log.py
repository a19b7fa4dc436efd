"""A campaign over many seeds can be broken off and taken up again."""

from __future__ import annotations

from ballast.simulation import run_simulations


def campaign(log, seeds):
    return run_simulations(seed=1, seeds=seeds, steps=1, faults="none", indexes=1, jobs=1, log=log)


def test_a_campaign_leaves_a_line_for_each_seed_and_does_none_twice(tmp_path, capsys):
    log = tmp_path / "seeds.log"

    codes = [campaign(log, 1), campaign(log, 2), campaign(log, 2)]

    lines = log.read_text().splitlines()
    assert codes == [0, 0, 0]
    assert [line.split()[0] for line in lines] == ["seed=1", "seed=2"]
    assert all("indexes=1: done=1 requests=" in line for line in lines)
    assert all(" violations=0 " in line for line in lines)
    assert "0 simulation(s), 0 with a violation." in capsys.readouterr().out.splitlines()[-4]
