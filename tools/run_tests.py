"""Runs the tests; those that fail beside others are asked once more, alone.

Many tests start real processes and hold them against real clocks. On a machine that is busy
elsewhere one of thousands may wait in vain, which says nothing about Ballast. So a few failures are
run again, one after another with the machine to themselves; what fails then has failed. Both runs
print what they saw: a test that needs its second chance is told by name, and is to be mended.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

MOST: Final = 5
"""More failures than this are no accident, and are not tried again."""
_LAST_FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")
_PYTEST: Final = (sys.executable, "-m", "pytest", "-q", "--color=no")
_BESIDE_EACH_OTHER: Final = ("-n", "2", "--dist", "worksteal")
_FAILED: Final = 1


def main(arguments: list[str]) -> int:
    """Run all tests, with further arguments for pytest; the exit code is pytest's."""
    _LAST_FAILED.unlink(missing_ok=True)
    code = subprocess.call([*_PYTEST, *_BESIDE_EACH_OTHER, *arguments])
    failed = _last_failed()
    if code != _FAILED or not 0 < len(failed) <= MOST:
        return code
    _say(f"{len(failed)} of them failed beside other tests. Once more, alone:")
    code = subprocess.call([*_PYTEST, *failed])
    if code == 0:
        _say("Passed only when run alone, and to be looked into:", *failed)
    return code


def _last_failed() -> list[str]:
    if not _LAST_FAILED.exists():
        return []
    return sorted(json.loads(_LAST_FAILED.read_text()))


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(["", *lines, ""]))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
