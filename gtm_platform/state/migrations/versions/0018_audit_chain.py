"""Each entry of the audit with the hash of the one before it, and the role that a token has."""

import secrets

import sqlalchemy as sa
from alembic import op

from gtm_platform.state.audit import BEGINNING, content_hash, digest
from gtm_platform.state.schema import Instant

revision = "0018"
down_revision = "0017"

AUDIT = sa.table(
    "audit",
    sa.column("id", sa.Integer),
    sa.column("at", Instant),
    *(sa.column(name, sa.String) for name in ("actor", "action", "subject", "previous", "salt", "content", "hash")),
    sa.column("detail", sa.JSON),
)


def upgrade() -> None:
    """Add the hashes, and chain the entries that are there."""
    for name, length in (("previous", 64), ("salt", 32), ("content", 64), ("hash", 64)):
        op.add_column("audit", sa.Column(name, sa.String(length), nullable=False, server_default=""))
    connection, previous = op.get_bind(), BEGINNING
    for row in connection.execute(sa.select(AUDIT).order_by(AUDIT.c.id)).mappings().all():
        chained = {**row, "previous": previous, "salt": secrets.token_hex(16)}
        chained["content"] = content_hash(chained)
        previous = digest(chained)
        values = {**{name: chained[name] for name in ("previous", "salt", "content")}, "hash": previous}
        connection.execute(sa.update(AUDIT).where(AUDIT.c.id == row["id"]).values(values))
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_index("audit_of_an_actor", "audit", ["actor", "id"])
    op.add_column("api_tokens", sa.Column("role", sa.String(48)))
    op.add_column("api_tokens", sa.Column("account_manager", sa.String(200)))
