"""`quality/anomalies`: the figures of a day that are unlike those of the weeks before. `baseline` judges them."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, EarlierDays, SyncTimes
from gtm_platform.lake.duckdb_engine import cursor, engine
from gtm_platform.lake.expressions.days import end_of
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.quality.baseline import Series, judge
from gtm_platform.quality.daily_metrics import MONITORING

JUDGED_AGAIN = 14  # days before, so that what was odd on them counts as expected
LONGEST_BASELINE = 12 * 7
HISTORY = LONGEST_BASELINE + JUDGED_AGAIN

CONTRACT = Contract(
    {
        "day": Column("date", "The day.", nullable=False),
        "subject": Column("string", "The table that the figure is of.", nullable=False),
        "metric": Column("string", "What is measured.", nullable=False),
        "kind": Column("string", "spike, drop or missing.", nullable=False),
        "value": Column("float64", "The figure; null where it is missing."),
        "expected": Column("float64", "What the weeks before let expect.", nullable=False),
        "deviation": Column("float64", "How far off it is, in spreads of those weeks; null where it is missing."),
        "since": Column("date", "Since when it has been odd, at most a week between two odd days.", nullable=False),
    },
    key=("subject", "metric"),
    about="Figures of a day that are unlike those of the weeks before: what they are, and what was expected.",
    figures={"anomalies": lambda t: t.count(), "began": lambda t: (t["since"] == t["day"]).sum()},
)


def table(metrics: ibis.Table, earlier: ibis.Table, synced: ibis.Table, policy: Policy, day: date) -> pa.Table:
    """Return a row per figure that is odd; a missing one is odd once the day is over."""
    history = min(policy.quality.anomalies.baseline_days, LONGEST_BASELINE) + JUDGED_AGAIN
    with cursor() as connection:
        is_over = connection.execute(engine().compile(synced["synced_at"].max() >= end_of(day))).fetchone()
        rows = connection.execute(f"""
            select subject, metric, kind, day, value, base from "{metrics.get_name()}"
            union all
            select subject, metric, kind, day, value, base from "{earlier.get_name()}"
            where day >= date '{day - timedelta(days=history)}'
            order by 1, 2, 4""").fetchall()
    odd = _odd(rows, day, history, policy, over=bool(is_over and is_over[0]))
    return pa.Table.from_pylist(list(odd), schema=CONTRACT.schema.to_pyarrow())


def _odd(rows: list[Any], day: date, history: int, policy: Policy, *, over: bool) -> Iterator[dict[str, Any]]:
    names, series = _series(rows, day, history)
    if not names:
        return
    judged = judge(series, policy.quality.anomalies, first=history - JUDGED_AGAIN)
    since = judged.first_days(history)
    for row in np.flatnonzero(judged.odd[:, history]):
        value, expected = series.values[row, history], judged.expected[row, history]
        missing = bool(np.isnan(value))
        if missing and not over:
            continue
        subject, metric = names[row]
        yield {
            "day": day,
            "subject": subject,
            "metric": metric,
            "kind": "missing" if missing else "spike" if value > expected else "drop",
            "value": None if missing else float(value),
            "expected": round(float(expected), 4),
            "deviation": None if missing else round(float(judged.deviations[row, history]), 2),
            "since": day - timedelta(days=history - int(since[row])),
        }


def _series(rows: list[Any], day: date, history: int) -> tuple[list[tuple[str, str]], Series]:
    """Return the figures that ever differed, as arrays that end with the day; what never does cannot be odd."""
    by_name: dict[tuple[str, str], list[Any]] = {}
    for subject, metric, *rest in rows:
        by_name.setdefault((subject, metric), []).append(rest)
    varied = {
        name: points
        for name, points in by_name.items()
        if len({value for _, _, value, _ in points}) > 1 or points[-1][1] != day
    }
    shape = (len(varied), history + 1)
    values, bases = np.full(shape, np.nan), np.full(shape, np.nan)
    for number, points in enumerate(varied.values()):
        places = [history - (day - at).days for _, at, _, _ in points]
        values[number, places] = [value for _, _, value, _ in points]
        bases[number, places] = [np.nan if base is None else base for _, _, _, base in points]
    kinds = np.array([points[-1][0] for points in varied.values()])
    return list(varied), Series(values, kinds == "count", kinds == "share", bases)


TABLE = DailyTable(
    "quality/anomalies",
    CONTRACT,
    inputs={
        "metrics": "quality/daily_metrics",
        "earlier": EarlierDays("quality/daily_metrics", HISTORY),
        "synced": SyncTimes(),
        "policy": current_policy,
    },
    rule=table,
    eager=True,
    group=MONITORING,
)
