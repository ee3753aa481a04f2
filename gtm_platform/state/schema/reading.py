"""What comes in: webhooks, dropped files, credits that are spent, and what reading took."""

import sqlalchemy as sa

from gtm_platform.state.schema.base import Credits, Instant, metadata

# Events that systems sent by webhook: ids, kinds and times. A body is kept of systems that cannot be asked, encrypted,
# until the window that it belongs to has landed for some days.
hook_events = sa.Table(
    "hook_events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("hook", sa.String(64), nullable=False),
    sa.Column("source", sa.String(64), nullable=False),  # whose windows are read because of it
    sa.Column("event_key", sa.String(160), nullable=False),  # the sender's id, or a digest of the body
    sa.Column("kind", sa.String(100), nullable=False),
    sa.Column("touched", sa.JSON, nullable=False),  # ids by stream
    sa.Column("streams", sa.String(200), nullable=False),  # that are still to be read because of it
    sa.Column("occurred_at", Instant),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("body", sa.LargeBinary),
    sa.Column("read_at", Instant),  # when a run had read what it is about; at once where it is about no stream
    sa.UniqueConstraint("hook", "event_key"),
    sa.Index("hook_events_to_read", "source", "read_at", "id"),
    sa.Index("hook_events_by_time", "source", "received_at"),
)

# How many deliveries of a hook were accepted or repeated, or refused and why, each day.
hook_counts = sa.Table(
    "hook_counts",
    metadata,
    sa.Column("hook", sa.String(64), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("outcome", sa.String(16), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
)

# The files that were dropped for each source, each content once. The files themselves lie in the home.
dropped_files = sa.Table(
    "dropped_files",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 of the content
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("stream", sa.String(64), nullable=False),  # "" before it is recognised
    sa.Column("status", sa.String(16), nullable=False),  # received accepted refused read
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("until", Instant, nullable=False),  # what its last row counts as of
    sa.Column("report", sa.JSON, nullable=False),  # counts and reasons; nothing that stands in the file
    sa.Column("settled_at", Instant),  # when it was refused or read
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("dropped_again_at", Instant),
    sa.UniqueConstraint("source", "digest"),
)

# What is, or may be, spent of a provider's credits: a row is reserved before the call, begun when the call leaves, and
# ends as charged or released. Only the first two and what was charged count against the month's cap.
credit_reservations = sa.Table(
    "credit_reservations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("month", sa.String(7), nullable=False),  # in which it was reserved, and counts
    sa.Column("subject", sa.String(255), nullable=False),  # what was to be bought: a company's domain
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("reserved", Credits, nullable=False),
    sa.Column("charged", Credits),
    sa.Column("status", sa.String(16), nullable=False),  # reserved begun charged released
    sa.Column("reference", sa.String(200)),  # by which the provider is asked what became of the call
    sa.Column("unit", sa.String(200)),  # what was charged for, where the provider charges for it once only
    sa.Column("reason", sa.Text),
    sa.Column("at", Instant, nullable=False),
    sa.Column("begun_at", Instant),
    sa.Column("settled_at", Instant),
    sa.Index("credit_reservations_of_a_month", "provider", "month"),
    sa.Index("credit_reservations_of_a_subject", "provider", "subject"),
    sa.Index("credit_reservations_of_a_unit", "provider", "unit"),
)

# What providers answered, as received: an answer that was paid for is kept with the payment, as it cannot be had again
# for nothing. It is about a company, never about a person.
bought_answers = sa.Table(
    "bought_answers",
    metadata,
    sa.Column("reservation_id", sa.Integer, sa.ForeignKey("credit_reservations.id"), primary_key=True),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("subject", sa.String(255), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),  # matched no_match failed
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("retrieved_at", Instant, nullable=False),
    sa.Index("bought_answers_by_time", "provider", "retrieved_at"),
)

# What the runs of each day took of each system: runs, calls, records read, and time.
source_use = sa.Table(
    "source_use",
    metadata,
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("system", sa.String(64), primary_key=True),
    sa.Column("runs", sa.Integer, nullable=False),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("milliseconds", sa.BigInteger, nullable=False),
)
