"""What is posted and done elsewhere: Slack, webhooks to subscribers, actions."""

import sqlalchemy as sa

from gtm_platform.state.schema.base import Instant, metadata

# One row for each fact that was, or is to be, sent as an alert.
slack_messages = sa.Table(
    "slack_messages",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("fingerprint", sa.String(200), nullable=False, unique=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("subject_kind", sa.String(16), nullable=False),  # customer company source asset run platform
    sa.Column("subject_id", sa.String(200), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),  # numbers and instants that the message is made of
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("text_hash", sa.String(64)),
    sa.Column("status", sa.String(16), nullable=False),  # intent unknown sent failed
    sa.Column("ts", sa.String(32)),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("at", Instant, nullable=False),
    sa.Column("sent_at", Instant),
    sa.Column("useful", sa.Integer),  # how many readers reacted so; null before the reactions were read
    sa.Column("not_useful", sa.Integer),
    sa.Index("slack_messages_of_a_subject", "kind", "subject_id"),
    sa.Index("slack_messages_by_status", "status"),
)

# To whom changes are sent, by what they asked for. Of a secret only its number and a fingerprint are kept: it is
# made anew from TRIGGER_KEY. `address` may hold a secret of the receiver's in its path: it is shown to nobody else.
trigger_subscriptions = sa.Table(
    "trigger_subscriptions",
    metadata,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("kinds", sa.JSON, nullable=False),
    sa.Column("filters", sa.JSON, nullable=False),  # by field the values of which any may hold
    sa.Column("personal", sa.Boolean, nullable=False),  # whether names and addresses are sent
    sa.Column("whole", sa.Boolean, nullable=False),  # whether it is sent how everybody stands, to begin with
    sa.Column("secrets", sa.JSON, nullable=False),  # number, fingerprint, and until when it signs
    sa.Column("status", sa.String(16), nullable=False),  # active paused off removed
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("status_at", Instant, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
    sa.Column("begun_at", Instant),  # when it was first compared
    sa.Column("failing_since", Instant),
    sa.Column("delivered_at", Instant),  # the last time
)

# What each subscription was last sent of each subject; null once it was sent that nothing more comes of it.
trigger_values = sa.Table(
    "trigger_values",
    metadata,
    sa.Column("subscription_id", sa.String(24), primary_key=True),
    sa.Column("subject_kind", sa.String(16), primary_key=True),  # customer company
    sa.Column("subject_id", sa.String(64), primary_key=True),
    sa.Column("content", sa.Text),  # JSON: kind and value
    sa.Column("sequence", sa.Integer, nullable=False),  # messages about it so far
)

# The messages, each written with the values that it says. Names and addresses are looked up when it is sent.
trigger_messages = sa.Table(
    "trigger_messages",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("message_id", sa.String(64), nullable=False, unique=True),
    sa.Column("subscription_id", sa.String(24), nullable=False),
    sa.Column("type", sa.String(32), nullable=False),
    sa.Column("subject_kind", sa.String(16), nullable=False),
    sa.Column("subject_id", sa.String(64), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),  # waiting delivered dead
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("settled_at", Instant),
    sa.Column("error", sa.Text),
    sa.Index("trigger_messages_due", "status", "due_at"),
    sa.Index("trigger_messages_of_a_subscription", "subscription_id", "id"),
    sa.Index("trigger_messages_of_a_day", "day"),
)

# The changes for a subscription that a run held back as they were too many, the newest of each subscription; and who
# approved them, why, until when, and which run made use of it.
trigger_stops = sa.Table(
    "trigger_stops",
    metadata,
    sa.Column("subscription_id", sa.String(24), primary_key=True),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("approved_at", Instant),
    sa.Column("approved_by", sa.String(200)),
    sa.Column("approved_reason", sa.Text),
    sa.Column("approved_until", Instant),
    sa.Column("approved_messages", sa.Integer),
    sa.Column("used_at", Instant),
    sa.Column("used_by_run", sa.String(64)),
)

# One row for each thing that was, or was to be, done for a customer in another system, once for each time that it was
# at risk: `over_at` is when it was no more.
actions = sa.Table(
    "actions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("rule", sa.String(48), nullable=False),
    sa.Column("does", sa.String(32), nullable=False),
    sa.Column("subject_id", sa.String(64), nullable=False),
    sa.Column("target_id", sa.String(64), nullable=False),  # the contact in the other system
    sa.Column("reference", sa.String(64), nullable=False, unique=True),  # by which it is recognised there
    sa.Column("status", sa.String(16), nullable=False),  # intent done refused undone
    sa.Column("external_id", sa.String(64)),  # of the task, or of the tag
    sa.Column("ours", sa.Boolean, nullable=False),  # whether it was not there before
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("at", Instant, nullable=False),
    sa.Column("settled_at", Instant),
    sa.Column("over_at", Instant),
    sa.Index("actions_of_a_rule", "rule", "over_at"),
    sa.Index("actions_of_a_run", "run_id"),
)
