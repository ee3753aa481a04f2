"""What the alerts about customers are decided by: the current customers of a day, and the days before it.

What those about companies need beside it stands in `company_day`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from gtm_platform.delivery.alerts.alert import recovered
from gtm_platform.delivery.gate import CUSTOMERS
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy
from gtm_platform.state.slack_journal import Entry

Row = Mapping[str, Any]


@dataclass(frozen=True)
class CustomerDay:
    """The current customers of a day; `past` has everybody of the days before, by day and customer."""

    day: str
    customers: Sequence[Row]
    past: Mapping[str, Mapping[str, Row]]
    last_alerts: Mapping[str, Mapping[str, Entry]]  # by kind and customer
    rules: Policy
    transitions: Sequence[Row] = ()  # the changes of companies' cohorts of the last days
    opportunities: Sequence[Row] = ()  # the signs of the day that some days before were not there

    def day_before(self, days: int) -> str:
        """Return the day so many days before."""
        return (date.fromisoformat(self.day) - timedelta(days=days)).isoformat()

    def last_alert(self, kind: str, customer_id: str) -> Entry | None:
        """Return the customer's last alert of the kind, unless it is older than the days that are looked at."""
        last = self.last_alerts.get(kind, {}).get(customer_id)
        return last if last and last.day >= min(self.past, default=self.day) else None

    def open_alert(self, kind: str, customer_id: str) -> Entry | None:
        """Return the customer's last alert of the kind, however old, unless it was never sent or is over."""
        last = self.last_alerts.get(kind, {}).get(customer_id)
        return last if last and last.status != "failed" and not recovered(last.facts) else None

    def rows_since_alert(self, kind: str, customer_id: str) -> Iterator[tuple[str, Row]]:
        """Yield the customer's rows of the days after its last alert of the kind, or of all days, oldest first."""
        last = self.last_alert(kind, customer_id)
        for day in sorted(self.past):
            if (row := self.past[day].get(customer_id)) and (last is None or day > last.day):
                yield day, row


def read_customers(lake: Lake, day: str, columns: Collection[str]) -> list[dict[str, Any]]:
    """Read the current customers of a day. A column that the day was made without is null."""
    table = lake.partition(CUSTOMERS, day)
    return _rows(table.filter(table["is_customer"]), columns)


def read_past(
    lake: Lake, day: str, days: int, columns: Collection[str], only: Collection[str] | None = None
) -> dict[str, dict[str, Row]]:
    """Read everybody, or some, of the days before, as far as the lake has them."""
    first = (date.fromisoformat(day) - timedelta(days=days)).isoformat()

    def rows(earlier: str) -> list[dict[str, Any]]:
        table = lake.partition(CUSTOMERS, earlier)
        return _rows(table if only is None else table.filter(table["customer_id"].isin(sorted(only))), columns)

    return {
        earlier: {row["customer_id"]: row for row in rows(earlier)}
        for earlier in lake.partitions(CUSTOMERS)
        if first <= earlier < day
    }


def _rows(table: Any, columns: Collection[str]) -> list[dict[str, Any]]:
    present = [name for name in columns if name in table.columns]
    absent = dict.fromkeys(name for name in columns if name not in table.columns)
    rows: list[dict[str, Any]] = table.select(*present).to_pyarrow().to_pylist()
    return [absent | row for row in rows] if absent else rows
