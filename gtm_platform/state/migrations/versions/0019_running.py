"""Who runs what is due, what of it was done, and what reading each system took."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("host", sa.String(200), nullable=False),
        sa.Column("boot", sa.String(100), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("doing", sa.String(200), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("beat_at", Instant, nullable=False),
    )
    op.create_table(
        "due_marks",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_table(
        "source_use",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("system", sa.String(64), primary_key=True),
        sa.Column("runs", sa.Integer, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
    )
