"""The daily tables of intelligence for tests of what is shown: two years of a made-up company, and its pipeline."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from gtm_platform.intelligence.forecasts import pipeline_forecast, revenue_forecast
from gtm_platform.intelligence.forecasts.pipeline import OPEN, Deals
from gtm_platform.intelligence.movements.mrr_periods import AMOUNTS
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform_tests.intelligence.companies import company, pipeline
from gtm_platform_tests.intelligence.shown_effect import settle_effect
from gtm_platform_tests.tables import filled

MONTHS, LAST_DEAL_DAY = 24, 600
POLICIES = {"ours": 1.0, "stripe": 1.04, "chartmogul": 0.97}
CAUSES = (
    ("cus_001", "stripe", "discount", 1500),
    ("cus_002", "stripe", "discount", 700),
    ("cus_002", "stripe", "paused collection", 4900),
    ("cus_003", "chartmogul", "discount", -900),
    ("cus_003", "chartmogul", "fx", 31),
)
SIGNS = (
    ("near_limit", "91 % of its limits", 90000, 45000, True),
    ("hiring", "6 open AI jobs", 90000, 9000, False),
    ("new_people", "3 people signed up in 30 days", 20000, 4000, True),
)


def months_until(day: date) -> list[date]:
    """The first days of the last months, the day's own the last."""
    last = day.year * 12 + day.month - 1
    return [date(place // 12, place % 12 + 1, 1) for place in range(last - MONTHS + 1, last + 1)]


def month_end(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def cohorts(day: date) -> list[dict[str, Any]]:
    """A triangle in which each cohort loses 4 % of its customers a month, and those who stay pay 1 % more."""
    months, rows = months_until(day), []
    for first, cohort in enumerate(months):
        size = 20 + first % 5
        for month in months[first:]:
            age = months.index(month) - first
            customers = round(size * 0.96**age)
            mrr = round(customers * 9000 * 1.01**age)
            rows.append(
                {
                    "cohort": cohort,
                    "month": month,
                    "age": age,
                    "until": min(month_end(month), day),
                    "basis": "observed" if month >= months[-6] else "reconstructed",
                    "customers": customers,
                    "mrr": mrr,
                    "cohort_customers": size,
                    "cohort_mrr": size * 9000,
                    "customer_retention": customers / size,
                    "mrr_retention": mrr / (size * 9000),
                }
            )
    return rows


def periods(day: date) -> list[dict[str, Any]]:
    """Six months of movements by each definition, which add up."""
    made, rows = company(11, MONTHS), []
    for name, factor in POLICIES.items():
        opening = round(made.mrr[-7] * factor) * 100
        for place, month in enumerate(months_until(day)[-6:]):
            moved = {"new": 310_000, "reactivation": 20_000, "expansion": 150_000 + place * 9_000}
            moved |= {"contraction": 60_000, "churn": 140_000 - place * 11_000}
            fx = 1_700 if name != "chartmogul" and place == 3 else 0
            kept = opening + fx - moved["contraction"] - moved["churn"]
            closing = kept + moved["new"] + moved["reactivation"] + moved["expansion"]
            rows.append(
                {
                    "mrr_policy": name,
                    "period_start": month,
                    "until": min(month_end(month), day),
                    "customers": 200 + place,
                    **dict.fromkeys([f"{kind}_customers" for kind in AMOUNTS[2:-1]], place),
                    "nrr": (kept + moved["expansion"]) / opening,
                    "grr": kept / opening,
                    **moved,
                    "opening": opening,
                    "fx": fx,
                    "closing": closing,
                }
            )
            opening = closing
    return rows


def deals(made: Deals, day: date, until: int = LAST_DEAL_DAY) -> list[dict[str, Any]]:
    """The rows of deals as of a day of theirs, which falls on `day`."""
    epoch, rows = day - timedelta(days=until), []
    for place in np.flatnonzero(made.created <= until):
        closed = int(made.closed[place])
        is_closed = closed != OPEN and closed <= until
        rows.append(
            {
                "as_of": day,
                "deal_id": f"{place:05}",
                "deal_group": made.names[made.group[place]],
                "stage": ("Qualified", "Proposal", "Contract")[place % 3],
                "created_on": epoch + timedelta(days=int(made.created[place])),
                "closed_on": epoch + timedelta(days=closed) if is_closed else None,
                "is_won": bool(made.won[place]) and is_closed,
                "amount": round(made.worth[place] * 100),
            }
        )
    return rows


def settle_intelligence(lake: Lake, day: date, companies: Sequence[str]) -> None:
    """Write the tables of a day; the first companies may buy more."""
    triangle, in_pipeline = cohorts(day), deals(pipeline(2), day)
    near, hiring, people = SIGNS
    signs = [(companies[0], *near), (companies[0], *hiring), (companies[1], *people)]
    names = ("company_id", "sign", "evidence", "mrr", "at_stake", "is_largest")
    causes = [dict(zip(("customer_id", "to_policy", "cause", "amount"), cause, strict=True)) for cause in CAUSES]
    settle_effect(lake, day)
    rows = {
        "mrr_periods": periods(day),
        "mrr_bridge": causes,
        "retention_cohorts": triangle,
        "pipeline_deals": in_pipeline,
        "expansion_opportunities": [dict(zip(names, sign, strict=True)) for sign in signs],
    }
    for name, of_table in rows.items():
        table = f"intelligence/{name}"
        lake.write(table, str(day), engine().to_pyarrow(filled(table, *of_table)))
    of_cohorts = filled("intelligence/retention_cohorts", *triangle)
    lake.write("intelligence/revenue_forecast", str(day), revenue_forecast.table(of_cohorts, policy(), day))
    now, before = filled("intelligence/pipeline_deals", *in_pipeline), filled("intelligence/pipeline_deals")
    lake.write("intelligence/pipeline_forecast", str(day), pipeline_forecast.table(now, before, policy(), day))
