"""Runs the tests; a few that failed beside others are run again, alone.

Many tests start real processes and hold them against real clocks. On a machine that is busy
elsewhere one of thousands may wait in vain, which says nothing about Ballast. What computes, and
the simulation, depends on nothing outside: there a failure is one. Elsewhere a failure counts
unless the test then passes three times in a row with the machine to itself; it is told by name all
the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

MOST: Final = 3
"""More failures than this are no accident, and are not tried again."""
TIMES: Final = 3
DEPEND_ON_NOTHING: Final = ("tests/core/", "tests/simulation/", "tests/repo/")
_LAST_FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")
_PYTEST: Final = (sys.executable, "-m", "pytest", "-q", "--color=no")
_BESIDE_EACH_OTHER: Final = ("-n", "2", "--dist", "worksteal")
_FAILED: Final = 1


def main(arguments: list[str]) -> int:
    """Run the tests, with further arguments for pytest; the exit code is pytest's."""
    _LAST_FAILED.unlink(missing_ok=True)
    code = subprocess.call([*_PYTEST, *_BESIDE_EACH_OTHER, *arguments])
    failed = json.loads(_LAST_FAILED.read_text()) if _LAST_FAILED.exists() else {}
    if code != _FAILED or not may_be_an_accident(sorted(failed)):
        return code
    for _ in range(TIMES):
        _say(f"Again, alone: {len(failed)} of them.")
        code = subprocess.call([*_PYTEST, *sorted(failed)])
        if code:
            return code
    _say("Failed beside others and passed alone, to be looked into:", *sorted(failed))
    return 0


def may_be_an_accident(failed: list[str]) -> bool:
    """Whether failures are few, and all where the machine has a part in them."""
    return 0 < len(failed) <= MOST and not any(one.startswith(DEPEND_ON_NOTHING) for one in failed)


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(["", *lines, ""]))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
