"""Run by Alembic for each command: do it on the connection that migrations.py gives.

Its transaction is open. Alembic neither begins nor commits one then.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
