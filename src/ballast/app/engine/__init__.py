"""The engine: looks at rows that are due and moves each one step, until nothing is due.

Start and recovery are the same path: what a crash left behind is due, like everything else.
"""

from ballast.app.engine.leader import EngineStatus, Leader
from ballast.app.engine.loop import Engine

__all__ = ["Engine", "EngineStatus", "Leader"]
