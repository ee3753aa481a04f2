"""`quality/hot_path_days`: what the hot path did on a day, how soon it delivered, and what it left to the tables.

It is made of the runs that the state keeps; the rows of a day on which it followed nothing are none.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, Prepared
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.hot_path import DELIVERED, FAILED, LEFT, HotRun, runs_since

CUSTOMERS = "core/unified_customers"
MEDIAN, SLOW = 0.5, 0.99


def _count(about: str) -> Column:
    return Column("int64", about, nullable=False, rule=lambda value: value >= 0)


CONTRACT = Contract(
    {
        "day": Column("date", "The day.", nullable=False),
        "runs": _count("How often it followed events."),
        "events": _count("Events that it followed."),
        "delivered": _count("Runs that wrote something, which was read back."),
        "left_runs": _count("Runs of which all was left to the daily tables."),
        "failed": _count("Runs that failed; the daily tables do the same again."),
        "customers": _count("Customers whose rows were computed, once for each run."),
        "companies": Column(
            "int64", "Companies likewise; null where the day was made before.", rule=lambda value: value >= 0
        ),
        "fields": _count("Values written."),
        "p50_seconds": Column("float64", "From the first event to what was read back, in the median."),
        "p99_seconds": Column("float64", "The same, of 99 of 100."),
    },
    key=("day",),
    about="The hot path day by day: events followed, values delivered, and how soon.",
    figures={"fields": lambda t: t["fields"].sum(), "p99_seconds": lambda t: t["p99_seconds"].max()},
)


def table(people: ibis.Table, runs: Mapping[str, Any]) -> Any:  # noqa: ARG001  the day is made where customers are
    """Return the row of the day, if anything was followed."""
    return runs["days"]


@contextmanager
def runs_of_day(lake: Lake, day: str) -> Iterator[Mapping[str, Any]]:  # noqa: ARG001  the state keeps them
    """Give the row of a day."""
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        runs = [run for run in runs_since(tx, start) if run.at < start + timedelta(days=1)]
    yield {"days": pa.Table.from_pylist([_row(day, runs)] if runs else [], CONTRACT.schema.to_pyarrow())}


def _row(day: str, runs: Sequence[HotRun]) -> dict[str, Any]:
    seconds = sorted((run.at - run.first_event_at).total_seconds() for run in runs if run.outcome == DELIVERED)

    def below(share: float) -> float | None:
        return seconds[min(len(seconds) - 1, int(len(seconds) * share))] if seconds else None

    return {
        "day": date.fromisoformat(day),
        "runs": len(runs),
        "events": sum(run.events for run in runs),
        "delivered": len(seconds),
        "left_runs": sum(run.outcome == LEFT for run in runs),
        "failed": sum(run.outcome == FAILED for run in runs),
        "customers": sum(run.customers for run in runs),
        "companies": sum(run.companies for run in runs),
        "fields": sum(run.fields for run in runs),
        "p50_seconds": below(MEDIAN),
        "p99_seconds": below(SLOW),
    }


TABLE = DailyTable(
    "quality/hot_path_days",
    CONTRACT,
    inputs={"people": CUSTOMERS, "runs": Prepared(runs_of_day)},
    rule=table,
    eager=True,
    group="monitoring",
)
