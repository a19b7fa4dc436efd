"""The store on SQLite or Postgres: tables, migrations, reads and writes."""

from ballast.adapters.store.migrate import newest_revision
from ballast.adapters.store.store import SqlStore, open_postgres_store, open_store

__all__ = ["SqlStore", "newest_revision", "open_postgres_store", "open_store"]
