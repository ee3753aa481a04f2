"""A lake with months of customers, of whom those who log in less and less leave."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from gtm_platform.intelligence.churn import features
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.tables import filled

FIRST, STEP = date(2025, 1, 1), timedelta(days=10)


@dataclass
class Past:
    """Days of a lake, ten days apart."""

    lake: Lake
    customers: int = 340
    steps: int = 30
    informative: bool = True

    @property
    def days(self) -> list[date]:
        return [FIRST + step * STEP for step in range(self.steps)]

    def write(self) -> "Past":
        """Write each day, and its features."""
        draw = np.random.default_rng(11)
        leaves = draw.integers(1, 260, self.customers) * (draw.random(self.customers) < 0.8)
        noise = draw.normal(size=(self.steps, self.customers))
        for step, day in enumerate(self.days):
            self.write_day(day, [*self._rows(step, leaves, noise[step])])
        return self

    def _rows(self, step: int, leaves: Any, noise: Any) -> Iterator[dict[str, Any]]:
        """Who leaves after some steps logs in less in the nine steps before; then somebody else takes the place."""
        for place in range(self.customers):
            ends = int(leaves[place]) % 40 + 5 if leaves[place] else None
            near = ends is not None and 0 < ends - step <= 9
            falls = 2.0 if near and self.informative else 0.0
            logins = max(0, round(8 - 1.2 * falls + 1.5 * float(noise[place])))
            gone = ends is not None and step >= ends
            yield {
                "customer_id": f"c{place:03}",
                "mrr": 0 if gone else 50,
                "customer_status": "churned" if gone else "active",
                "is_customer": not gone,
                "logins_7d": logins // 4,
                "logins_14d": logins // 2,
                "logins_14d_before": 4,
                "logins_28d_before": 8,
                "logins_30d": logins,
                "days_since_seen": place % 6,
                "failed_payments_30d": 0,
                "health_score": 50,
                "health_status": "at_risk",
                "churn_risk": 10,
                "policy_hash": "h",
            }

    def write_day(self, day: date, rows: list[dict[str, Any]]) -> None:
        """Write what the features of a day are made from, and they themselves."""
        tables = ("identity/people", "core/profile", "core/revenue", "core/activity", "core/support", "core/calls")
        for table in (*tables, "health/customer_health"):
            schema = set(filled(table).columns)
            of_table = [{name: value for name, value in row.items() if name in schema} for row in rows]
            self.lake.write(table, str(day), engine().to_pyarrow(filled(table, *of_table)))
        features.TABLE.write_day(self.lake, str(day))


def past(folder: Path, **values: Any) -> Past:
    """Write a past into a folder."""
    return Past(Lake(folder / "lake"), **values).write()
