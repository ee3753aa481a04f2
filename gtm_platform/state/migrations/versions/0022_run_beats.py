"""Which process a run is, on which host, and when it was last known to live."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "run_beats",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("host", sa.String(200), nullable=False),
        sa.Column("boot", sa.String(100), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started", sa.String(32), nullable=False),
        sa.Column("beat_at", Instant, nullable=False),
    )
