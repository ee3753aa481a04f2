"""Whose companies' rows the hot path delivered, by which tables, and what became of them."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the tables, the companies of a run, and of whom a comparison is."""
    op.add_column("hot_runs", sa.Column("companies", sa.Integer, nullable=False, server_default="0"))
    op.add_column("hot_comparisons", sa.Column("subject", sa.String(16), nullable=False, server_default="customers"))
    op.create_table(
        "hot_companies",
        sa.Column("company_id", sa.String(64), primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("until", sa.String(40), nullable=False),
        sa.Column("digests", sa.JSON, nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_table(
        "hot_company_tables",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("read_by", sa.String(40), nullable=False),
        sa.Column("made_by", sa.String(40), nullable=False),
        sa.Column("rules", sa.String(40), nullable=False),
    )
