"""`intelligence/lead_features`: what a model may know of each lead on a day, from that day's tables alone.

What it is, what its people do in the product and with us, and what the market shows of it. Nothing of subscriptions,
payments or deals: these are what the model foretells.
"""

import ibis

from gtm_platform.intelligence.leads.outcomes import TABLE as OUTCOMES
from gtm_platform.intelligence.leads.outcomes import WON
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, as_scalar, days_since, within
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import number
from gtm_platform.market.signals import DEVELOPER_ACTS

PARTNER = "cohort_4_si_partner"

TEXTS = {
    "industry": "What it does.",
    "country": "Where it sits.",
    "company_type": "Such as private or public.",
    "use_case": "What it builds, by the policy's words.",
    "competitor": "The competitor that it was seen to use last.",
    "lead_source": "How it came to us.",
}
NUMBERS = {
    "employees": "How many people work there.",
    "people": "People of it in any system.",
    "people_signed_up": "People of it who signed up.",
    "days_since_signup": "Days since the first of them did; null for never.",
    "days_since_seen": "Days since anybody of it was last seen.",
    "logins_a_day_7d": "Logins a day in 7 days.",
    "logins_a_day_30d": "Logins a day in 30 days.",
    "login_change_14d": "Change of logins from the 14 days before to the last 14, as a share of both: -1 to 1.",
    "onboarding_pct": "How far onboarding got, 0 to 100, the furthest of its people.",
    "exports_a_day_30d": "Exports a day in 30 days.",
    "conversations_a_month": "Conversations begun a month, of 90 days.",
    "sentiment_90d": "Tone of its messages of 90 days, -1 to 1.",
    "calls_booked_a_month": "Calls booked a month, of 90 days.",
    "calls_held_a_month": "Calls held a month, of 90 days.",
    "calls_missed_a_month": "Calls missed a month, of 90 days.",
    "days_since_call": "Days since the last call; null for never.",
    "calls_ahead": "People of it who have booked a call to come.",
    "signal_points": "What its market signals are worth on the day.",
    "days_since_signal": "Days since the newest of them.",
    "ai_jobs": "Open AI jobs.",
    "developer_acts_30d": "What its developers did in the open in 30 days.",
    "pages_visited_30d": "Pages of our site that were visited from it in 30 days.",
    "introducers": "Partners whose customer it is.",
}

CONTRACT = Contract(
    {
        "lead_id": Column("string", "The company, or the customer without one.", nullable=False),
        "day": Column("date", "The day.", nullable=False),
        "kind": Column("string", "company or person.", nullable=False),
        "in_scope": Column(
            "boolean",
            "Whether it never paid, has no won deal, and is no partner: who is trained on and scored.",
            nullable=False,
        ),
        "is_won": Column("boolean", "Whether it ever paid, or has a won deal: the outcome of days before.", False),
        **{name: Column("string", about) for name, about in TEXTS.items()},
        **{name: Column("float64", about) for name, about in NUMBERS.items()},
    },
    key=("lead_id",),
    about="What models may know of each lead on a day: what it is and does, from the day's tables alone.",
    figures={
        "in_scope": lambda t: t["in_scope"].sum(),
        "won": lambda t: t["is_won"].sum(),
        "with_industry": lambda t: t["industry"].notnull().sum(),
    },
)


