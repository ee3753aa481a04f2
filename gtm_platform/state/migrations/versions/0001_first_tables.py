"""The journals of HubSpot and Slack, and the audit trail."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the journals of HubSpot and Slack, and the audit trail."""
    op.create_table(
        "hubspot_writes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("object_type", sa.String(32), nullable=False),
        sa.Column("object_id", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("property", sa.String(128), nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("provenance", sa.Text, nullable=False),
        sa.Column("trace_id", sa.String(64), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("receipt_at", Instant),
    )
    op.create_index("ix_hubspot_writes_run_id", "hubspot_writes", ["run_id"])
    op.create_index("hubspot_writes_of_a_value", "hubspot_writes", ["object_type", "object_id", "property"])
    op.create_table(
        "slack_messages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("fingerprint", sa.String(200), nullable=False, unique=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("text_hash", sa.String(64)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("ts", sa.String(32)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("at", Instant, nullable=False),
        sa.Column("sent_at", Instant),
    )
    op.create_index("slack_messages_of_a_customer", "slack_messages", ["kind", "customer_id"])
    op.create_index("slack_messages_by_status", "slack_messages", ["status"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", Instant, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
