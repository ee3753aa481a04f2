"""What people decided about who is who."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the decisions."""
    op.create_table(
        "identity_decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("first_record", sa.String(200), nullable=False),
        sa.Column("second_record", sa.String(200), nullable=False),
        sa.Column("decided_by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("undone_at", Instant),
        sa.Column("undone_by", sa.String(200)),
        sa.Column("undone_reason", sa.Text),
    )
