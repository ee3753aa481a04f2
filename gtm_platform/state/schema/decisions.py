"""What people decided: who is who, and experiments."""

import sqlalchemy as sa

from gtm_platform.state.schema.base import Instant, metadata

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
