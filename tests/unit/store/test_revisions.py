"""The revisions lead to the tables that the code reads and writes, in any dialect."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Integer, MetaData, create_engine, inspect

from harness.store import migrations
from harness.store.migrations import HEAD, REVISIONS
from harness.store.tables import Table


@pytest.fixture
def newest() -> Iterator[Connection]:
    """A database with all revisions applied."""
    with create_engine("sqlite://").connect() as connection:
        migrations.bring_up_to_date(connection)
        yield connection


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    """The changes that Alembic would make to the database."""
    found: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
    return found


def layout(connection: Connection) -> dict[str, Any]:
    """The tables, with the primary keys and foreign key actions that Alembic does not compare."""
    inspector = inspect(connection)
    return {
        name: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"])
                for column in inspector.get_columns(name)
            },
            "key": inspector.get_pk_constraint(name)["constrained_columns"],
            "refers": sorted(map(str, inspector.get_foreign_keys(name))),
            "indexes": sorted(map(str, inspector.get_indexes(name))),
        }
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }


def test_the_newest_revision_gives_the_current_tables(newest: Connection) -> None:
    """A changed table needs a revision."""
    assert differences(newest, Table.metadata) == []
    with create_engine("sqlite://").connect() as connection:
        Table.metadata.create_all(connection)
        assert layout(newest) == layout(connection)


def test_a_column_without_a_revision_is_found(newest: Connection) -> None:
    """So the test above can fail."""
    changed = MetaData()
    for table in Table.metadata.tables.values():
        table.to_metadata(changed)
    changed.tables["run"].append_column(Column("season", Integer, nullable=True))
    assert [one[0] for one in differences(newest, changed)] == ["add_column"]


def test_head_names_the_newest_revision() -> None:
    assert ScriptDirectory(str(REVISIONS)).get_heads() == [HEAD]


def test_the_revisions_do_not_depend_on_sqlite() -> None:
    """This prints PostgreSQL's statements, without executing them."""
    script, out = ScriptDirectory(str(REVISIONS)), StringIO()
    steps = [
        MigrationStep.upgrade_from_script(script.revision_map, one)
        for one in reversed(list(script.walk_revisions()))
    ]
    with EnvironmentContext(Config(), script, fn=lambda *_: steps, as_sql=True) as environment:
        environment.configure(dialect_name="postgresql", output_buffer=out)
        environment.run_migrations()
    assert out.getvalue().count("CREATE TABLE") == len(Table.metadata.tables) + 1
