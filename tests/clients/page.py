"""The examples of docs/clients.md and of the README, and what is put into them."""

from __future__ import annotations

import json
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs/clients.md"
README: Final = ROOT / "README.md"

LIBRARIES: Final = ("openai-agents", "langchain", "pydantic-ai", "llama-index")
"""Each has an environment of its own in build/clients, which `make clients` installs."""

COMMAND: Final = "/path/to/ballast/.venv/bin/ballast"
ADDRESS: Final = "http://127.0.0.1:8790"
PUBLIC: Final = "https://ballast.example.com"
KEY: Final = "bal_YOUR_KEY"
ASKED_KEY: Final = "${input:ballast-key}"
"""Stands where VS Code puts what it has asked for."""

_FENCE: Final = r"^(?P<indent> *)```(?P<language>[a-z]+)\n(?P<text>.*?)^(?P=indent)```$"
_NAMED: Final = rf"^ *<!-- run: (?P<name>[a-z-]+) -->\n\n{_FENCE}"


@dataclass(frozen=True, slots=True)
class Example:
    """A block of a page."""

    language: str
    text: str

    def filled(self, url: str = ADDRESS, key: str = KEY) -> str:
        """The text with the command that is installed here, and an address and a key of its own."""
        installed = str(Path(sys.executable).with_name("ballast"))
        given = {COMMAND: installed, ADDRESS: url, KEY: key, ASKED_KEY: key}
        text = self.text
        for stands, is_meant in given.items():
            text = text.replace(stands, is_meant)
        return text


def examples(page: Path = PAGE) -> dict[str, Example]:
    """Every block that has a name."""
    found = re.finditer(_NAMED, page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return {one["name"]: Example(one["language"], _dedented(one)) for one in found}


def blocks(page: Path = PAGE) -> list[Example]:
    """Every block, with a name or without."""
    found = re.finditer(_FENCE, page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [Example(one["language"], _dedented(one)) for one in found]


def _dedented(one: re.Match[str]) -> str:
    return re.sub(rf"^{one['indent']}", "", one["text"], flags=re.MULTILINE)


def in_place_of(program: str, lines: str) -> str:
    """A program with the statement that these lines are said to stand for replaced by them."""
    begins = re.escape(lines.partition("=")[0])
    changed, count = re.subn(
        rf"^{begins}= .*?\n(?=\n)", lambda _: lines, program, flags=re.MULTILINE | re.DOTALL
    )
    assert count == 1, f"{begins} stands {count} times in the program"
    return changed


def only_server(text: str) -> dict[str, Any]:
    """What a client's file says about its one server."""
    file = json.loads(text)
    [server] = (file.get("mcpServers") or file["servers"]).values()
    return dict(server)


def exports(name: str) -> dict[str, str]:
    """What a block of commands sets before it runs anything."""
    [line] = re.findall(r"^\$ export (.+)$", examples()[name].text, re.MULTILINE)
    return dict(one.split("=", 1) for one in shlex.split(line))


def commands(name: str) -> list[list[str]]:
    """The words after `ballast` of each command in a block."""
    lines = re.findall(r"^\$ ballast (.+)$", examples()[name].text, re.MULTILINE)
    return [shlex.split(line) for line in lines]
