"""The house rules that ruff cannot hold. Run as `python -m tools.house_rules`.

Rule 1 (no ambient clock or randomness) and rule 3 (nothing writes to stdout) are ruff's: banned
names in pyproject.toml, with the few exceptions beside them. Here are:

    HR1  those exceptions are not widened by a comment in the code
    HR2  no float where money is computed: `ballast.core`, but for the drift screen and reports
    HR3  rich's console, which writes to stdout, is made only where stdout is ours
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = Path("src/ballast")
CORE: Final = PACKAGE / "core"

# The screen is a filter: whatever it lets through is computed again with integers. Figures of
# performance are a report: nothing is computed from them.
FLOAT_ALLOWED: Final = frozenset({CORE / "screen.py", CORE / "performance.py"})

# stdout belongs to the person in front of these, and to nobody else.
CONSOLE_ALLOWED: Final = (
    PACKAGE / "__main__.py",
    PACKAGE / "demo",
    PACKAGE / "faces" / "cli",
    PACKAGE / "faces" / "cli.py",
    PACKAGE / "devnet" / "command.py",
)

# What of `math` stays within the integers.
EXACT_MATH: Final = frozenset(
    {"ceil", "comb", "factorial", "floor", "gcd", "isqrt", "lcm", "perm", "prod"}
)

# ruff's codes for the rules it holds; a comment may not switch them off one by one.
HELD_BY_RUFF: Final = ("TID251", "DTZ", "T201", "T203", "T20")
_NOQA: Final = re.compile(r"#\s*(?:ruff:\s*)?noqa(?P<codes>:[\sA-Z0-9,]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken rule, printed the way compilers do."""

    path: Path
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule} {self.message}"


def check_source(path: Path, source: str) -> list[Breach]:
    """Every breach in one file.

    Args:
        path: of the file, relative to the repository; it decides which rules apply.
        source: the file's text.

    Raises:
        SyntaxError: the text is no Python.
    """
    tree = ast.parse(source, filename=str(path))
    found = [Breach(path, line, "HR1", text) for line, text in _silenced(source)]
    if path.is_relative_to(CORE) and path not in FLOAT_ALLOWED:
        found += [Breach(path, line, "HR2", text) for line, text in _floats(tree)]
    if not any(path.is_relative_to(place) for place in CONSOLE_ALLOWED):
        found += [Breach(path, line, "HR3", text) for line, text in _consoles(tree)]
    return sorted(found, key=lambda breach: (breach.line, breach.rule))


def check_tree(root: Path) -> list[Breach]:
    """Every breach in the package below the repository's root."""
    files = sorted((root / PACKAGE).rglob("*.py"))
    assert files, f"no Python file below {root / PACKAGE}"
    return [
        breach
        for file in files
        for breach in check_source(file.relative_to(root), file.read_text(encoding="utf-8"))
    ]


def _silenced(source: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.splitlines(), start=1):
        for comment in _NOQA.finditer(line):
            codes = comment["codes"]
            if codes is None or any(code in codes.upper() for code in HELD_BY_RUFF):
                yield (
                    number,
                    "an exception to a house rule stands in pyproject.toml, with its reason",
                )


def _floats(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=float() | complex()):
                yield node.lineno, f"the float {node.value!r}; use an int, a Decimal or a Fraction"
            case ast.Name(id="float"):
                yield node.lineno, "float; use an int, a Decimal or a Fraction"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield node.lineno, "true division; use // and say how it rounds"
            case ast.BinOp(op=ast.Pow(), right=ast.UnaryOp(op=ast.USub())):
                yield node.lineno, "a negative power makes a float"
            case ast.Attribute(value=ast.Name(id="math"), attr=name) if name not in EXACT_MATH:
                yield node.lineno, f"math.{name} makes a float"
            case ast.ImportFrom(module="math", names=names):
                for alias in names:
                    if alias.name not in EXACT_MATH:
                        yield node.lineno, f"math.{alias.name} makes a float"
            case _:
                pass


def _consoles(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)) if module in {"rich", "rich.console"}:
                names = {alias.name for alias in node.names} & {
                    "Console",
                    "print",
                    "get_console",
                    "print_json",
                }
                if names:
                    yield node.lineno, "a console writes to stdout, which belongs to MCP"
            case ast.Import(names=names) if any(a.name.partition(".")[0] == "rich" for a in names):
                yield node.lineno, "a console writes to stdout, which belongs to MCP"
            case ast.Attribute(value=ast.Name(id="typer" | "click"), attr="echo" | "secho"):
                yield node.lineno, "echo writes to stdout, which belongs to MCP"
            case _:
                pass


def main() -> int:
    """Print every breach. Returns 1 if there is any, else 0."""
    breaches = check_tree(ROOT)
    for breach in breaches:
        print(breach, file=sys.stderr)
    return 1 if breaches else 0


if __name__ == "__main__":
    raise SystemExit(main())
