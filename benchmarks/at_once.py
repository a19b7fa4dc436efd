"""Ballast with a devnet that settles at once and does not wait for the disk: the world outside is
not what is measured. Run as `python -m benchmarks.at_once`, with the words of a command.
"""

from __future__ import annotations

from dataclasses import fields

from ballast.__main__ import main
from ballast.devnet import DevnetOptions

AT_ONCE = {"settle_seconds": (0.0, 0.0), "synchronous": "OFF"}


def settle_at_once() -> None:
    """Let these be the values of what nobody says."""
    make = DevnetOptions.__init__
    given = [AT_ONCE.get(one.name, one.default) for one in fields(DevnetOptions)]
    make.__defaults__ = tuple(given)


if __name__ == "__main__":
    settle_at_once()
    main()