def table(
    outcomes: ibis.Table,
    companies: ibis.Table,
    people: ibis.Table,
    profile: ibis.Table,
    activity: ibis.Table,
    support: ibis.Table,
    calls: ibis.Table,
    signals: ibis.Table,
    day: Day,
) -> ibis.Table:
    """Return a row per lead."""
    members = people.select("customer_id", lead_id=ibis.coalesce(people["company_id"], people["customer_id"]))
    parts = [_of_people(members, profile, activity, support, calls), _of_signals(signals, day), _described(companies)]
    t = left_join_all(outcomes.select("lead_id", "kind", "outcome"), parts, "lead_id")
    is_won = t["outcome"] == WON
    values = {
        "employees": t["employee_count"],
        "people": t["people"].fill_null(0),
        "people_signed_up": t["people_signed_up"].fill_null(0),
        "days_since_signup": days_since(t["signup_at"], day),
        "days_since_seen": t["seen"],
        "logins_a_day_7d": t["logins_7d"] / number(7),
        "logins_a_day_30d": t["logins_30d"] / number(30),
        "login_change_14d": _change(t["logins_14d"], t["logins_14d_before"]),
        "onboarding_pct": t["onboarding"],
        "exports_a_day_30d": t["exports_30d"] / number(30),
        "conversations_a_month": t["conversations"] / number(3),
        "sentiment_90d": t["sentiment"],
        "calls_booked_a_month": t["booked"] / number(3),
        "calls_held_a_month": t["held"] / number(3),
        "calls_missed_a_month": t["missed"] / number(3),
        "days_since_call": days_since(t["last_call"], day),
        "calls_ahead": t["calls_ahead"].fill_null(0),
        "signal_points": t["points"],
        "days_since_signal": days_since(t["newest_signal_at"], day),
        "ai_jobs": t["ai_job_count"],
        "developer_acts_30d": t["acts"],
        "pages_visited_30d": t["pages"],
        "introducers": t["introduced_by"],
    }
    return t.select(
        "lead_id",
        "kind",
        day=as_scalar(day),
        in_scope=~is_won & (t["customer_cohort"] != PARTNER).fill_null(True),
        is_won=is_won,
        industry=t["trade"].lower(),
        country=ibis.coalesce(t["seat"], t["home"]).lower(),
        company_type=t["type"].lower(),
        use_case=t["use_case_detected"],
        competitor=t["current_vector_db"],
        lead_source=t["source"].lower(),
        **{name: values[name].cast("float64") for name in NUMBERS},
    )


def _of_people(
    members: ibis.Table, profile: ibis.Table, activity: ibis.Table, support: ibis.Table, calls: ibis.Table
) -> ibis.Table:
    """Return what the people of each lead do, summed; null where no system knows it of any of them."""
    parts = [
        profile.select("customer_id", "signup_at", "country"),
        activity.select(
            *("customer_id", "days_since_seen", "logins_7d", "logins_14d", "logins_14d_before", "logins_30d"),
            *("onboarding_pct", "exports_30d"),
        ),
        support.select("customer_id", "conversations_90d", "sentiment_90d"),
        calls.select(
            *("customer_id", "calls_booked_90d", "calls_held_90d", "calls_no_show_90d", "last_call_at"), "next_call_at"
        ),
    ]
    rows = left_join_all(members, parts)
    return rows.group_by("lead_id").agg(
        people=rows.count(),
        people_signed_up=rows["signup_at"].notnull().sum(),
        signup_at=rows["signup_at"].min(),
        home=rows["country"].min(),
        seen=rows["days_since_seen"].min(),
        **{name: rows[name].sum() for name in ("logins_7d", "logins_14d", "logins_14d_before", "logins_30d")},
        onboarding=rows["onboarding_pct"].max(),
        exports_30d=rows["exports_30d"].sum(),
        conversations=rows["conversations_90d"].sum(),
        sentiment=rows["sentiment_90d"].mean().round(9),
        booked=rows["calls_booked_90d"].sum(),
        held=rows["calls_held_90d"].sum(),
        missed=rows["calls_no_show_90d"].sum(),
        last_call=rows["last_call_at"].max(),
        calls_ahead=rows["next_call_at"].notnull().sum(),
    )


def _of_signals(signals: ibis.Table, day: Day) -> ibis.Table:
    lately = within(signals["at"], day, 30)
    acts, visits = signals["kind"].isin(DEVELOPER_ACTS), signals["kind"] == "visit"
    return signals.group_by(lead_id="company_id").agg(
        acts=(lately & acts).sum(),
        pages=signals["strength"].fill_null(1).sum(where=lately & visits).fill_null(0),
    )


def _described(companies: ibis.Table) -> ibis.Table:
    return companies.select(
        *("customer_cohort", "employee_count", "use_case_detected", "current_vector_db", "newest_signal_at"),
        "ai_job_count",
        lead_id="company_id",
        trade="industry",
        seat="country",
        type="company_type",
        source="lead_source",
        points="signal_points",
        introduced_by=companies["introducers"].length(),
    )


def _change(now: ibis.Value, before: ibis.Value) -> ibis.ir.FloatingValue:
    change: ibis.ir.FloatingValue = (now - before) / (now + before).nullif(0)
    return change.fill_null(ibis.ifelse(now.notnull() & before.notnull(), number(0), ibis.null("float64")))


TABLE = DailyTable(
    "intelligence/lead_features",
    CONTRACT,
    inputs={
        "outcomes": OUTCOMES.key,
        "companies": "core/unified_companies",
        "people": "identity/people",
        "profile": "core/profile",
        "activity": "core/activity",
        "support": "core/support",
        "calls": "core/calls",
        "signals": "market/signals",
    },
    rule=table,
)
FEATURES = (*TEXTS, *NUMBERS)
