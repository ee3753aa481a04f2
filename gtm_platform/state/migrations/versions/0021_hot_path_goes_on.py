"""Where the hot path goes on after it ended, and what its comparisons came to."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the tables, and the messages of a run."""
    for name in ("messages", "alerts"):
        op.add_column("hot_runs", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "hot_cursor",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("last_id", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_table(
        "hot_comparisons",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("equal", sa.Integer, nullable=False),
        sa.Column("moved", sa.Integer, nullable=False),
        sa.Column("waiting", sa.Integer, nullable=False),
        sa.Column("different", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_index("hot_comparisons_by_time", "hot_comparisons", ["at"])
