"""What the pages for people say stays true, as far as it can be checked cheaply."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from ballast.__main__ import _command_line
from ballast.app.catalog import OPERATIONS
from ballast.bootstrap import live_problems
from ballast.core.ids import IdKind
from ballast.core.ledger import Account, EntryKind
from ballast.core.states import DepositState, WithdrawalState
from ballast.errors import ErrorCode
from ballast.faces.mcp.guides import GUIDES
from ballast.settings import Settings
from tools.readme import demo_excerpt, settings_table, tools_table

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/ballast"
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), SOURCE / "devnet/data/README.md"]
)
EXAMPLE = ROOT / "claude_desktop_config.example.json"

# `src`-relative file in backticks, perhaps with a name in it: `app/rebalances.py:start_rebalance`.
CODE = re.compile(r"`((?:[a-z_]+/)*[a-z_0-9]+\.py|(?:[a-z_]+/)+)(?::([A-Za-z_]+))?`")
OPTION = re.compile(r"--[a-z][a-z-]*")


def names(pages: list[Path]) -> list[str]:
    return [page.relative_to(ROOT).as_posix() for page in pages]


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_link_leads_to_a_file_that_is_there(page):
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]

    assert [link for link in links if not leads_somewhere(page, link)] == []


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, heading = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return False
    return not heading or heading in headings(target)


def headings(page: Path) -> set[str]:
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in found}


@pytest.mark.parametrize("link", ["nowhere.md", "docs/errors.md#no-such-heading", "#neither"])
def test_a_link_to_nowhere_would_be_found(link):
    assert not leads_somewhere(ROOT / "README.md", link)


# --- commands -----------------------------------------------------------------------------------


def commands_in(text: str) -> Iterator[list[str]]:
    """The words after `ballast` on every line of a block that begins with `$ ballast`, and in
    every `ballast …` between backticks."""
    for line in re.findall(r"^\$ ballast (.+)$", text, re.MULTILINE):
        yield shlex.split(line)
    for words in re.findall(r"`ballast\s([^`]+)`", text):
        yield words.split()


@cache
def command_line() -> Any:
    """All commands there are; building them takes longer than looking through a page."""
    return typer.main.get_command(_command_line())


def fault(words: list[str]) -> str | None:
    """What is wrong with a command line, as far as its names go; None when nothing is."""
    command = command_line()
    options = {option for one in command.params for option in one.opts} | {"--help"}
    for word in words:
        if OPTION.fullmatch(word):
            if word not in options:
                return f"{word} is no option in: ballast {' '.join(words)}"
        elif hasattr(command, "commands"):
            below = command.get_command(None, word)
            if below is None:
                return f"{word} is no command in: ballast {' '.join(words)}"
            command = below
            options = {option for one in command.params for option in one.opts} | {"--help"}
    return None


@pytest.mark.parametrize(
    ("words", "named"),
    [("make-index Majors", "make-index"), ("export --xml", "--xml"), ("keys show", "show")],
)
def test_a_command_that_does_not_exist_would_be_found(words, named):
    assert named in (fault(words.split()) or "")


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_command_named_exists_with_its_options(page):
    lines = list(commands_in(page.read_text(encoding="utf-8")))

    assert [found for found in map(fault, lines) if found] == []


def test_the_readme_shows_commands():
    assert len(list(commands_in(README))) > 10


def test_every_command_is_in_the_readme():
    shown = {words[0].replace("-", "_") for words in commands_in(README)}
    tools = {one.name for one in OPERATIONS}
    there = {name.replace("-", "_") for name in command_line().commands}

    assert there - shown - tools - {"mcp"} == set()


def test_every_make_target_named_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"(?:`|^    )make ([a-z]+)", text, re.MULTILINE)
        assert set(named) <= targets, page


# --- tools and settings -------------------------------------------------------------------------


def test_the_table_of_tools_is_the_catalogue():
    listed = re.findall(r"^\| `([a-z_]+)` \|", tools_table(), re.MULTILINE)

    assert listed == [one.name for one in OPERATIONS]
    assert tools_table() in README


def test_the_table_of_settings_is_what_can_be_set():
    listed = re.findall(r"^\| `BALLAST_([A-Z_]+)` \|", settings_table(), re.MULTILINE)

    assert [name.lower() for name in listed] == list(Settings.model_fields)
    assert settings_table() in README


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_setting_named_can_be_set(page):
    named = set(re.findall(r"BALLAST_([A-Z_]+[A-Z])", page.read_text(encoding="utf-8")))

    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_every_prompt_is_in_the_readme():
    assert [guide.name for guide in GUIDES if f"`{guide.name}`" not in README] == []


def test_what_the_demo_is_said_to_print_is_what_was_recorded():
    recorded = (ROOT / "docs/demo.txt").read_text(encoding="utf-8")
    pieces = demo_excerpt().removeprefix("```text\n").removesuffix("\n```\n").split("\n\n[…]\n\n")

    assert demo_excerpt() in README
    assert all(piece in recorded for piece in pieces)
    assert "equal" in pieces[-1]


# --- the configuration for clients --------------------------------------------------------------


def test_the_example_starts_the_server_with_settings_that_exist():
    server = json.loads(EXAMPLE.read_text(encoding="utf-8"))["mcpServers"]["ballast"]

    assert Path(server["command"]).name == "ballast"
    assert server["args"] == ["mcp"]
    assert {name.removeprefix("BALLAST_").lower() for name in server["env"]} <= set(
        Settings.model_fields
    )


def test_the_readme_shows_the_example_as_it_is():
    assert EXAMPLE.read_text(encoding="utf-8").strip() in README


# --- architecture and words ---------------------------------------------------------------------


def test_every_place_in_the_code_that_the_architecture_names_is_there():
    found = CODE.findall(ARCHITECTURE)

    assert len(found) > 30
    assert [place for place in found if not is_there(*place)] == []


def is_there(path: str, name: str) -> bool:
    file = SOURCE / path
    if not name:
        return file.exists()
    written = rf"^(?:async def|def|class) {name}\b|^{name}\b.* = "
    return file.is_file() and bool(re.search(written, file.read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize(
    ("path", "name"), [("core/nothing.py", ""), ("core/money.py", "parse_nothing")]
)
def test_a_place_that_is_not_there_would_be_found(path, name):
    assert not is_there(path, name)


def test_the_architecture_tells_of_each_kind_of_entry_and_each_account():
    kinds = set(EntryKind) - {EntryKind.CORRECTION}  # Nothing makes one in this version.

    assert [one for one in kinds | set(Account) if f"`{one}`" not in ARCHITECTURE] == []


def test_the_glossary_knows_every_kind_of_id_and_every_account():
    glossary = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")

    assert [one for one in {*IdKind, *Account} if f"`{one}`" not in glossary] == []


@pytest.mark.parametrize(
    ("heading", "states"), [("## Money in", DepositState), ("## Money out", WithdrawalState)]
)
def test_the_page_on_going_live_says_what_to_do_in_each_state(heading, states):
    page = (ROOT / "docs/near-intents.md").read_text(encoding="utf-8")
    section = page.partition(heading)[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([a-z, ]+) \|", section, re.MULTILINE)
    told = [word for row in rows for word in row.split(", ") if word != "state"]

    assert sorted(told) == sorted(states)


def test_the_page_on_going_live_names_every_setting_that_live_mode_asks_for():
    page = (ROOT / "docs/near-intents.md").read_text(encoding="utf-8")
    wanted = " ".join(live_problems(Settings(mode="live")))
    named = re.findall(r"BALLAST_[A-Z_]+", wanted)

    assert len(named) == 3
    assert [name for name in named if f"`{name}`" not in page] == []


def test_every_error_code_that_a_page_names_exists():
    """A word is taken for a code where a page says that something is refused with it."""
    for page in PAGES:
        named = re.findall(r"(?:is|as|Errors:) `([a-z]+_[a-z_]+)`", page.read_text("utf-8"))
        assert set(named) <= set(ErrorCode), page
