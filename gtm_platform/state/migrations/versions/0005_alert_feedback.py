"""What the readers of an alert thought of it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Count for each alert who found it useful, and who did not; null where nobody was asked yet."""
    op.add_column("slack_messages", sa.Column("useful", sa.Integer))
    op.add_column("slack_messages", sa.Column("not_useful", sa.Integer))
