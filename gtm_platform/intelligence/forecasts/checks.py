"""Asset checks of forecasts: the newest beside the naive one, and how intervals held, with plots."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from gtm_platform.intelligence.forecasts.pipeline_forecast import ALL
from gtm_platform.intelligence.forecasts.pipeline_forecast import TABLE as PIPELINE
from gtm_platform.intelligence.forecasts.plot import Plot
from gtm_platform.intelligence.forecasts.revenue_forecast import TABLE as REVENUE
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake

COHORTS = "intelligence/retention_cohorts"
LEAST_HELD = 0.6  # of what came, by intervals for four fifths
NAME, ABOUT = (
    "beside_naive",
    "What is delivered erred no more than the naive forecast on the past, and its intervals held what came.",
)
Row = dict[str, Any]


@dg.asset_check(asset=REVENUE.key.split("/"), name=NAME, description=ABOUT)
def revenue_beside_naive(lake: LakeResource) -> dg.AssetCheckResult:
    """Compare the newest forecast of revenue with the naive one, and draw it after its past."""
    store = lake.open()
    rows = newest(store, REVENUE.key, "order by months_ahead")
    past = [row["mrr"] for row in newest(store, COHORTS, "group by month order by month", "month, sum(mrr) as mrr")]
    if not rows:
        return _nothing_yet()
    drawn = Plot(past[:-1] or past, *([row[name] for row in rows] for name in ("value", "low", "high", "naive")))
    return _result(rows, drawn.markdown("MRR, its forecast and the naive one"), "month")


@dg.asset_check(asset=PIPELINE.key.split("/"), name=NAME, description=ABOUT)
def pipeline_beside_naive(lake: LakeResource) -> dg.AssetCheckResult:
    """Compare the newest forecast of the pipeline with the naive one, and draw it."""
    rows = newest(lake.open(), PIPELINE.key, f"where deal_group = '{ALL}' order by days")
    if not rows:
        return _nothing_yet()
    drawn = Plot([0.0], *([row[name] for row in rows] for name in ("value", "low", "high", "naive")))
    return _result(rows, drawn.markdown("What will be won, and the naive forecast"), "until")


def newest(store: Lake, table: str, rest: str, columns: str = "*") -> list[Row]:
    """Return rows of a table's newest day."""
    day = max(store.partitions(table), default="")
    if not day:
        return []
    query = store.query_day(table, day)
    with cursor() as connection, store.naming_damage(lambda: list(query.files)):
        result = connection.execute(f"select {columns} from ({query.sql}) {rest}")
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _result(rows: Sequence[Row], plot: str, key: str) -> dg.AssetCheckResult:
    worse = [row for row in rows if (row["error"] or 0) > (row["naive_error"] or 0) * 1.05 and row["method"] != "naive"]
    shares = [row["coverage"] for row in rows if row["coverage"] is not None]
    coverage = sum(shares) / len(shares) if shares else None
    loose = coverage is not None and coverage < LEAST_HELD
    shown = (key, "value", "low", "high", "naive", "error", "naive_error")
    records = [dg.TableRecord({name: _cell(row[name]) for name in shown}) for row in rows]
    metadata: dict[str, Any] = {
        "plot": dg.MetadataValue.md(plot),
        "verdict": rows[0]["verdict"],
        "forecast": dg.MetadataValue.table(records),
        "figure/error": _mean(rows, "error"),
        "figure/naive_error": _mean(rows, "naive_error"),
    }
    if coverage is not None:
        metadata["figure/coverage"] = coverage
    sentence = rows[0]["verdict"]
    if worse:
        sentence = f"It erred more than the naive forecast at {', '.join(str(row[key]) for row in worse)}."
    elif loose:
        sentence = f"Its intervals held {coverage:.0%} of what came, and are for {4 / 5:.0%}."
    return dg.AssetCheckResult(
        passed=not worse and not loose,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=sentence,
    )


def _nothing_yet() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, description="The past is too short for a forecast.")


def _mean(rows: Sequence[Row], name: str) -> float:
    values = [row[name] for row in rows if row[name] is not None]
    return sum(values) / len(values) if values else 0.0


def _cell(value: Any) -> str | int | float:
    return "" if value is None else value if isinstance(value, int | float) else str(value)
