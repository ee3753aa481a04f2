"""What keeps HubSpot true: who changed a value, what was last confirmed, what was refused, and how far the sweep is."""

import json
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Any

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.schema import Instant

revision = "0010"
down_revision = "0009"

CONFIRMED = ("written", "unchanged")
ABOUT_NO_FIELD = ("hs_object_id", "associated_object")
ROWS_AT_ONCE = 1_000


def upgrade() -> None:
    """Add the columns and tables, and fill what was last confirmed from the journal."""
    added = (sa.Column("cause", sa.String(16)), sa.Column("author", sa.String(200)), sa.Column("author_at", Instant))
    for column in added:
        op.add_column("hubspot_writes", column)
    op.create_index("hubspot_writes_of_a_day", "hubspot_writes", ["day"])
    confirmed = op.create_table(
        "hubspot_confirmed",
        sa.Column("object_type", sa.String(32), primary_key=True),
        sa.Column("object_id", sa.String(64), primary_key=True),
        sa.Column("doubts", sa.Text, nullable=False),
        sa.Column("confirmed", sa.Text, nullable=False),
    )
    op.create_table(
        "hubspot_rejections",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("object_type", sa.String(32), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("object_id", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
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
    op.create_table(
        "hubspot_sweeps",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("object_type", sa.String(32), primary_key=True),
        sa.Column("cursor", sa.String(64), nullable=False),
        sa.Column("objects", sa.Integer, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("broken_objects", sa.Integer, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("finished_at", Instant),
    )
    assert confirmed is not None
    rows = _last_of_each_object()
    while some := list(islice(rows, ROWS_AT_ONCE)):
        op.bulk_insert(confirmed, some)


def _last_of_each_object() -> Iterator[dict[str, Any]]:
    """Yield what the journal says of each object: the newest row of each of its fields counts."""
    names = ("object_type", "object_id", "property", "after", "status")
    journal = sa.table("hubspot_writes", *(sa.column(name) for name in (*names, "id")))
    newest = (
        sa.select(sa.func.max(journal.c.id))
        .where(journal.c.property.not_in(ABOUT_NO_FIELD))
        .group_by(journal.c.object_type, journal.c.object_id, journal.c.property)
    )
    query = (
        sa.select(*(journal.c[name] for name in names))
        .where(journal.c.id.in_(newest))
        .order_by(journal.c.object_type, journal.c.object_id, journal.c.property)
    )
    rows = op.get_bind().execute(query).fetchall()
    for (object_type, object_id), fields in groupby(rows, key=lambda row: (row.object_type, row.object_id)):
        of_object = list(fields)
        values = {row.property: row.after for row in of_object if row.status in CONFIRMED and row.after}
        yield {
            "object_type": object_type,
            "object_id": object_id,
            "doubts": ",".join(row.property for row in of_object if row.status not in CONFIRMED),
            "confirmed": json.dumps(values, separators=(",", ":"), ensure_ascii=False, sort_keys=True),
        }
