"""Nights: pairs of rounds at two commits, what they prove, and people's decisions about it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; all stored runs count in the history, as before."""
    op.add_column("run", sa.Column("night", sa.Integer()))
    op.create_table(
        "night",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("host", sa.String(), sa.ForeignKey("host.fingerprint"), nullable=False),
        sa.Column("environment", sa.JSON(), nullable=False),
        sa.Column("environment_digest", sa.String(), nullable=False),
        sa.Column("head", sa.JSON(), nullable=False),
        sa.Column("specs", sa.JSON(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("started", sa.DateTime(), nullable=False),
        sa.Column("finished", sa.DateTime()),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", sa.Double(), nullable=False),
    )
    _confirmations()
    op.create_table(
        "triage",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("cell", sa.String(), sa.ForeignKey("cell.id"), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("commit_sha", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("when", sa.DateTime(), nullable=False),
    )


def _confirmations() -> None:
    of_night = sa.ForeignKey("night.id", ondelete="CASCADE")
    op.create_table(
        "confirmation",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("night", sa.Integer(), of_night, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("cell", sa.String(), sa.ForeignKey("cell.id"), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("base", sa.JSON(), nullable=False),
        sa.Column("head", sa.JSON(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("ratio", sa.Double()),
        sa.Column("low", sa.Double()),
        sa.Column("high", sa.Double()),
        sa.Column("p", sa.Double()),
        sa.Column("value", sa.Double()),
        sa.Column("predicted_low", sa.Double()),
        sa.Column("predicted_high", sa.Double()),
        sa.Column("accepted", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_confirmation_night", "confirmation", ["night"])
    op.create_index("ix_confirmation_cell", "confirmation", ["cell"])
    op.create_table(
        "pair",
        sa.Column(
            "confirmation",
            sa.Integer(),
            sa.ForeignKey("confirmation.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("head_first", sa.Boolean(), nullable=False),
        sa.Column("base", sa.Double(), nullable=False),
        sa.Column("head", sa.Double(), nullable=False),
        sa.Column("base_round", sa.Integer()),
        sa.Column("head_round", sa.Integer()),
    )
