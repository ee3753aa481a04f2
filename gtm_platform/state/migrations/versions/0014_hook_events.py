"""What systems sent by webhook, and how many deliveries were accepted and refused."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "hook_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hook", sa.String(64), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("event_key", sa.String(160), nullable=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("touched", sa.JSON, nullable=False),
        sa.Column("streams", sa.String(200), nullable=False),
        sa.Column("occurred_at", Instant),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("read_at", Instant),
        sa.UniqueConstraint("hook", "event_key"),
    )
    op.create_index("hook_events_to_read", "hook_events", ["source", "read_at", "id"])
    op.create_index("hook_events_by_time", "hook_events", ["source", "received_at"])
    op.create_table(
        "hook_counts",
        sa.Column("hook", sa.String(64), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("outcome", sa.String(16), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last_at", Instant, nullable=False),
    )
