"""The tables of the state, and the version of the schema that this code expects. Personal data stay out: a row names
records by their ids. A change here needs a migration in `migrations/versions`.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

VERSION = "0020"

metadata = sa.MetaData()


class Instant(TypeDecorator[datetime]):
    """An aware UTC moment; read as UTC where the database keeps no time zone, as SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Credits(TypeDecorator[Decimal]):
    """An amount of a provider's credits, exact to a thousandth; kept as a whole number of thousandths."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else int((Decimal(value) * 1000).to_integral_exact())

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:  # noqa: ARG002
        return None if value is None else Decimal(value) / 1000


RECORD_ID, ASSOCIATED = "hs_object_id", "associated_object"  # the properties of rows that are about no field
_ABOUT_NO_FIELD = sa.text(f"property = '{RECORD_ID}' or property = '{ASSOCIATED}'")

# One row for each field of a record that was, or was not, written. `before` and `after` are wire values, "" is empty.
# Objects that were created and associations that were made have a row, too: see `hubspot_creations`.
hubspot_writes = sa.Table(
    "hubspot_writes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.String(64), nullable=False, index=True),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("object_type", sa.String(32), nullable=False),
    sa.Column("object_id", sa.String(64), nullable=False),
    sa.Column("customer_id", sa.String(64), nullable=False),
    sa.Column("property", sa.String(128), nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),  # intent written unchanged held rejected unknown
    sa.Column("reason", sa.Text),
    sa.Column("provenance", sa.Text, nullable=False),  # table, rule, day
    sa.Column("trace_id", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("receipt_at", Instant),
    sa.Column("cause", sa.String(16)),  # in a word: what keeps a value from being written, or who changed ours before
    sa.Column("author", sa.String(200)),  # of the value that HubSpot had, as it says: an id of a user or of a workflow
    sa.Column("author_at", Instant),
    sa.Index("hubspot_writes_of_a_value", "object_type", "object_id", "property"),
    sa.Index("hubspot_writes_of_a_day", "day"),
    sa.Index(
        "hubspot_writes_of_objects",
        "property",
        "object_type",
        sqlite_where=_ABOUT_NO_FIELD,
        postgresql_where=_ABOUT_NO_FIELD,
    ),
)

# What the journal last says of each object, so that it is known without reading the journal: a JSON object of the
# values that HubSpot took, and the fields that are in doubt, held or rejected. Kept by the journal's transactions.
hubspot_confirmed = sa.Table(
    "hubspot_confirmed",
    metadata,
    sa.Column("object_type", sa.String(32), primary_key=True),
    sa.Column("object_id", sa.String(64), primary_key=True),
    sa.Column("doubts", sa.Text, nullable=False),  # the properties in doubt, held or rejected, joined by a comma
    sa.Column("confirmed", sa.Text, nullable=False),
)

# One row for each of our records whose values HubSpot refuses, until it takes them.
hubspot_rejections = sa.Table(
    "hubspot_rejections",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("object_type", sa.String(32), nullable=False),
    sa.Column("subject_id", sa.String(64), nullable=False),
    sa.Column("object_id", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # of the values: others are sent at once
    sa.Column("reason", sa.Text, nullable=False),  # in HubSpot's own words
    sa.Column("cause", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("first_at", Instant, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    sa.Column("retry_at", Instant, nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("dismissed_at", Instant),
    sa.Column("dismissed_by", sa.String(200)),
    sa.UniqueConstraint("object_type", "subject_id"),
)

# How far the comparison of all objects of a type with HubSpot is, and what it counted, by property.
hubspot_sweeps = sa.Table(
    "hubspot_sweeps",
    metadata,
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("object_type", sa.String(32), primary_key=True),
    sa.Column("cursor", sa.String(64), nullable=False),  # the last object that was compared; they go by their ids
    sa.Column("objects", sa.Integer, nullable=False),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("broken_objects", sa.Integer, nullable=False),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
)

# One row for each type of objects of a run that delivered, or that stopped as it would do too much; then also who
# approved that, why, until when, and which run made use of it.
hubspot_deliveries = sa.Table(
    "hubspot_deliveries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("object_type", sa.String(32), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),  # delivered stopped
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),  # why it stopped, as a sentence; or what it did
    sa.Column("at", Instant, nullable=False),
    sa.Column("approved_at", Instant),
    sa.Column("approved_by", sa.String(200)),
    sa.Column("approved_reason", sa.Text),
    sa.Column("approved_until", Instant),
    sa.Column("used_at", Instant),
    sa.Column("used_by_run", sa.String(64)),
    sa.Index("hubspot_deliveries_by_time", "at"),
    sa.Index("hubspot_deliveries_of_a_run", "run_id"),
)

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

# Who did or read what, as a chain: rows are only ever added. A person is named by the id of the customer.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False, server_default=""),  # the hash of the entry before it
    sa.Column("salt", sa.String(32), nullable=False, server_default=""),  # of `content`; empty once erased
    sa.Column("content", sa.String(64), nullable=False, server_default=""),  # see `audit.content_hash`
    sa.Column("hash", sa.String(64), nullable=False, server_default=""),  # see `audit.digest`
    sa.Index("audit_by_time", "at"),
    sa.Index("audit_of_an_actor", "actor", "id"),
)

# The one account of each system that this state belongs to.
accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("system", sa.String(32), primary_key=True),
    sa.Column("account_id", sa.String(128), nullable=False),
    sa.Column("label", sa.String(200), nullable=False),
    sa.Column("pinned_at", Instant, nullable=False),
)

# Who may use the API. Of a token only its hash is kept; the token itself is shown once, to whom it is made for.
api_tokens = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("revoked_at", Instant),
    sa.Column("role", sa.String(48)),  # of the policy; without one the scopes decide alone
    sa.Column("account_manager", sa.String(200)),  # whose customers a role sees that sees its own
)

# Syncs that were asked for, by the hash of the key that makes the request idempotent; `answer` once it was given.
sync_requests = sa.Table(
    "sync_requests",
    metadata,
    sa.Column("token_id", sa.String(16), primary_key=True),
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("body_hash", sa.String(64), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("answer", sa.JSON),
)

# What people decided about who is who: two records are the same (merge), or are not (split). None is deleted; one that
# was taken back says when, by whom and why. Records are named as `identity.decisions` does, never by an address.
identity_decisions = sa.Table(
    "identity_decisions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),  # merge split
    sa.Column("first_record", sa.String(200), nullable=False),
    sa.Column("second_record", sa.String(200), nullable=False),
    sa.Column("decided_by", sa.String(200), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("undone_at", Instant),
    sa.Column("undone_by", sa.String(200)),
    sa.Column("undone_reason", sa.Text),
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

# What was to be found out, and how, before it was: rows are never changed, but for when an experiment was stopped.
experiments = sa.Table(
    "experiments",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("terms", sa.JSON, nullable=False),  # the policy's table of it, as it was registered
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 of the terms
    sa.Column("registered_at", Instant, nullable=False),
    sa.Column("registered_by", sa.String(200), nullable=False),
    sa.Column("stopped_at", Instant),
    sa.Column("stopped_by", sa.String(200)),
    sa.Column("stopped_reason", sa.Text),
)

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

# Each time that the hot path ran: whose hooks it followed, how long each stage took, whom it delivered, what it left.
hot_runs = sa.Table(
    "hot_runs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("sources", sa.String(200), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),  # delivered nothing left failed
    sa.Column("reason", sa.Text),
    sa.Column("events", sa.Integer, nullable=False),
    sa.Column("customers", sa.Integer, nullable=False),  # whose rows were computed and may be delivered
    sa.Column("fields", sa.Integer, nullable=False),  # that were written in HubSpot
    sa.Column("left", sa.JSON, nullable=False),  # how many customers or records were left to the tables, by cause
    sa.Column("stages", sa.JSON, nullable=False),  # milliseconds by stage
    sa.Column("first_event_at", Instant, nullable=False),
    sa.Column("last_event_at", Instant, nullable=False),
    sa.Column("at", Instant, nullable=False),  # of its end: what it wrote had been read back
    sa.Index("hot_runs_by_time", "at"),
)

# Whose rows the hot path delivered, until the tables that were made afterwards were compared with them.
hot_customers = sa.Table(
    "hot_customers",
    metadata,
    sa.Column("customer_id", sa.String(64), primary_key=True),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("until", sa.String(40), nullable=False),  # the stamp in the lake by which records counted
    sa.Column("digests", sa.JSON, nullable=False),  # of its row in each table that was made
    sa.Column("at", Instant, nullable=False),
)

# Of which sources' files all tables of a day are made that the hot path goes by: a run made every one of them.
hot_tables = sa.Table(
    "hot_tables",
    metadata,
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("read_by", sa.String(40), nullable=False),  # the stamp in the lake at which the run began
    sa.Column("made_by", sa.String(40), nullable=False),  # the one at which all of them were made
    sa.Column("rules", sa.String(40), nullable=False),  # a digest of the policy and of decisions on who is who
)

# Whether the hot path may run: a row for each time that it was stopped or switched on, the newest counts.
hot_switches = sa.Table(
    "hot_switches",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("is_on", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("at", Instant, nullable=False),
)

# What canaries did: one row for each act, before and after it was done in the systems. `objects` are ids by system.
canary_acts = sa.Table(
    "canary_acts",
    metadata,
    sa.Column("canary", sa.String(32), primary_key=True),
    sa.Column("act", sa.String(16), primary_key=True),  # sign_up complain pay_late churn removed
    sa.Column("address", sa.String(200), nullable=False),  # a synthetic one
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("begun_at", Instant),
    sa.Column("done_at", Instant),
    sa.Column("objects", sa.JSON, nullable=False),
    sa.Column("error", sa.Text),
)

# When each stage was seen to know of an act.
canary_sightings = sa.Table(
    "canary_sightings",
    metadata,
    sa.Column("canary", sa.String(32), primary_key=True),
    sa.Column("act", sa.String(16), primary_key=True),
    sa.Column("stage", sa.String(16), primary_key=True),
    sa.Column("day", sa.String(10), nullable=False),  # of the tables in which it was seen
    sa.Column("seen_at", Instant, nullable=False),
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

# Who was, or is to be, erased. `sealed` holds whom a plan is about, encrypted, until it was carried out or given up;
# plan and receipt hold counts, and name nobody.
erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),  # planned begun done
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("requested_by", sa.String(200), nullable=False),
    sa.Column("requested_at", Instant, nullable=False),
    sa.Column("begun_by", sa.String(200)),
    sa.Column("begun_at", Instant),
    sa.Column("finished_at", Instant),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("plan", sa.JSON, nullable=False),
    sa.Column("receipt", sa.JSON),
)

# By what an erased person is recognised when a system sends it again: keyed hashes of addresses and of record ids.
suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("key_id", sa.String(16), nullable=False),  # of the key that the hash was made with
    sa.Column("scope", sa.String(200), nullable=False),  # the table of a record, else ""
    sa.Column("erasure_id", sa.String(16), nullable=False),
    sa.Column("at", Instant, nullable=False),
)

# Who does what only one process may do at a time, across hosts: it says so again and again while it lives.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("holder", sa.String(64), nullable=False),
    sa.Column("host", sa.String(200), nullable=False),
    sa.Column("boot", sa.String(100), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("doing", sa.String(200), nullable=False),  # in words, for whoever finds it taken
    sa.Column("since", Instant, nullable=False),
    sa.Column("beat_at", Instant, nullable=False),
)

# What `gtm run --due` did of what was due, as far as the lake does not show it; and the cursors of its sensors.
due_marks = sa.Table(
    "due_marks",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),  # done failed cursor
    sa.Column("value", sa.Text),
    sa.Column("at", Instant, nullable=False),
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

# Which file of a table's day a warehouse holds: the receipt is written once the day was replaced and counted there.
published_days = sa.Table(
    "published_days",
    metadata,
    sa.Column("warehouse", sa.String(32), primary_key=True),
    sa.Column("schema_name", sa.String(48), primary_key=True),
    sa.Column("table_name", sa.String(128), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("stamp", sa.String(40), nullable=False),  # of the lake's file
    sa.Column("shape", sa.String(16), nullable=False),  # a digest of the columns, and of what experiments withhold
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
)
