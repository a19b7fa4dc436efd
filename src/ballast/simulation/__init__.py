"""The whole product under a seed: its story, its deaths, and what must hold after every step.

See docs/simulation.md.
"""

from ballast.simulation.command import run_simulations
from ballast.simulation.run import Outcome, Setting, simulate
from ballast.simulation.trouble import kinds_named

__all__ = ["Outcome", "Setting", "kinds_named", "run_simulations", "simulate"]
