"""The audit trail: who did what to what, and when. Entries are added and read, never changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.schema import audit


def note(tx: sa.Connection, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Add an entry; the caller's transaction decides whether it stays."""
    row = {"at": at, "actor": actor, "action": action, "subject": subject, "detail": dict(detail)}
    tx.execute(sa.insert(audit), row)


def entries(tx: sa.Connection, action: str) -> list[sa.RowMapping]:
    """Return all entries of an action, the oldest first."""
    return list(tx.execute(sa.select(audit).where(audit.c.action == action).order_by(audit.c.id)).mappings())
