"""The daily tables of intelligence for tests of what is shown: two years of a made-up company, and its pipeline."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from gtm_platform.intelligence.forecasts import pipeline_forecast, revenue_forecast
from gtm_platform.intelligence.forecasts.pipeline import OPEN, Deals
from gtm_platform.intelligence.movements.movement_bridge import CONTRACT as MOVEMENT_BRIDGE
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
MOVED_OTHERWISE = (
    ("cus_004", "stripe", "churn", 9000, 0, 9000, "several subscriptions"),
    ("cus_004", "stripe", "contraction", 0, 4000, -4000, "several subscriptions"),
)
SIGNS = (
    ("near_limit", "91 % of its limits", 90000, 45000, True),
    ("hiring", "6 open AI jobs", 90000, 9000, False),
    ("new_people", "3 people signed up in 30 days", 20000, 4000, True),
)


# Competitors by won, lost, prospects, displaced, exposed, departed; the last row has no competitor.
COMPETITORS = {
    "pinecone": (12, 38, 40, 9, 8, 2),
    "qdrant": (7, 5, 12, 2, 3, 0),
    "none": (150, 210, 0, 0, 0, 0),
}
PAINS = (
    ("a", "pinecone", "cost", "theirs", 0, "youtube", "https://tube.example/1", "Their bill <b>doubled</b>"),
    ("b", "pinecone", "cost", "theirs", 1, "manual_research", None, "[click](https://evil.example) too dear"),
    ("deal:1", "qdrant", "features", "against_us", 1, "deal", None, "No filters"),
)
# Outcomes with and without an activity: outcome, activity, by, member, with, good, without, good, verdict.
ACTIVITY = (
    ("deal_won", "met", "all", "", 120, 66, 240, 84, "more often"),
    ("deal_won", "met", "account_manager", "Noor Haddad", 70, 40, 100, 30, "not judged"),
    ("deal_won", "met", "account_manager", "Sam Lee", 50, 26, 140, 54, "not judged"),
    ("deal_won", "missed", "all", "", 9, 3, 111, 60, "too little data"),
    ("renewed", "wrote", "all", "", 80, 70, 90, 81, "no clear difference"),
    ("renewed", "wrote", "stage", "active", 80, 70, 90, 81, "not judged"),
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


def competition(day: date, companies: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Rates, half a year of use, and pain points of the first two companies."""
    counts = ("won", "lost", "prospects", "displaced", "exposed", "departed")
    parts = {"win_rate": 0, "displacement_rate": 3, "departure_rate": 5}
    rates = []
    for name, values in COMPETITORS.items():
        of = {"win_rate": values[0] + values[1], "displacement_rate": values[2], "departure_rate": values[4]}
        row: dict[str, Any] = {"competitor": name, **dict(zip(counts, values, strict=True))}
        for rate, part in parts.items():
            if of[rate]:
                share = values[part] / of[rate]
                row |= {rate: share, f"{rate}_low": share * 0.7, f"{rate}_high": share + (1 - share) * 0.2}
        rates.append(row | {"won_amount": values[0] * 90_000, "displaced_mrr": values[3] * 1000, "open_deals": 3})
    months = months_until(day)[-6:]
    usage = [
        {"competitor": name, "month": month, "until": min(month_end(month), day), "is_current": month == months[-1]}
        | {"companies": 5 * place + 3 * later, "customers": place, "first_seen": 3, "last_seen": 1}
        for place, name in enumerate(("pinecone", "qdrant"), 1)
        for later, month in enumerate(months)
    ]
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    names = ("evidence_id", "competitor", "pain", "side", "company_id", "channel", "link", "excerpt")
    pains = [
        dict(zip(names, (*pain[:4], companies[pain[4]], *pain[5:]), strict=True)) | {"at": at - timedelta(days=place)}
        for place, pain in enumerate(PAINS)
    ]
    return {"competitor_rates": rates, "competitor_usage": usage, "competitor_pains": pains}


def activity() -> dict[str, list[dict[str, Any]]]:
    """Outcomes with and without some activities, and two account managers."""
    rates = []
    for outcome, name, by, member, done, good, undone, good_without, verdict in ACTIVITY:
        shares = {"with": good / done, "without": good_without / undone}
        row: dict[str, Any] = {"outcome": outcome, "activity": name, "split": by, "member": member, "verdict": verdict}
        for side, share in shares.items():
            row |= {f"rate_{side}": share, f"rate_{side}_low": share * 0.8, f"rate_{side}_high": (1 + share) / 2}
        row |= {"outcomes_with": done, "good_with": good, "outcomes_without": undone, "good_without": good_without}
        difference = shares["with"] - shares["without"]
        rates.append(
            row | {"difference": difference, "difference_low": difference - 0.1, "difference_high": difference + 0.1}
        )
    managers = [
        {"account_manager": "Noor Haddad", "customers": 20, "customers_met": 12, "meetings_held": 15, "written": 30}
        | {"answered": 28, "answered_quickly": 21, "logged_calls": 7, "median_response_hours": 2.5},
        {"account_manager": "", "customers": 10, "written": 8, "answered": 8, "answered_quickly": 2},
    ]
    return {"activity_rates": rates, "activity_by_manager": managers}


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
        "movement_bridge": [dict(zip(MOVEMENT_BRIDGE.columns, row, strict=True)) for row in MOVED_OTHERWISE],
        "retention_cohorts": triangle,
        "pipeline_deals": in_pipeline,
        "expansion_opportunities": [dict(zip(names, sign, strict=True)) for sign in signs],
        **competition(day, companies),
        **activity(),
    }
    for name, of_table in rows.items():
        table = f"intelligence/{name}"
        lake.write(table, str(day), engine().to_pyarrow(filled(table, *of_table)))
    of_cohorts = filled("intelligence/retention_cohorts", *triangle)
    lake.write("intelligence/revenue_forecast", str(day), revenue_forecast.table(of_cohorts, policy(), day))
    now, before = filled("intelligence/pipeline_deals", *in_pipeline), filled("intelligence/pipeline_deals")
    lake.write("intelligence/pipeline_forecast", str(day), pipeline_forecast.table(now, before, policy(), day))
