"""The credits of providers: what is reserved and charged, and the answers that were bought."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Credits, Instant

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the reservations and the answers."""
    op.create_table(
        "credit_reservations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("reserved", Credits, nullable=False),
        sa.Column("charged", Credits),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(200)),
        sa.Column("unit", sa.String(200)),
        sa.Column("reason", sa.Text),
        sa.Column("at", Instant, nullable=False),
        sa.Column("begun_at", Instant),
        sa.Column("settled_at", Instant),
    )
    op.create_index("credit_reservations_of_a_month", "credit_reservations", ["provider", "month"])
    op.create_index("credit_reservations_of_a_subject", "credit_reservations", ["provider", "subject"])
    op.create_index("credit_reservations_of_a_unit", "credit_reservations", ["provider", "unit"])
    op.create_table(
        "bought_answers",
        sa.Column("reservation_id", sa.Integer, sa.ForeignKey("credit_reservations.id"), primary_key=True),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("retrieved_at", Instant, nullable=False),
    )
    op.create_index("bought_answers_by_time", "bought_answers", ["provider", "retrieved_at"])
