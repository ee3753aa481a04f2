"""The newest day of health, which is the only one that is ever delivered, and its rows."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from gtm_platform.lake.lake import Lake

CUSTOMERS, HEALTH = "core/unified_customers", "health/customer_health"

Row = Mapping[str, Any]


def newest_day(lake: Lake) -> str:
    """The newest day for which both tables are there; "" where there is none."""
    return max(set(lake.partitions(HEALTH)) & set(lake.partitions(CUSTOMERS)), default="")


def skip_reason(asked: Collection[str], newest: str) -> str | None:
    """Why none of the days asked for is delivered."""
    if not newest:
        return f"Nothing to deliver: {HEALTH} and {CUSTOMERS} hold no day yet."
    if newest not in asked:
        return f"Nothing is delivered for {', '.join(asked)}: only the newest day of health, {newest}, is."
    return None


def rows(lake: Lake, table: str, day: str, *columns: str) -> Sequence[Row]:
    found = lake.partition(table, day)
    told: Sequence[Row] = (found.select(*columns) if columns else found).to_pyarrow().to_pylist()
    return told


def days_before(lake: Lake, table: str, day: str, days: int, *columns: str) -> dict[str, Sequence[Row]]:
    """The rows of each of the days before, as far as there are any."""
    first = (date.fromisoformat(day) - timedelta(days=days)).isoformat()
    return {then: rows(lake, table, then, *columns) for then in lake.partitions(table) if first <= then < day}
