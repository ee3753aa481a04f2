"""Who was erased, and by what erased people are recognised."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("requested_by", sa.String(200), nullable=False),
        sa.Column("requested_at", Instant, nullable=False),
        sa.Column("begun_by", sa.String(200)),
        sa.Column("begun_at", Instant),
        sa.Column("finished_at", Instant),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("receipt", sa.JSON),
    )
    op.create_table(
        "suppressions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("scope", sa.String(200), nullable=False),
        sa.Column("erasure_id", sa.String(16), nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
