"""What a snapshot is made of: the lake on its newest day, and what state and Dagster say of alerts and runs."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy
from gtm_platform.serving.snapshot.layout import CUSTOMERS, HISTORY_DAYS

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Landing:
    """What there is to be shown when a snapshot is made; alerts, runs and writes are the newest first."""

    lake: Lake
    made_at: datetime
    rules: Policy
    alerts: Sequence[Row] = ()
    sync_runs: Sequence[Row] = ()
    hubspot_writes: Iterable[Row] = ()
    checks: Sequence[Row] = ()
    accounts: Sequence[Row] = ()  # that the home belongs to
    hubspot_deliveries: Sequence[Row] = ()  # the newest of each type of objects
    triggers: Sequence[Row] = ()  # the subscriptions to changes, with what became of their messages
    hooks: Sequence[Row] = ()  # every webhook, as it is
    hot_path: Row | None = None  # how those stand that are followed at once
    actions: Sequence[Row] = ()  # of the policy, in counts
    canaries: Row = field(default_factory=dict)  # synthetic customers, and which stages saw them

    @property
    def day(self) -> str:
        """The newest day of the wide table; "" where it has none."""
        return max(self.lake.partitions(CUSTOMERS), default="")

    @property
    def days(self) -> list[str]:
        """The days that are shown: the newest and those before it, as far as the lake has them."""
        first = (date.fromisoformat(self.day) - timedelta(days=HISTORY_DAYS - 1)).isoformat()
        return [day for day in self.lake.partitions(CUSTOMERS) if day >= first]


@dataclass(frozen=True)
class Draft:
    """A snapshot that is being filled."""

    landing: Landing
    stamp: str
    db: sqlite3.Connection

    def value(self, metric: str, day: str) -> float | None:
        """Return what a metric came to on a day; None where it has no value."""
        query = "select value from metric_values where metric = ? and dimension = '' and day = ?"
        row = self.db.execute(query, (metric, day)).fetchone()
        return row[0] if row else None

    def by_member(self, metric: str, dimension: str, day: str) -> dict[str, float]:
        """Return what a metric came to on a day, by the members of a dimension."""
        query = "select member, value from metric_values where metric = ? and dimension = ? and day = ?"
        return dict(self.db.execute(query, (metric, dimension, day)))


def as_json(value: Any) -> str:
    """Return a value as JSON, as it is sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def instant(moment: datetime) -> str:
    """Return a moment as it is shown everywhere: RFC 3339, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
