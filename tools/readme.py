"""The parts of README.md that are made from code: between `<!-- NAME -->` and `<!-- /NAME -->`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ballast.app.catalog import OPERATIONS
from ballast.app.operation import Effect
from ballast.settings import PREFIX, Settings

ROOT: Final = Path(__file__).resolve().parent.parent

_EFFECTS: Final = {
    Effect.READ: "looks",
    Effect.ADD: "adds",
    Effect.CHANGE: "changes",
    Effect.SPEND: "**moves money**",
}

# Each shown piece of docs/demo.txt: from the line that begins so, up to the one that does.
_SHOWN: Final = (
    ("“Go on like that", "“Do your books agree"),
    ("“Show me what it takes", "“Do it.”"),
    ("“Good night.”", "“Why did you not trade Night owl"),
    ("   Ledger against the devnet's books", "   Costs are quoted"),
)


def readme_page() -> str:
    """README.md with its made parts as they should be.

    Raises:
        ValueError: a part's markers are missing, or what it is made from is.
    """
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, make in PARTS.items():
        text = with_part(text, name, make())
    return text


def tools_table() -> str:
    """Every operation: what it is called, what it does to the world, and what it is for."""
    rows = (
        f"| `{one.name}` | {_EFFECTS[one.effect]} | {_first_sentence(one.description)} |\n"
        for one in OPERATIONS
    )
    return "| tool | effect | what it does |\n|---|---|---|\n" + "".join(rows)


def settings_table() -> str:
    """Every environment variable with its default."""
    rows = (
        f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    return "| variable | default | meaning |\n|---|---|---|\n" + "".join(rows)


def demo_excerpt() -> str:
    """Some of what the recorded demo says, word for word."""
    lines = (ROOT / "docs/demo.txt").read_text(encoding="utf-8").splitlines()
    pieces = ("\n".join(_between(lines, first, end)).strip("\n") for first, end in _SHOWN)
    return "```text\n" + "\n\n[…]\n\n".join(pieces) + "\n```\n"


PARTS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {"tools": tools_table, "settings": settings_table, "demo": demo_excerpt}
)


def with_part(text: str, name: str, part: str) -> str:
    """A page with what is between a part's markers replaced.

    Raises:
        ValueError: the markers are missing.
    """
    found = re.subn(
        rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
        lambda markers: f"{markers[1]}\n{part}\n{markers[2]}",
        text,
        flags=re.DOTALL,
    )
    if found[1] != 1:
        raise ValueError(f"the page needs <!-- {name} --> and <!-- /{name} --> once")
    return found[0]


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".") + "."


def _default(value: object) -> str:
    return f"`{value}`" if isinstance(value, int | str) or str(value).isdigit() else ""


def _between(lines: list[str], first: str, end: str) -> list[str]:
    start = next((n for n, line in enumerate(lines) if line.startswith(first)), None)
    if start is None:
        raise ValueError(f"docs/demo.txt has no line that begins with {first!r}")
    stop = next((n for n in range(start, len(lines)) if lines[n].startswith(end)), None)
    if stop is None:
        raise ValueError(f"docs/demo.txt has no later line that begins with {end!r}")
    return lines[start:stop]
