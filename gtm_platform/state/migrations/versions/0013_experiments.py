"""Experiments that were registered."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the experiments."""
    op.create_table(
        "experiments",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("terms", sa.JSON, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("registered_at", Instant, nullable=False),
        sa.Column("registered_by", sa.String(200), nullable=False),
        sa.Column("stopped_at", Instant),
        sa.Column("stopped_by", sa.String(200)),
        sa.Column("stopped_reason", sa.Text),
    )
