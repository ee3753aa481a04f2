"""The tokens of the API as they are kept: a hash, what it allows, until when. What one looks like: `serving.tokens`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from gtm_platform.state.schema import api_tokens


@dataclass(frozen=True)
class StoredToken:
    """A token; `hash` is that of its secret part."""

    id: str
    name: str
    hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    role: str | None = None  # of the policy
    account_manager: str | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether it may still be used."""
        return self.revoked_at is None and now < self.expires_at


def add_token(tx: sa.Connection, token: StoredToken) -> None:
    """Keep a new token."""
    tx.execute(sa.insert(api_tokens), {**asdict(token), "scopes": list(token.scopes)})


def token_of(tx: sa.Connection, id: str) -> StoredToken | None:
    """Return the token with the id, whether it may be used or not."""
    row = tx.execute(sa.select(api_tokens).where(api_tokens.c.id == id)).mappings().first()
    return _token(row) if row else None


def all_tokens(tx: sa.Connection) -> Sequence[StoredToken]:
    """Return every token, the oldest first."""
    rows = tx.execute(sa.select(api_tokens).order_by(api_tokens.c.created_at, api_tokens.c.id)).mappings()
    return [_token(row) for row in rows]


def revoke_token(tx: sa.Connection, id: str, at: datetime) -> bool:
    """End a token; return whether there was one that was not ended yet."""
    unended = (api_tokens.c.id == id) & api_tokens.c.revoked_at.is_(None)
    return bool(tx.execute(sa.update(api_tokens).where(unended).values(revoked_at=at)).rowcount)


def _token(row: sa.RowMapping) -> StoredToken:
    return StoredToken(**{**row, "scopes": tuple(row["scopes"])})
