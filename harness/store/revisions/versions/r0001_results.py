"""Runs, results, rounds and their figures; self-checks; ceilings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Start from an empty database. sqlite/before_alembic.py brings older files to this layout."""
    _what_is_measured()
    _runs()
    _results()
    _rounds()
    _figures_of_a_round()
    _hosts()


def _what_is_measured() -> None:
    op.create_table(
        "host",
        sa.Column("fingerprint", sa.String(), primary_key=True),
        sa.Column("content", sa.JSON(), nullable=False),
    )
    op.create_table(
        "cell",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
    )


def _runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commit_sha", sa.String(), nullable=False),
        sa.Column("commit_date", sa.DateTime()),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("dirty", sa.String(), nullable=False),
        sa.Column("host", sa.String(), sa.ForeignKey("host.fingerprint"), nullable=False),
        sa.Column("environment", sa.JSON(), nullable=False),
        sa.Column("environment_digest", sa.String(), nullable=False),
        sa.Column("specs", sa.JSON(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("harness_version", sa.String(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("started", sa.DateTime(), nullable=False),
        sa.Column("finished", sa.DateTime()),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", sa.Double(), nullable=False),
    )
    op.create_index("run_subject", "run", ["commit_sha", "dirty", "host", "environment_digest"])


def _results() -> None:
    op.create_table(
        "result",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("run", sa.Integer(), _of("run"), nullable=False),
        sa.Column("cell", sa.String(), sa.ForeignKey("cell.id"), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("stop_rule", sa.String()),
        sa.Column("baseline", sa.String()),
    )
    for column in ("run", "cell", "status"):
        op.create_index(f"ix_result_{column}", "result", [column])
    op.create_table(
        "metric",
        sa.Column("result", sa.Integer(), _of("result"), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("low", sa.Double()),
        sa.Column("high", sa.Double()),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
    )


def _rounds() -> None:
    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("result", sa.Integer(), _of("result"), nullable=False),
        sa.Column("run", sa.Integer(), _of("run"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("started", sa.DateTime()),
        sa.Column("seconds", sa.Double(), nullable=False),
    )
    for column in ("result", "run"):
        op.create_index(f"ix_round_{column}", "round", [column])


def _figures_of_a_round() -> None:
    for name in ("fact", "round_metric"):
        op.create_table(
            name,
            sa.Column("round", sa.Integer(), _of("round"), primary_key=True),
            sa.Column("name", sa.String(), primary_key=True),
            sa.Column("value", sa.Double(), nullable=False),
        )
    op.create_table(
        "sample",
        sa.Column("round", sa.Integer(), _of("round"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("warmup", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "document",
        sa.Column("round", sa.Integer(), _of("round"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("bits", sa.Double(), nullable=False),
        sa.Column("dense_bits", sa.Double(), nullable=False),
        sa.Column("divergence", sa.Double(), nullable=False),
        sa.Column("agreed", sa.Integer(), nullable=False),
        sa.Column("floor_bits", sa.Double()),
    )


def _hosts() -> None:
    op.create_table(
        "selfcheck",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("host", sa.String(), sa.ForeignKey("host.fingerprint"), nullable=False),
        sa.Column("environment_digest", sa.String(), nullable=False),
        sa.Column("cell", sa.String(), sa.ForeignKey("cell.id"), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("trials", sa.Integer(), nullable=False),
        sa.Column("rounds", sa.Double(), nullable=False),
        sa.Column("false_alarms", sa.Double(), nullable=False),
        sa.Column("noise_floor", sa.Double(), nullable=False),
        sa.Column("smallest_change", sa.Double(), nullable=False),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.Column("when", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "ceiling",
        sa.Column("host", sa.String(), sa.ForeignKey("host.fingerprint"), primary_key=True),
        sa.Column("environment_digest", sa.String(), primary_key=True),
        sa.Column("hardware", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("others", sa.Double(), nullable=False),
        sa.Column("environment", sa.JSON(), nullable=False),
        sa.Column("saved", sa.DateTime(), nullable=False),
    )


def _of(table: str) -> sa.ForeignKey:
    """A foreign key to that table; deleting its row deletes this one."""
    return sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
