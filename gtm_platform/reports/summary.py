"""A day or a week in few figures: totals, movements, who is newly at risk, saved or gone, which companies moved to
another cohort, and how good the data is.

The figures are the metrics of the dashboard and rows of the wide table. How they read in Slack: `slack_summaries`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gtm_platform.health.customer_health import NOT_AT_RISK
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy
from gtm_platform.quality.checks import cadences, overdue_tables
from gtm_platform.reports.cards import metric_card
from gtm_platform.reports.companies import moved_companies
from gtm_platform.reports.content import Card
from gtm_platform.reports.customer_cells import SHOWN
from gtm_platform.reports.figures import Figures, Row
from gtm_platform.reports.period import Period
from gtm_platform.reports.wording import day as day_text

TOTALS = ("customers", "mrr", "at_risk", "mrr_at_risk", "mean_health")
MOVEMENTS = ("new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr")
MOST_FIRST = "order by mrr_reporting desc nulls last, customer_id"
NEWLY_AT_RISK = f"""select {SHOWN} from now left join before using (customer_id)
    where now.is_customer and now.health_status not in {NOT_AT_RISK} and (select count(*) from before) > 0
    and (not coalesce(before.is_customer, false) or coalesce(before.health_status in {NOT_AT_RISK}, true))
    {MOST_FIRST}"""
SAVED = f"""select {SHOWN} from now join before using (customer_id)
    where now.is_customer and before.is_customer and now.health_status in {NOT_AT_RISK}
    and now.customer_status <> 'leaving'
    and (before.health_status not in {NOT_AT_RISK} or before.customer_status = 'leaving') {MOST_FIRST}"""
CHURNED = f"""select {SHOWN.replace("now.", "before.")}, now.churned_at, now.churn_reason
    from before left join now using (customer_id) where before.is_customer and not coalesce(now.is_customer, false)
    {MOST_FIRST}"""
QUALITY = """select avg(data_quality_score) as score, avg(completeness_score) as completeness from now
    where is_customer"""


@dataclass(frozen=True)
class Overdue:
    """A source table that was not read in time."""

    table: str
    hours_old: float


@dataclass(frozen=True)
class Summary:
    """The figures of a period, compared with the day before it; without that day nothing moved."""

    label: str
    day: str
    currency: str
    cards: Sequence[Card]
    movements: dict[str, float | None]
    newly_at_risk: Sequence[Row]
    saved: Sequence[Row]
    churned: Sequence[Row]
    moved_companies: Sequence[Row] | None  # changes of cohorts, the newest first; None where none were looked for
    overdue: Sequence[Overdue]
    tables: int  # that sources have
    quality: float | None  # mean score of current customers, 0 to 100
    completeness: float | None
    is_compared: bool


def summary(lake: Lake, last: str, days: int, rules: Policy) -> Summary:
    """Return the summary of so many days up to and with the last one."""
    end = date.fromisoformat(last)
    first = end - timedelta(days=days - 1)
    label = day_text(last) if days == 1 else f"{day_text(first.isoformat())} to {day_text(last)}"
    figures = Figures(lake, Period(first, end, label), rules)
    newly_at_risk, saved, churned, [quality] = (
        figures.rows(query) for query in (NEWLY_AT_RISK, SAVED, CHURNED, QUALITY)
    )
    overdue, tables = _freshness(lake, last, rules)
    return Summary(
        label,
        figures.day,
        figures.currency,
        [metric_card(figures, name) for name in TOTALS],
        {name: figures.movement(name) for name in MOVEMENTS},
        newly_at_risk,
        saved,
        churned,
        moved_companies(figures) if figures.value("companies") is not None else None,
        overdue,
        tables,
        quality["score"],
        quality["completeness"],
        bool(figures.before),
    )


def mrr_of(rows: Sequence[Row]) -> float:
    """Return the MRR of customers in the reporting currency."""
    return float(sum(row["mrr_reporting"] or 0 for row in rows))


def _freshness(lake: Lake, day: str, rules: Policy) -> tuple[list[Overdue], int]:
    """Return the source tables that are overdue at the end of the day, and how many there are of all."""
    synced = lake.rows(lake.query_synced(day))
    expected = cadences()
    if not expected:
        return [], 0
    late = overdue_tables(synced, expected, rules, date.fromisoformat(day))
    rows = engine().to_pyarrow(late.order_by("table")).to_pylist()
    present = sum(1 for table in expected if lake.partitions(table))
    return [Overdue(row["table"], row["hours_old"]) for row in rows], present
