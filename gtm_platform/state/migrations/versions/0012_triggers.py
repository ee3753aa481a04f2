"""Subscriptions to changes, what each was sent last, and the messages to them; and what is done for customers."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the four tables."""
    op.create_table(
        "trigger_subscriptions",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("filters", sa.JSON, nullable=False),
        sa.Column("personal", sa.Boolean, nullable=False),
        sa.Column("whole", sa.Boolean, nullable=False),
        sa.Column("secrets", sa.JSON, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("status_at", Instant, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("begun_at", Instant),
        sa.Column("failing_since", Instant),
        sa.Column("delivered_at", Instant),
    )
    op.create_table(
        "trigger_values",
        sa.Column("subscription_id", sa.String(24), primary_key=True),
        sa.Column("subject_kind", sa.String(16), primary_key=True),
        sa.Column("subject_id", sa.String(64), primary_key=True),
        sa.Column("content", sa.Text),
        sa.Column("sequence", sa.Integer, nullable=False),
    )
    op.create_table(
        "trigger_messages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("message_id", sa.String(64), nullable=False, unique=True),
        sa.Column("subscription_id", sa.String(24), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("subject_kind", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("settled_at", Instant),
        sa.Column("error", sa.Text),
    )
    op.create_index("trigger_messages_due", "trigger_messages", ["status", "due_at"])
    op.create_index("trigger_messages_of_a_subscription", "trigger_messages", ["subscription_id", "id"])
    op.create_index("trigger_messages_of_a_day", "trigger_messages", ["day"])
    op.create_table(
        "actions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rule", sa.String(48), nullable=False),
        sa.Column("does", sa.String(32), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("target_id", sa.String(64), nullable=False),
        sa.Column("reference", sa.String(64), nullable=False, unique=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("external_id", sa.String(64)),
        sa.Column("ours", sa.Boolean, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("at", Instant, nullable=False),
        sa.Column("settled_at", Instant),
        sa.Column("over_at", Instant),
    )
    op.create_index("actions_of_a_rule", "actions", ["rule", "over_at"])
    op.create_index("actions_of_a_run", "actions", ["run_id"])
