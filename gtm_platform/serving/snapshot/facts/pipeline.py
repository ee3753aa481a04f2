"""What is in the pipeline, what will be won of it, and which companies may buy more."""

from typing import Any

from gtm_platform.intelligence.expansion.expansion_opportunities import TABLE as OPPORTUNITIES
from gtm_platform.intelligence.forecasts.pipeline_deals import TABLE as DEALS
from gtm_platform.intelligence.forecasts.pipeline_forecast import ALL
from gtm_platform.intelligence.forecasts.pipeline_forecast import TABLE as FORECAST
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.tables import in_major_units, rows_of_day

LISTED = 100


def make(draft: Draft) -> dict[str, Any]:
    """Return the forecast by horizon, open deals by stage, and who may buy more."""
    landing = draft.landing
    forecast = rows_of_day(landing, FORECAST.key, f"from rows where deal_group = '{ALL}' order by days")
    groups = rows_of_day(
        landing,
        FORECAST.key,
        f"""select days, deal_group, open_deals, of_open from rows
            where deal_group <> '{ALL}' order by days, of_open desc, deal_group""",
    )
    stages = rows_of_day(
        landing,
        DEALS.key,
        """select coalesce(stage, 'none') as stage, count(*) as deals, coalesce(sum(amount), 0)::bigint as amount,
                median(as_of - created_on)::double as median_age_days
            from rows where closed_on is null group by all order by deals desc, stage""",
    )
    signs = rows_of_day(
        landing,
        OPPORTUNITIES.key,
        """select company_id, max(mrr) as mrr, max(at_stake) as at_stake,
                list(sign || ': ' || evidence order by at_stake desc, sign) as evidence
            from rows group by company_id order by at_stake desc, company_id""",
    )
    names = dict(draft.db.execute("select company_id, json_extract(body, '$.name') from companies"))
    shown = in_major_units(landing, signs, ("mrr", "at_stake"))
    return {
        "forecast": in_major_units(landing, forecast, ("of_open", "to_come", "value", "low", "high", "naive")),
        "groups": in_major_units(landing, groups, ("of_open",)),
        "stages": in_major_units(landing, stages, ("amount",)),
        "opportunities": {
            "companies": len(shown),
            "at_stake": round(sum(row["at_stake"] for row in shown), 2),
            "listed": [row | {"company": names.get(row["company_id"])} for row in shown[:LISTED]],
        },
    }


FACT = Fact("pipeline", "The pipeline by stage, its forecast, and who may buy more.", make)
