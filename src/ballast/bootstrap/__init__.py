"""The only place that picks, opens and joins settings, adapters, the devnet and the app."""

from ballast.bootstrap.commanding import command_app
from ballast.bootstrap.engine import lead_when_free, running_app
from ballast.bootstrap.live import live_problems
from ballast.bootstrap.logs import configure_logging
from ballast.bootstrap.machine import Machine, Wire
from ballast.bootstrap.migrating import copy_database, migrate_database
from ballast.bootstrap.opening import opened_app
from ballast.bootstrap.places import Places, make_home
from ballast.bootstrap.serving import serve_http
from ballast.bootstrap.working import run_worker

__all__ = [
    "Machine",
    "Places",
    "Wire",
    "command_app",
    "configure_logging",
    "copy_database",
    "lead_when_free",
    "live_problems",
    "make_home",
    "migrate_database",
    "opened_app",
    "run_worker",
    "running_app",
    "serve_http",
]
