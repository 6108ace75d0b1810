"""Alembic's revisions, in versions/: from an empty database to the current tables.

To change tables.py, add a revision and name it in HEAD of migrations.py; tests/unit/store/
test_revisions.py prints the differences until they agree. A revision is frozen DDL: users'
databases have applied it, so it never changes and imports nothing from the harness.
"""
