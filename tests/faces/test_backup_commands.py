"""`ballast backup` and `ballast restore` as a person and as a script meet them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import structlog

from ballast.app.master_key import rotate_master_key
from ballast.bootstrap import configure_logging, opened_app
from ballast.bootstrap.backups import back_up, put_back
from ballast.faces.cli.backups import add_backup_commands
from ballast.faces.cli.command_line import make_cli
from ballast.settings import Settings
from tests.app.world import open_world, settings_for


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs one of the two commands on a machine with one index; exit code, stdout, stderr."""
    settings = settings_for(tmp_path / "data")
    monkeypatch.chdir(tmp_path)

    async def stocked() -> None:
        async with open_world(tmp_path / "data") as world:
            await world.new_index()

    def command(*words: str, mode: str = "paper") -> tuple[int, str, str]:
        cli = make_cli(
            (), opened_app=lambda: opened_app(settings), running_app=lambda: opened_app(settings)
        )
        add_backup_commands(
            cli,
            mode,
            lambda file: back_up(settings, file),
            lambda file, key, locked: put_back(settings, file, key, locked=locked),
        )
        with pytest.raises(SystemExit) as ended:
            cli(list(words), prog_name="ballast")
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    asyncio.run(stocked())
    configure_logging(Settings(log_level="error"))
    yield command
    structlog.reset_defaults()


def test_a_backup_says_where_it_is_and_what_is_not_in_it(run, tmp_path):
    code, out, _ = run("backup")

    [file] = tmp_path.glob("ballast-paper-*.sqlite")
    assert code == 0
    assert file.name in out.replace("\n", "")
    assert "master key" in out


def test_a_backup_is_put_back_and_what_to_do_next_is_said(run, tmp_path):
    assert json.loads(run("backup", "copy.sqlite", "--json")[1])["file"].endswith("copy.sqlite")

    code, out, _ = run("restore", "copy.sqlite")

    assert code == 0
    said = out.replace("\n", " ")
    assert all(word in said for word in ("halted", "ballast verify", "ballast resume", "kept as"))
    again = json.loads(run("restore", "copy.sqlite", "--json")[1])
    assert (again["indexes"], again["trading"], again["trouble"]) == (1, "halted", "")
    assert Path(again["kept"]).exists()


def test_which_master_key_opened_a_backup_is_said_and_what_stays_locked_too(run, tmp_path):
    run("backup", "copy.sqlite")
    before = asyncio.run(_rotated(tmp_path / "data"))

    code, out, _ = run("restore", "copy.sqlite")

    assert code == 0
    assert f"master.key.{before}" in out.replace("\n", "")
    assert "under the present one now" in out.replace("\n", " ")
    (tmp_path / "data" / "paper" / f"master.key.{before}").rename(tmp_path / "mine")
    code, out, err = run("restore", "copy.sqlite")
    assert (code, out) == (8, "")
    assert "--key" in err
    told = json.loads(run("restore", "copy.sqlite", "--key", "mine", "--json")[1])
    assert (told["opened_by"], told["encrypted_anew"], told["locked"]) == (["mine"], 2, [])
    code, out, _ = run("restore", "copy.sqlite", "--locked")
    assert code == 0
    told = out.replace("\n", " ")
    assert "ballast keys import" in told
    assert "The audit goes on under a new key" in told


async def _rotated(directory: Path) -> str:
    """Put another master key in place; the id of the one before."""
    async with open_world(directory) as world:
        before = world.app.vault.master_key_id
        await rotate_master_key(world.app)
        return before


@pytest.mark.parametrize(
    ("words", "mode", "exit_code", "said"),
    [
        (("restore", "nowhere.sqlite"), "paper", 3, "There is no file"),
        (("backup", "data"), "paper", 2, "exists already"),
        (("backup", "nowhere/x.sqlite"), "paper", 2, "no folder nowhere to write the copy into"),
        (("restore", "nowhere.sqlite"), "live", 2, "on a terminal only"),
    ],
)
def test_a_mistake_is_one_clear_message(run, words, mode, exit_code, said):
    code, out, err = run(*words, mode=mode)

    assert (code, out) == (exit_code, "")
    assert said in err.replace("\n", " ")
    assert "Traceback" not in err
