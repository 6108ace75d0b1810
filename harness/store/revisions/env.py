"""Alembic runs this for each command, on the connection that migrations.py gives.

The connection's transaction is open, so Alembic neither begins nor commits one.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
