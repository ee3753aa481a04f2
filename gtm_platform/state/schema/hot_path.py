"""What the hot path and canaries did, and what was seen of it."""

import sqlalchemy as sa

from gtm_platform.state.schema.base import Instant, metadata

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
    sa.Column("messages", sa.Integer, nullable=False, server_default="0"),  # to who subscribed to changes
    sa.Column("alerts", sa.Integer, nullable=False, server_default="0"),  # journaled for Slack
    sa.Column("companies", sa.Integer, nullable=False, server_default="0"),  # as `customers`
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

# Whose companies' rows, likewise.
hot_companies = sa.Table(
    "hot_companies",
    metadata,
    sa.Column("company_id", sa.String(64), primary_key=True),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("until", sa.String(40), nullable=False),
    sa.Column("digests", sa.JSON, nullable=False),
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

# The same of the tables of companies, which a run makes after those.
hot_company_tables = sa.Table(
    "hot_company_tables",
    metadata,
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("read_by", sa.String(40), nullable=False),
    sa.Column("made_by", sa.String(40), nullable=False),
    sa.Column("rules", sa.String(40), nullable=False),
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

# Up to which event of hooks everything was followed, or left to the tables: where a worker that starts again goes on.
hot_cursor = sa.Table(
    "hot_cursor",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("last_id", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

# What came of each comparison of delivered rows with the tables that were made afterwards.
hot_comparisons = sa.Table(
    "hot_comparisons",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("subject", sa.String(16), nullable=False, server_default="customers"),  # customers companies
    sa.Column("equal", sa.Integer, nullable=False),
    sa.Column("moved", sa.Integer, nullable=False),
    sa.Column("waiting", sa.Integer, nullable=False),
    sa.Column("different", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index("hot_comparisons_by_time", "at"),
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
