"""An empty database of the newest revision, made once in a process and copied from then on.

Making one runs every migration there is, which costs more than most tests do besides. The tests of
the migrations, and of whole processes, begin with nothing.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from ballast.adapters.store.migrate import prepare


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "ballast.sqlite"
        prepare(file)
        return file.read_bytes()


def put_empty_database(file: Path) -> None:
    """Put one at `file`, unless there is a file already."""
    if file.exists():
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_bytes(_empty_database())
