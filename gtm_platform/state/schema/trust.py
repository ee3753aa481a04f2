"""Who may, who did, and whom nobody may know any more."""

import sqlalchemy as sa

from gtm_platform.state.schema.base import Instant, metadata

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
