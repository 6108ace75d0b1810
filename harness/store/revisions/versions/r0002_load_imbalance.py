"""The fact and metric `straggling` becomes `load_imbalance`, the field's own term."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename it in every stored round and result; no value changes."""
    for table in ("fact", "round_metric", "metric"):
        name = sa.column("name", sa.String())
        rows = sa.table(table, name)
        op.execute(rows.update().where(name == "straggling").values(name="load_imbalance"))
