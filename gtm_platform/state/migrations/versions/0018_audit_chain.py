"""Each entry of the audit with the hash of the one before it, and the role that a token has."""

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.audit import BEGINNING, digest
from gtm_platform.state.schema import Instant

revision = "0018"
down_revision = "0017"

AUDIT = sa.table(
    "audit",
    sa.column("id", sa.Integer),
    sa.column("at", Instant),
    *(sa.column(name, sa.String) for name in ("actor", "action", "subject", "previous", "hash")),
    sa.column("detail", sa.JSON),
)


def upgrade() -> None:
    """Add the hashes, and chain the entries that are there."""
    for name in ("previous", "hash"):
        op.add_column("audit", sa.Column(name, sa.String(64), nullable=False, server_default=""))
    connection, previous = op.get_bind(), BEGINNING
    for row in connection.execute(sa.select(AUDIT).order_by(AUDIT.c.id)).mappings().all():
        chained = {**row, "previous": previous}
        previous, before = digest(chained), previous
        values = {"previous": before, "hash": previous}
        connection.execute(sa.update(AUDIT).where(AUDIT.c.id == row["id"]).values(values))
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_index("audit_of_an_actor", "audit", ["actor", "id"])
    op.add_column("api_tokens", sa.Column("role", sa.String(48)))
    op.add_column("api_tokens", sa.Column("account_manager", sa.String(200)))
