"""Settings: environment variables whose names begin with BALLAST_."""

from ballast.settings.reading import read_settings, sign_in_problem
from ballast.settings.variables import PREFIX, Settings

__all__ = ["PREFIX", "Settings", "read_settings", "sign_in_problem"]
