"""`quality/source_costs`: what each source took on each day, and what that costs by the policy's prices.

Calls, records and time are counted by every run that reads a source, credits by their ledger, storage by the files of
the lake. What a day took of compute is that of reading sources; the tables are made in minutes of their own.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.policy import Costs, policy
from gtm_platform.quality.daily_metrics import MONITORING
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SOURCES
from gtm_platform.state import open_state, spend
from gtm_platform.state.source_use import SourceUse, use_since

KEPT_DAYS = 800  # are looked at when days are made again
DAYS_A_MONTH = Decimal("30.4375")
CENTS, GB, MB = Decimal("0.0001"), Decimal(10**9), 1e6
MONEY, CREDITS = "decimal(18, 4)", "decimal(18, 3)"
CONTRACT = Contract(
    {
        "day": Column("date", "The day.", nullable=False),
        "source": Column("string", "The source.", nullable=False),
        "runs": Column("int64", "Runs that read it.", nullable=False, rule=lambda n: n >= 0),
        "calls": Column("int64", "Calls to it, those that were repeated counted each time.", nullable=False),
        "records": Column("int64", "Records that came.", nullable=False),
        "minutes": Column("float64", "Minutes that its runs took.", nullable=False, rule=lambda n: n >= 0),
        "credits": Column(CREDITS, "Credits that it charged.", nullable=False, rule=lambda n: n >= 0),
        "stored_mb": Column("float64", "Megabytes of its tables in the lake, by the end of the day.", nullable=False),
        "cost": Column(MONEY, "What the day costs by the policy's prices, in the reporting currency.", nullable=False),
    },
    key=("source",),
    about="What each source took on each day: calls, records, minutes, credits, storage, and what that costs.",
    figures={
        "calls": lambda t: t["calls"].sum(),
        "minutes": lambda t: t["minutes"].sum().round(1),
        "cost": lambda t: t["cost"].sum(),
    },
)


@dataclass(frozen=True)
class Metered:
    """What was counted outside of the lake, and the bytes of the lake's files."""

    use: dict[tuple[str, str], SourceUse]  # by day and source
    credits: dict[tuple[str, str], Decimal]
    stored: dict[str, dict[str, int]]  # bytes by source and the partition's day


def metered() -> Metered:
    """Read what was counted of the last years."""
    first = (settings().now() - timedelta(days=KEPT_DAYS)).date()
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        use = use_since(tx, first)
        charged = spend.charged_since(tx, datetime.combine(first, time(), UTC))
    credits: Counter[tuple[str, str]] = Counter()
    for provider, at, amount in charged:
        credits[str(at.date()), provider] += amount  # type: ignore[assignment]
    by_day = {(each.day, each.system): each for each in use}
    return Metered(by_day, {key: Decimal(amount) for key, amount in credits.items()}, _stored())


def _stored() -> dict[str, dict[str, int]]:
    """Measure the newest file of each partition of every source's tables."""
    lake, stored = the_lake(), dict[str, dict[str, int]]()
    for source in SOURCES:
        sizes: Counter[str] = Counter()
        for stream in source.streams:
            for file in lake.files(source.table(stream)):
                sizes[file.partition[:10]] += lake.store.size(file.path)
        stored[source.name] = dict(sizes)
    return stored


def table(metrics: ibis.Table, counted: Metered, prices: Costs, day: date) -> pa.Table:  # noqa: ARG001
    """Return a row for each source that was read on the day, or has something in the lake."""
    return pa.Table.from_pylist(list(_rows(counted, prices, day)), schema=CONTRACT.schema.to_pyarrow())


def _rows(counted: Metered, prices: Costs, day: date) -> Iterator[dict[str, Any]]:
    for source in SOURCES:
        use = counted.use.get((str(day), source.name)) or SourceUse(str(day), source.name, 0, 0, 0, 0)
        credits = counted.credits.get((str(day), source.name), Decimal(0))
        stored = sum(size for of, size in counted.stored.get(source.name, {}).items() if of <= str(day))
        if use.runs or credits or stored:
            yield {
                "day": day,
                "source": source.name,
                "runs": use.runs,
                "calls": use.calls,
                "records": use.records,
                "minutes": round(use.milliseconds / 60_000, 3),
                "credits": credits.quantize(Decimal("0.001")),
                "stored_mb": round(stored / MB, 3),
                "cost": cost_of(source.name, use.milliseconds, credits, stored, prices),
            }


def cost_of(source: str, milliseconds: int, credits: Decimal, stored: int, prices: Costs) -> Decimal:
    """Return what a day of a source costs: minutes, credits, and its part of a month of storage."""
    minutes = Decimal(milliseconds) / 60_000 * prices.minute
    storage = Decimal(stored) / GB * prices.gb_month / DAYS_A_MONTH
    return (minutes + storage + credits * prices.of_credit(source)).quantize(CENTS)


TABLE = DailyTable(
    "quality/source_costs",
    CONTRACT,
    {"metrics": "quality/daily_metrics", "counted": metered, "prices": lambda: policy().costs},
    table,
    eager=True,
    group=MONITORING,
)
