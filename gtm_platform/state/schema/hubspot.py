"""What was written to HubSpot, what it holds and refuses, and how far it was compared."""

import sqlalchemy as sa

from gtm_platform.state.schema.base import Instant, metadata

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
