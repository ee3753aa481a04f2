"""The accounts that this state belongs to."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the accounts that a home belongs to."""
    op.create_table(
        "accounts",
        sa.Column("system", sa.String(32), primary_key=True),
        sa.Column("account_id", sa.String(128), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("pinned_at", Instant, nullable=False),
    )
