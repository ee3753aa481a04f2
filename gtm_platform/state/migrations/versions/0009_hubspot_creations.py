"""What was created and associated in HubSpot, quick to read among all that was written there."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add an index of the rows that are about no field."""
    about_no_field = sa.text("property = 'hs_object_id' or property = 'associated_object'")
    op.create_index(
        "hubspot_writes_of_objects",
        "hubspot_writes",
        ["property", "object_type"],
        sqlite_where=about_no_field,
        postgresql_where=about_no_field,
    )
