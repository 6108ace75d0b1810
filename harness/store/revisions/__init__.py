"""Alembic's revisions, from an empty database to the tables of today, in versions/.

To change tables.py, add a revision and name it in HEAD of migrations.py; tests/unit/store/
test_revisions.py prints what differs until they agree. A revision is frozen DDL: databases out
there have applied it, so it never changes and imports nothing of the harness's.
"""
