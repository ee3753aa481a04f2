"""What has to hold of competition: every closed deal counts, and rates are drawn where they can be looked at."""

from typing import Any

import dagster as dg
import ibis

from gtm_platform.intelligence.competition.competitor_deals import TABLE as DEALS
from gtm_platform.intelligence.competition.competitor_rates import NONE
from gtm_platform.intelligence.competition.competitor_rates import TABLE as RATES
from gtm_platform.intelligence.competition.competitor_usage import TABLE as USAGE
from gtm_platform.intelligence.forecasts.checks import newest
from gtm_platform.intelligence.intervals import Interval, markdown_intervals
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.day_check import DayCheck
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.quality.plot import markdown_plot

SHOWN = ("competitor", "won", "lost", "win_rate", "win_rate_low", "win_rate_high", "displaced", "prospects")


def deals_are_not_counted(
    deals: ibis.Table, seen: ibis.Table, rates: ibis.Table, policy: Policy, day: Day
) -> ibis.Table:
    """Return how many deals were closed, and how many count with or without a competitor."""
    age = as_scalar(day).epoch_days() - deals["closed_on"].epoch_days()
    closed = deals.filter(age.between(0, policy.competition.deal_days - 1)).select("deal_id")
    with_competitor = seen.filter(seen["seen_before"]).select("deal_id").distinct()
    expected = closed.aggregate(closed=closed.count())
    with_one = closed.semi_join(with_competitor, "deal_id")
    counted = with_one.aggregate(with_one=with_one.count())
    none = rates.filter(rates["competitor"] == NONE)
    without = none.aggregate(without=(none["won"] + none["lost"]).sum().fill_null(0))
    both = expected.cross_join(counted).cross_join(without)
    return both.filter(both["closed"] != both["with_one"] + both["without"])


CHECKS = (
    DayCheck(
        RATES.key,
        "every_deal_counts",
        "Every deal that was closed within the policy's days counts with a competitor, or as one of none.",
        inputs={
            "deals": "intelligence/pipeline_deals",
            "seen": DEALS.key,
            "rates": RATES.key,
            "policy": current_policy,
        },
        rule=deals_are_not_counted,
    ),
)


@dg.asset_check(
    asset=RATES.key.split("/"),
    name="win_rates",
    description="Win rates by competitor with their intervals, and the use of all competitors by month, drawn. It "
    "always passes: a low rate is no fault of the data.",
)
def win_rates(lake: LakeResource) -> dg.AssetCheckResult:
    """Draw the newest day's rates and use."""
    store = lake.open()
    rows = newest(store, RATES.key, "where won + lost > 0 order by won + lost desc, competitor")
    months = newest(store, USAGE.key, "group by month order by month", "month, sum(companies)::double as companies")
    metadata: dict[str, Any] = {"figure/competitors": sum(row["competitor"] != NONE for row in rows)}
    if rows:
        intervals = [Interval(row["win_rate"], row["win_rate_low"], row["win_rate_high"]) for row in rows]
        metadata["plot"] = dg.MetadataValue.md(markdown_intervals(intervals, "Win rates, in the order of the table"))
        records = [dg.TableRecord({name: _cell(row[name]) for name in SHOWN}) for row in rows]
        metadata["rates"] = dg.MetadataValue.table(records)
    if months:
        values = [row["companies"] for row in months]
        metadata["usage"] = dg.MetadataValue.md(markdown_plot(values, values[-1], "Companies that use a competitor"))
    return dg.AssetCheckResult(passed=True, metadata=metadata, description=_sentence(len(rows)))


def _sentence(competitors: int) -> str:
    return "No deal was closed within the policy's days." if not competitors else "Drawn of the newest day."


def _cell(value: Any) -> str | float:
    return "" if value is None else round(value, 4) if isinstance(value, float) else value
