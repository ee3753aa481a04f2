"""How MRR moved by each definition of it, what is retained of each cohort, and what is to come."""

from typing import Any

from gtm_platform.intelligence.forecasts.revenue_forecast import TABLE as FORECAST
from gtm_platform.intelligence.movements.movement_bridge import TABLE as MOVEMENT_BRIDGE
from gtm_platform.intelligence.movements.mrr_bridge import TABLE as BRIDGE
from gtm_platform.intelligence.movements.mrr_periods import AMOUNTS
from gtm_platform.intelligence.movements.mrr_periods import TABLE as PERIODS
from gtm_platform.intelligence.movements.retention_cohorts import TABLE as COHORTS
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.tables import in_major_units, rows_of_day

PERIODS_SHOWN, MONTHS_SHOWN = 24, 24


def make(draft: Draft) -> dict[str, Any]:
    """Return periods, causes, triangle and forecast; each is empty where its table has no such day."""
    landing = draft.landing
    periods = rows_of_day(
        landing,
        PERIODS.key,
        f"""from rows where period_start in
            (select distinct period_start from rows order by 1 desc limit {PERIODS_SHOWN})
            order by mrr_policy, period_start""",
    )
    causes = rows_of_day(
        landing,
        BRIDGE.key,
        """select to_policy, cause, count(*) as customers, sum(amount)::bigint as amount
            from rows group by all order by to_policy, abs(sum(amount)) desc, cause""",
    )
    movement_causes = rows_of_day(
        landing,
        MOVEMENT_BRIDGE.key,
        """select to_policy, item, cause, count(*) as customers, sum(amount)::bigint as amount
            from rows group by all order by to_policy, item, abs(sum(amount)) desc, cause""",
    )
    triangle = rows_of_day(
        landing,
        COHORTS.key,
        f"""select cohort, month, age, basis, customers, mrr, customer_retention, mrr_retention from rows
            where cohort >= (select max(month) from rows) - interval {MONTHS_SHOWN - 1} month order by cohort, month""",
    )
    history = rows_of_day(
        landing,
        COHORTS.key,
        f"""select month, sum(mrr)::bigint as mrr, max(until) = last_day(month) as is_over from rows
            where month >= (select max(month) from rows) - interval {MONTHS_SHOWN - 1} month
            group by month order by month""",
    )
    forecast = rows_of_day(landing, FORECAST.key, "from rows order by months_ahead")
    return {
        "period": landing.rules.revenue.period,
        "periods": in_major_units(landing, periods, AMOUNTS),
        "causes": in_major_units(landing, causes, ("amount",)),
        "movement_causes": in_major_units(landing, movement_causes, ("amount",)),
        "cohorts": in_major_units(landing, triangle, ("mrr",)),
        "history": in_major_units(landing, history, ("mrr",)),
        "forecast": in_major_units(landing, forecast, ("value", "low", "high", "naive")),
    }


FACT = Fact("revenue", "Movements of MRR by period and definition, retention by cohort, and the forecast.", make)
