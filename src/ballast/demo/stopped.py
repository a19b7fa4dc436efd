"""How the demo ends when it cannot go on."""

from __future__ import annotations


class DemoStopped(Exception):
    """One sentence that says why the story could not be told to its end."""
