"""Receipts of the days that were copied into a warehouse."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the receipts."""
    op.create_table(
        "published_days",
        sa.Column("warehouse", sa.String(32), primary_key=True),
        sa.Column("schema_name", sa.String(48), primary_key=True),
        sa.Column("table_name", sa.String(128), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("stamp", sa.String(40), nullable=False),
        sa.Column("shape", sa.String(16), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
