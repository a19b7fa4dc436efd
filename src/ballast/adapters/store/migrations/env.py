"""Runs the migrations on the connection that `ballast.adapters.store.migrate` opened.

That connection is in a transaction of its own, so a migration is done as a whole or not at all.
"""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
