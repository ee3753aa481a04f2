"""What became of each delivery to HubSpot, and who approved one that stopped."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0011"
down_revision = "0010"

TABLE = "hubspot_deliveries"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("object_type", sa.String(32), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("approved_at", Instant),
        sa.Column("approved_by", sa.String(200)),
        sa.Column("approved_reason", sa.Text),
        sa.Column("approved_until", Instant),
        sa.Column("used_at", Instant),
        sa.Column("used_by_run", sa.String(64)),
    )
    op.create_index("hubspot_deliveries_by_time", TABLE, ["at"])
    op.create_index("hubspot_deliveries_of_a_run", TABLE, ["run_id"])
