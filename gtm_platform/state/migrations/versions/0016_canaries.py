"""What canaries did, when each stage was seen to know of it, and which changes for subscriptions were held back."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "canary_acts",
        sa.Column("canary", sa.String(32), primary_key=True),
        sa.Column("act", sa.String(16), primary_key=True),
        sa.Column("address", sa.String(200), nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("begun_at", Instant),
        sa.Column("done_at", Instant),
        sa.Column("objects", sa.JSON, nullable=False),
        sa.Column("error", sa.Text),
    )
    op.create_table(
        "canary_sightings",
        sa.Column("canary", sa.String(32), primary_key=True),
        sa.Column("act", sa.String(16), primary_key=True),
        sa.Column("stage", sa.String(16), primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
    )
    op.create_table(
        "trigger_stops",
        sa.Column("subscription_id", sa.String(24), primary_key=True),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("approved_at", Instant),
        sa.Column("approved_by", sa.String(200)),
        sa.Column("approved_reason", sa.Text),
        sa.Column("approved_until", Instant),
        sa.Column("approved_messages", sa.Integer),
        sa.Column("used_at", Instant),
        sa.Column("used_by_run", sa.String(64)),
    )
