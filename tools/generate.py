"""The files that are made from code. `python -m tools.generate` writes them, `--check` compares.

To add one: write a function in `tools.pages` that returns the file's text, and give it a line
in `GENERATED`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from ballast.faces.mcp.reference import tools_reference
from ballast.faces.mcp.snapshot import tools_snapshot
from ballast.faces.rest.gpt import gpt_page
from tools.observability import dashboard, observability_page
from tools.pages import errors_page, events_page, states_page
from tools.readme import readme_page

ROOT: Final = Path(__file__).resolve().parent.parent


GENERATED: Final[tuple[tuple[str, Callable[[], str]], ...]] = (
    ("README.md", readme_page),
    ("docs/errors.md", errors_page),
    ("docs/events.md", events_page),
    ("docs/observability.md", observability_page),
    ("docs/observability/grafana.json", dashboard),
    ("docs/states.md", states_page),
    ("docs/tools.md", tools_reference),
    ("openapi.yaml", gpt_page),
    ("tests/faces/snapshots/tools.json", tools_snapshot),
)


@cache
def pages() -> Mapping[str, str]:
    """What every generated file should hold, made once: the code does not change meanwhile."""
    return {name: make() for name, make in GENERATED}


def stale(root: Path) -> list[str]:
    """Names of the generated files below `root` that are missing or differ from the code."""
    return [name for name, text in pages().items() if _present(root / name) != text]


def write(root: Path) -> list[str]:
    """Write the generated files that differ; returns their names."""
    changed = stale(root)
    for name in changed:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(pages()[name], encoding="utf-8")
    return changed


def _present(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main() -> int:
    """Write or check. Returns 1 if a checked file is not current, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one is old")
    if parser.parse_args().check:
        old = stale(ROOT)
        for name in old:
            print(f"{name} is not what the code says: run `make generate`", file=sys.stderr)
        return 1 if old else 0
    for name in write(ROOT):
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
