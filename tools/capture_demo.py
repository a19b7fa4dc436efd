"""Record what the demo prints, for the documentation. Run as `python -m tools.capture_demo`.

Writes docs/demo.txt (all stories) and docs/demo.svg (the first one, up to its first rebalance).
Nothing in them names a machine. Days and prices come out the same each time; how long settlements
took, and with it the last digits of amounts, does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console

from ballast.demo import run_demo
from ballast.demo.day_script import Day
from ballast.demo.run import STORIES
from ballast.demo.script import REAL_PRICES, Script

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
WIDTH: Final = 96


def record(stories: Sequence[Script | Day], *, quick: bool) -> Console:
    """Run the demo on a console that keeps what it shows.

    Raises:
        SystemExit: the demo did not end well; what it said is the message.
    """
    console = Console(
        file=StringIO(), record=True, width=WIDTH, color_system="truecolor", highlight=False
    )
    if run_demo(quick=quick, console=console, stories=stories) != 0:
        raise SystemExit(console.export_text())
    return console


def plain(text: str) -> str:
    """Text without the time the machine took, without spaces at the ends of lines, and with one
    empty line at most between others."""
    timeless = re.sub(r"Wall time [\d.]+ s\. ", "", text)
    stripped = re.sub(r"[ \t]+$", "", timeless, flags=re.MULTILINE).strip("\n")
    return re.sub(r"\n{3,}", "\n\n", stripped) + "\n"


def self_contained(svg: str) -> str:
    """The picture without fonts from elsewhere: the viewer's own monospaced one does."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    """Write both files."""
    told = record(STORIES, quick=False).export_text()
    (DOCS / "demo.txt").write_text(plain(told), encoding="utf-8")
    drawn = record((REAL_PRICES,), quick=True).export_svg(title="ballast demo", unique_id="demo")
    (DOCS / "demo.svg").write_text(plain(self_contained(drawn)), encoding="utf-8")


if __name__ == "__main__":
    main()
