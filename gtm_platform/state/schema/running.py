"""Who runs what, and what was done of what was due."""

import sqlalchemy as sa

from gtm_platform.state.schema.base import Instant, metadata

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

# Runs of Dagster, whichever host they are on: the process that each is, which says again and again that it lives.
run_beats = sa.Table(
    "run_beats",
    metadata,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("host", sa.String(200), nullable=False),
    sa.Column("boot", sa.String(100), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started", sa.String(32), nullable=False),  # when, by the host's own count: a number is given again
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
