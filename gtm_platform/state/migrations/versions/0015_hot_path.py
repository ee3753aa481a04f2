"""What the hot path did, whose rows it delivered, and whether it may run."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "hot_runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("sources", sa.String(200), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("customers", sa.Integer, nullable=False),
        sa.Column("fields", sa.Integer, nullable=False),
        sa.Column("left", sa.JSON, nullable=False),
        sa.Column("stages", sa.JSON, nullable=False),
        sa.Column("first_event_at", Instant, nullable=False),
        sa.Column("last_event_at", Instant, nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_index("hot_runs_by_time", "hot_runs", ["at"])
    op.create_table(
        "hot_customers",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("until", sa.String(40), nullable=False),
        sa.Column("digests", sa.JSON, nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_table(
        "hot_tables",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("read_by", sa.String(40), nullable=False),
        sa.Column("made_by", sa.String(40), nullable=False),
        sa.Column("rules", sa.String(40), nullable=False),
    )
    op.create_table(
        "hot_switches",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
