"""`quality/daily_metrics`: a row per figure and day of what tables usually look like, for `quality/anomalies` to judge.

In plain SQL, a query a table: sixty tables have a thousand figures, and expressions take longer to compile than these
take to count. A figure of what happened on a day is left out until the day's last window was read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import ibis
import pyarrow as pa

from gtm_platform.ingest.source import SYNC_COLUMNS
from gtm_platform.lake.contracts import Column, Contract, contract_of
from gtm_platform.lake.daily_table import DailyTable, SyncTimes
from gtm_platform.lake.duckdb_engine import cursor, engine
from gtm_platform.lake.file_query import text
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform.sources.feeds import usage_feeds

CUSTOMERS = "core/unified_customers"
MONITORING = "monitoring"  # a group that reads all other tables, those made of quality's among them
NULLS = "nulls of "  # begins the name of a share of nulls; the column follows

Kind = Literal["count", "amount", "share", "score"]
CONTRACT = Contract(
    {
        "day": Column("date", "The day.", nullable=False),
        "subject": Column("string", "The table that the figure is of.", nullable=False),
        "metric": Column("string", "What is measured.", nullable=False),
        "kind": Column("string", "count, amount, share (in percent) or score.", nullable=False),
        "value": Column("float64", "The figure.", nullable=False),
        "base": Column("int64", "The number of rows that a share is of; null for other kinds."),
    },
    key=("subject", "metric"),
    about="Figures of every table on each day: rows, changes, shares of nulls, MRR, active customers, scores.",
    figures={"metrics": lambda t: t.count(), "subjects": lambda t: t["subject"].nunique()},
)

# By table of the sources that are read again and again, the column that says when a record last changed.
CURSORS = {source.table(stream): stream.cursor_field for source in SCHEDULED for stream in source.streams}


@dataclass(frozen=True)
class Metric:
    """A figure of a table on a day."""

    subject: str
    name: str
    kind: Kind
    value: float
    base: int | None = None

    def row(self, day: date) -> dict[str, Any]:
        """Return it as a row of the table."""
        return {
            "day": day,
            "subject": self.subject,
            "metric": self.name,
            "kind": self.kind,
            "value": self.value,
            "base": self.base,
        }


def table(sources: Mapping[str, ibis.Table], customers: ibis.Table, synced: ibis.Table, day: date) -> pa.Table:
    """Return the figures of the source tables that were ever read, and of customers."""
    read_until = _read_until(synced)
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    complete = {name for name, until in read_until.items() if until >= end}
    metrics: list[Metric] = []
    for name in sorted(read_until.keys() & sources.keys()):
        metrics += _of_source(name, sources[name], day if name in complete else None)
    usage = {feed.table for feed in usage_feeds()} & read_until.keys()
    metrics += _of_customers(customers, day if usage and usage <= complete else None)
    return pa.Table.from_pylist([metric.row(day) for metric in metrics], schema=CONTRACT.schema.to_pyarrow())


def _read_until(synced: ibis.Table) -> dict[str, datetime]:
    with cursor() as connection:
        rows = connection.execute(engine().compile(synced.select("table", "synced_at"))).fetchall()
    return dict(rows)


def _of_source(name: str, records: ibis.Table, day: date | None) -> Iterator[Metric]:
    """Rows, shares of nulls, and where the day is complete how many records changed on it."""
    nullable = [
        column for column, of in contract_of(name).columns.items() if of.nullable and column not in SYNC_COLUMNS
    ]
    aggregates = {column: f'count("{column}")' for column in nullable}
    if day and (field := CURSORS[name]):
        aggregates["_changed"] = f'count(*) filter (where "{field}"::date = date {text(str(day))})'
    rows, counted = _aggregates(records, aggregates)
    yield Metric(name, "records", "count", rows)
    if "_changed" in counted:
        yield Metric(name, "records changed", "count", counted.pop("_changed"))
    yield from _nulls(name, rows, counted)


def _of_customers(wide: ibis.Table, day: date | None) -> Iterator[Metric]:
    """Customers, MRR, scores and how they are spread, shares of nulls; who was active, where the day is complete."""
    nullable = [column for column, of in contract_of(CUSTOMERS).columns.items() if of.nullable]
    aggregates = {column: f'count("{column}")' for column in nullable if column not in SYNC_COLUMNS}
    amounts = {"mrr": "sum(mrr_reporting)"}
    scores = {
        "mean health score": "avg(health_score)",
        **{
            f"health score, {share}th percentile": f"quantile_cont(health_score, {share / 100})"
            for share in (10, 50, 90)
        },
        "mean churn risk": "avg(churn_risk)",
        "mean data quality": "avg(data_quality_score)",
    }
    statuses = {
        status: f"count(*) filter (where health_status = {text(status)})"
        for status in ("healthy", "at_risk", "high_risk", "critical")
    }
    active = {"active customers": f"count(*) filter (where last_seen_at::date = date {text(str(day))})"} if day else {}
    rows, counted = _aggregates(wide, aggregates | amounts | scores | statuses | active, "where is_customer")
    yield Metric(CUSTOMERS, "customers", "count", rows)
    for names, kind in ((active, "count"), (amounts, "amount"), (scores, "score")):
        for name in names:
            if (value := counted.pop(name)) is not None:
                yield Metric(CUSTOMERS, name, kind, float(value))  # type: ignore[arg-type]
    for status in statuses:
        counts = counted.pop(status)
        if rows:
            yield Metric(CUSTOMERS, f"customers {status}", "share", 100 * counts / rows, rows)
    yield from _nulls(CUSTOMERS, rows, counted)


def _aggregates(rows: ibis.Table, aggregates: Mapping[str, str], condition: str = "") -> tuple[int, dict[str, Any]]:
    """Count the rows of a view, and compute aggregates of them."""
    columns = ", ".join(["count(*)", *aggregates.values()])
    with cursor() as connection:
        count, *values = connection.execute(f'select {columns} from "{rows.get_name()}" {condition}').fetchone() or (0,)
    return int(count), dict(zip(aggregates, values, strict=False))


def _nulls(name: str, rows: int, filled: Mapping[str, int]) -> Iterator[Metric]:
    if rows:
        for column, count in filled.items():
            yield Metric(name, f"{NULLS}{column}", "share", 100 * (rows - count) / rows, rows)


TABLE = DailyTable(
    "quality/daily_metrics",
    CONTRACT,
    inputs={
        "sources": {name: name for name in CURSORS},
        "customers": CUSTOMERS,
        "synced": SyncTimes(),
    },
    rule=table,
    eager=True,
    group=MONITORING,
)
