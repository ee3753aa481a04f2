"""Experiments as they were registered: kept with who registered them and when, stopped but never changed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.schema import experiments


@dataclass(frozen=True)
class Registered:
    """An experiment: its terms, when they were registered and, where it was stopped early, when and why."""

    name: str
    terms: Mapping[str, Any]
    digest: str
    registered_at: datetime
    registered_by: str
    stopped_at: datetime | None = None
    stopped_by: str | None = None
    stopped_reason: str | None = None

    @property
    def is_intact(self) -> bool:
        """Whether the terms are those that were registered."""
        return digest_of(self.terms) == self.digest


def digest_of(terms: Mapping[str, Any]) -> str:
    """Return the hash of some terms, whatever their order."""
    return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()


def add_experiment(tx: sa.Connection, name: str, terms: Mapping[str, Any], who: str, at: datetime) -> Registered:
    """Keep an experiment."""
    row = Registered(name, dict(terms), digest_of(terms), at, who)
    values = {"name": name, "terms": row.terms, "digest": row.digest, "registered_at": at, "registered_by": who}
    tx.execute(sa.insert(experiments), values)
    return row


def stop_experiment(tx: sa.Connection, name: str, who: str, reason: str, at: datetime) -> bool:
    """Stop an experiment; return whether it was registered and not stopped yet."""
    changed = tx.execute(
        sa.update(experiments)
        .where(experiments.c.name == name, experiments.c.stopped_at.is_(None))
        .values(stopped_at=at, stopped_by=who, stopped_reason=reason)
    )
    return bool(changed.rowcount)


def all_experiments(tx: sa.Connection) -> list[Registered]:
    """Return every experiment, the first registered first."""
    rows = tx.execute(sa.select(experiments).order_by(experiments.c.registered_at, experiments.c.name)).mappings()
    return [Registered(**row) for row in rows]
