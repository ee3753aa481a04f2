"""The files that people drop."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the files."""
    op.create_table(
        "dropped_files",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("as_of", Instant, nullable=False),
        sa.Column("until", Instant, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        sa.Column("settled_at", Instant),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("dropped_again_at", Instant),
        sa.UniqueConstraint("source", "digest"),
    )
