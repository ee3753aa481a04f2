"""The tokens of the API, and the syncs that were asked for through it."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add tokens and requests of syncs."""
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant),
    )
    op.create_table(
        "sync_requests",
        sa.Column("token_id", sa.String(16), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("answer", sa.JSON),
    )
