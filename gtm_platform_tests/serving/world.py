"""A lake of daily tables for these tests: sixty people out of a formula, on the newest day and on some days before."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.serving.snapshot.landing import Landing
from gtm_platform_tests.intelligence.registered import settle_leads, settle_models
from gtm_platform_tests.intelligence.world import settle_intelligence
from gtm_platform_tests.tables import filled

TODAY = date(2026, 2, 20)
WEEK_AGO = TODAY - timedelta(days=7)
DAYS = [TODAY - timedelta(days=ago) for ago in (37, 31, 30, 23, 8, 7, 2, 1, 0)]
PEOPLE = 60
MANAGERS = ("Noor Haddad", "Sam Lee", None)
TIERS = ("starter", "scale", "enterprise", None)
CURRENCIES = ("usd", "eur")
SIGNALS = ("low_csat", "single_user", "renewal_soon")
NOW = datetime(2026, 2, 20, 23, 30, tzinfo=UTC)


def status_of(score: int) -> str:
    return "healthy" if score >= 70 else "at_risk" if score >= 50 else "high_risk" if score >= 30 else "critical"


def person(i: int, day: date) -> dict[str, Any]:
    """Person i on a day: every seventh never was a customer; some come, some leave, all change what they pay."""
    age = (TODAY - day).days
    churned = i % 9 == 4 and age < 1 + i % 30
    is_customer = i % 7 != 0 and not churned and not (i % 11 == 5 and age > i % 25)
    score = (i * 37 + age * (1 + i % 3)) % 101 if is_customer else None
    mrr = None if i % 13 == 6 else Decimal(i * 25 % 700) + Decimal(age * (i % 3 - 1)) + Decimal("0.37")
    return {
        "customer_id": f"cus_{i:03d}",
        "as_of": day,
        "name": f'Person "{i}" O\'Ärger',
        "email": f"person{i}@firm{i // 4}.example",
        "all_emails": [f"other{i}@firm{i // 4}.example", f"person{i}@firm{i // 4}.example", "info@shared.example"],
        "company_id": f"com_{i // 4:02d}",
        "company_domain": f"firm{i // 4}.example",
        "country": ("DE", "US")[i % 2],
        "assigned_am": MANAGERS[i % 3],
        "plan_tier": TIERS[i % 4],
        "currency": CURRENCIES[i % 2],
        "is_customer": is_customer,
        "customer_status": "active" if is_customer else "churned" if churned else "prospect",
        "churned_at": datetime(2026, 2, 1, tzinfo=UTC) if churned else None,
        "churn_reason": "They said: too dear" if churned else None,
        "mrr": mrr,
        "mrr_reporting": max(mrr, Decimal(0)) if mrr is not None else None,
        "is_delinquent": i % 10 == 3,
        "completeness_score": float("nan") if i % 20 == 1 else 25.0,
        "data_quality_score": i * 3 % 101 if i % 8 else None,
        "subscription_status": "active" if is_customer else None,
        "failed_payments_30d": i % 3,
        "cancel_mentioned_at": datetime(2026, 2, 11, 9, 30, 15, 250_000, tzinfo=UTC) if i % 4 == 2 else None,
        "signup_at": datetime(2025, 3, 1, 8, tzinfo=UTC) + timedelta(days=i),
        "days_since_seen": i % 40 if i % 5 else None,
        "logins_30d": i % 25 if i % 6 else None,
        "onboarding_pct": i * 1.7 % 100 if i % 4 else None,
        "csat_avg_90d": 1 + i % 4 + 0.25 if i % 3 else None,
        "last_seen_at": datetime(2026, 2, 1, 12, tzinfo=UTC) + timedelta(hours=i) if i % 5 else None,
        "calls_held_90d": i % 4 if i % 2 else None,
        "calls_no_show_90d": i % 3 if i % 2 else None,
        "health_score": score,
        "health_status": status_of(score) if score is not None else None,
        "churn_risk": 100 - score if score is not None else None,
        "risk_signals": [SIGNALS[i % 3]] if score is not None and score < 70 else [] if is_customer else None,
        "recommended_actions": ["Call today."] if score is not None and score < 70 else [] if is_customer else None,
    }


def health(row: dict[str, Any]) -> dict[str, Any]:
    """The row of health of a current customer."""
    return {
        "customer_id": row["customer_id"],
        "as_of": row["as_of"],
        "activity_score": 80.0,
        "support_score": None,
        "payment_score": 50.0,
        "engagement_score": 10.0,
        "tenure_score": 100.0,
        "mrr_score": 0.0,
        "base_score": 51.875,
        "override_cancel": -30,
        "health_score": row["health_score"],
        "health_status": row["health_status"],
        "health_confidence": 0.8,
        "churn_risk": row["churn_risk"],
        "churn_risk_model": "formula",
        "risk_signals": row["risk_signals"],
        "recommended_actions": row["recommended_actions"],
        "score_change_7d": int(row["customer_id"][-2:]) % 41 - 20,
        "policy_hash": policy().hash,
    }


def score_changes(i: int) -> list[dict[str, Any]]:
    """What moved the score of person i in a week, if it did: other rules, a point down, and the rest by being seen."""
    then, now = (person(i, day)["health_score"] for day in (WEEK_AGO, TODAY))
    if then is None or now is None or then == now:
        return []
    row = {"customer_id": f"cus_{i:03d}", "as_of": TODAY}
    seen = {"component": "activity", "fact": "days_since_seen", "before_7d": "3", "after": "9"}
    return [
        {**row, "cause": "customer", **seen, "points_7d": Decimal(now - then + 1)},
        {**row, "cause": "rules", "component": "", "fact": "", "points_7d": Decimal(-1)},
    ]


# Who may be the same: two people by their records, two whom a rule held back, and two companies.
REVIEWED = [
    {
        "kind": "person",
        "first_id": "cus_001",
        "second_id": "cus_002",
        "rule": "similar",
        "score": 0.97,
        "reason": "their records say much the same",
    },
    {
        "kind": "person",
        "first_id": "cus_003",
        "second_id": "cus_gone",
        "rule": "held_back",
        "score": None,
        "reason": "shared inbox",
    },
    {
        "kind": "company",
        "first_id": "com_00",
        "second_id": "com_01",
        "rule": "similar_name",
        "score": 0.92,
        "reason": "their names mean the same",
    },
]
FACTS = ("core/profile", "core/revenue", "core/activity", "core/support")


def facts(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row that the table of a domain has."""
    return {name: value for name, value in row.items() if name in contract_of(table).columns}


def _write(lake: Lake, table: str, day: date, rows: list[dict[str, Any]]) -> None:
    lake.write(table, str(day), engine().to_pyarrow(filled(table, *rows)))


# Alerts by how many days ago: kind, sent, useful, not useful; those of 40 days ago are in no window of 30.
ALERTS = {
    1: [("cancel_mention", 5, 2, 1), ("health_drop", 4, 0, 0)],
    20: [("cancel_mention", 3, 0, 2)],
    40: [("health_drop", 9, 9, 0)],
}
# The figures of a back-test, by the rules that made the newest scores and by those before.
FIGURES = {
    "count_cases": (800, None, None),
    "count_churners": (40, None, None),
    "count_flagged": (30, None, None),
    "count_missed": (2, None, None),
    "base_rate": (0.05, 0.03, 0.07),
    "precision_at_risk": (0.25, 0.2, 0.3),
    "precision_alerts": (0.35, 0.3, 0.4),
    "precision_alerts_health_drop": (0.3, 0.1, 0.5),
    "flagged_42_days_ahead": (0.5, 0.4, 0.6),
    "flagged_14_days_ahead": (0.65, 0.55, 0.75),
    "green_at_churn": (0.1, 0.05, 0.2),
    "median_days_ahead": (51, None, None),
    "auc_score": (0.8, 0.7, 0.9),
}
# Churns that were missed: who, days ahead, the cheapest rule, more alarms a month; the last is nobody any more.
MISSED_CHURNS: tuple[tuple[str, int | None, str | None, int | None], ...] = (
    ("cus_004", 12, "not seen for 7 days", 9),
    ("cus_013", None, None, None),
    ("cus_forgotten", None, None, None),
)


def settle_track_record(lake: Lake, today: date, missed: Sequence[str] = ()) -> None:
    """Write what the alerts and the back-tests of two months came to; `missed` are the customers that were missed."""
    for ago, kinds in ALERTS.items():
        day = today - timedelta(days=ago)
        rows = [
            {"day": str(day), "kind": kind, "sent": sent, "useful": useful, "not_useful": not_useful}
            for kind, sent, useful, not_useful in kinds
        ]
        _write(lake, "alerts/precision", day, rows)
    rows_missed = [
        {"customer_id": customer, "days_ahead": ahead, "rule": rule, "more_alarms": more, "policy_hash": policy().hash}
        for (_, ahead, rule, more), customer in zip(
            MISSED_CHURNS, missed or [row[0] for row in MISSED_CHURNS], strict=True
        )
    ]
    for month, factor in ((date(2025, 10, 1), 0.5), (date(2025, 11, 1), 1)):
        rules = ((policy().hash, month, factor), ("older rules", month - timedelta(days=60), 0.4))
        tested = [
            {"policy_hash": name, "tested_until": until, "verdict": "signal", "measure": measure}
            | dict(zip(("value", "low", "high"), (each and each * by for each in figure), strict=True))
            for name, until, by in rules
            for measure, figure in FIGURES.items()
        ]
        _write(lake, "health/backtest", month, [{"month": month, **row} for row in tested])
        churned = {"month": month, "churned_on": month - timedelta(days=3), "score_before": 82}
        _write(lake, "health/missed_churns", month, [{**churned, **row} for row in rows_missed])


MOVED = {
    "company_id": "com_01",
    "at": DAYS[-1],
    "compared_with": DAYS[-2],
    "from_cohort": "cohort_3_competitor",
    "to_cohort": "cohort_4_si_partner",
    "trigger": "Became a partner",
    "evidence": ["uses pinecone"],
}
# What moved on earlier days, by how many days ago: company, from and to which cohort, trigger.
MOVED_BEFORE = {
    37: ("com_09", None, COHORTS[0], "Signed up"),
    23: ("com_08", COHORTS[2], COHORTS[0], "In-market converted"),
    8: ("com_07", COHORTS[2], None, "Nothing speaks for it any more"),
    2: ("com_04", COHORTS[0], COHORTS[0], "Fell dormant"),
    1: ("com_05", COHORTS[0], COHORTS[0], "Came back"),
}
MOVE = ("company_id", "from_cohort", "to_cohort", "trigger")


def unified(company: dict[str, Any], i: int) -> dict[str, Any]:
    """The row of a company in the wide table: each cohort in turn; the last has neither people nor a cohort."""
    return {
        "company_id": company["company_id"],
        "name": company["name"],
        "domain": company["domain"],
        "customer_cohort": COHORTS[i % len(COHORTS)] if i < PEOPLE // 4 else None,
        "cohort_priority_score": float(i),
        "mean_health": 40.0 + i if i % 4 == 0 else None,
        "completeness_score": 25.0 * (i % 5) if i < PEOPLE // 4 else None,
        "chroma_customer_status": ("active_paid", "dormant", None)[i % 3] if i % 4 == 0 else None,
        "signal_strength": (None, "weak", "strong", "very_strong", "moderate")[i % 5],
        "champion_left": i % 4 == 0 and i % 3 == 1,
        "engagement_notes": "They told of their plans.",
        "q1_revenue_potential": "low",
    }


def truth(day: date, name: str) -> dict[str, Any]:
    """The row of a property that was compared with HubSpot: a person and a workflow changed some of its values."""
    return {
        "day": day,
        "object_type": "contacts",
        "property": name,
        "wanted": 50,
        "true_values": 44 - day.day % 3,
        "healed_values": 3,
        "withheld_values": 2,
        "late_values": 1 + day.day % 3,
        "by_person": 2,
        "by_workflow": 3,
        "finished": True,
    }


def webhooks(day: date, number: int) -> dict[str, Any]:
    """The row of a subscription's messages of a day, of which some wait and some are dead."""
    return {
        "day": day,
        "subscription_id": f"sub_{number}",
        "receiver": f"hooks{number}.example",
        "messages": 20 + number,
        "delivered": 15 + day.day % 3,
        "waiting": 5 - day.day % 3,
        "dead": number,
        "attempts": 40,
        "median_seconds": 2.5,
    }


def costs(day: date, source: str) -> dict[str, Any]:
    """The row of what a source took on a day; one of the two charges credits."""
    return {
        "day": day,
        "source": source,
        "runs": 2,
        "calls": 400 + day.day,
        "records": 9_000,
        "minutes": 3.5,
        "credits": Decimal(120) if source == "sumble" else Decimal(0),
        "stored_mb": 12.5,
        "cost": Decimal("0.4125") if source == "sumble" else Decimal("0.0281"),
    }


def hook_day(day: date, hook: str) -> dict[str, Any]:
    """The row of a webhook's deliveries of a day, of which some were refused and of some changes it did not speak."""
    return {
        "day": day,
        "hook": hook,
        "source": hook,
        "received": 40 + day.day % 3,
        "repeated": 2,
        "refused": 1 if hook == "stripe" else 3,
        "read_events": 30 if hook == "stripe" else 10,
        "seconds_to_window": 41.5 if hook == "stripe" else 80.0,
        "slowest_seconds": 95.0,
        "changed": 50,
        "lost": 4 + day.day % 2,
    }


def hot_path_day(day: date) -> dict[str, Any]:
    """The row of what the hot path did on a day, of which some was left to the tables."""
    return {
        "day": day,
        "runs": 20,
        "events": 70 + day.day % 3,
        "delivered": 15,
        "left_runs": 3,
        "failed": 1,
        "customers": 25,
        "fields": 60 + day.day % 2,
        "p50_seconds": 2.5,
        "p99_seconds": 6.75,
    }


def canary_rows(day: date) -> list[dict[str, Any]]:
    """What a canary did on a day, and each stage: one saw it late, one has not seen it in time."""
    done = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    seen = {"written": 0, "landed": 6, "identity": 8, "scores": 9, "alert": None, "report": 60 + day.day}
    states = {"alert": "failed", "report": "seen_late"}
    return [
        {
            "day": day,
            "canary": f"canary-{day:%m%d}",
            "act": "sign_up",
            "stage": stage,
            "expected_by": done + timedelta(hours=48),
            "seen_at": None if hours is None else done + timedelta(hours=hours),
            "state": states.get(stage, "seen"),
        }
        for stage, hours in seen.items()
    ]


def settle(lake: Lake, days: list[date] = DAYS, people: int = PEOPLE) -> None:
    """Write the daily tables that a snapshot is made of."""
    for day in days:
        rows = [person(i, day) for i in range(people)]
        _write(lake, "core/unified_customers", day, rows)
        scored = [health(row) for row in rows if row["is_customer"]]
        _write(lake, "health/customer_health", day, scored)
    _write(lake, "health/score_changes", days[-1], [part for i in range(people) for part in score_changes(i)])
    for table in FACTS:
        _write(lake, table, days[-1], [facts(table, row) for row in rows])
    members = [{"customer_id": row["customer_id"], "aliases": [f"old_{row['customer_id']}"]} for row in rows]
    _write(lake, "identity/people", days[-1], members)
    companies = [
        {"company_id": f"com_{i:02d}", "name": f"Firm {i}", "domain": f"firm{i}.example", "match_method": "domain"}
        for i in range(-(-people // 4) + 1)
    ]
    _write(lake, "identity/companies", days[-1], companies)
    _write(lake, "core/unified_companies", days[-1], [unified(row, i) for i, row in enumerate(companies)])
    for day in days[:-1]:
        move = MOVED_BEFORE.get((TODAY - day).days)
        changed = {"at": day, "compared_with": day - timedelta(days=1), "evidence": []}
        rows_moved = [changed | dict(zip(MOVE, move, strict=True))] if move else []
        _write(lake, "cohorts/transitions", day, rows_moved)
    _write(lake, "cohorts/transitions", days[-1], [MOVED, MOVED | {"company_id": "com_02", "trigger": "Came back"}])
    for day in days[-3:]:
        _write(lake, "delivery/hubspot_truth", day, [truth(day, name) for name in ("gtm_mrr", "gtm_health_score")])
        _write(lake, "delivery/webhooks", day, [webhooks(day, number) for number in (1, 2)])
        _write(lake, "quality/source_costs", day, [costs(day, name) for name in ("hubspot", "sumble")])
        done = {"day": day, "done": 5 + day.day % 2, "refused": 1, "ended": 2}
        acted = [done | {"rule": f"task_{number}", "does": "hubspot_task"} for number in (1, 2)]
        _write(lake, "delivery/actions", day, acted)
        _write(lake, "quality/hook_days", day, [hook_day(day, hook) for hook in ("hubspot", "stripe")])
        _write(lake, "quality/canaries", day, canary_rows(day))
        _write(lake, "quality/hot_path_days", day, [hot_path_day(day)])
    settle_track_record(lake, days[-1])
    settle_models(lake, days[-1], ("cus_001", "cus_002", "cus_forgotten"))
    settle_leads(lake, days[-1], [row["company_id"] for row in companies], "cus_003")
    settle_intelligence(lake, days[-1], [row["company_id"] for row in companies])
    missing = {"customer_cohort": COHORTS[0], "field": "domain", "error": "A company in it needs domain."}
    _write(lake, "identity/review", days[-1], REVIEWED)
    _write(lake, "cohorts/validation_errors", days[-1], [{"company_id": "com_00", **missing}])


def landing(lake: Lake, **more: Any) -> Landing:
    """What a snapshot of the lake is made of."""
    return Landing(lake, NOW, policy(), **more)


TRIGGER = {
    "id": "sub_1",
    "receiver": "hooks.example",
    "kinds": ["health_status", "cohort"],
    "filters": {"tier": ["scale", "enterprise"]},
    "personal": False,
    "status": "off",
    "why": "The receiver answered 410 Gone: it wants nothing more.",
    "created_at": "2026-02-01T10:00:00Z",
    "delivered_at": "2026-02-19T10:00:00Z",
    "failing_since": None,
    "delivered": 40,
    "waiting": 0,
    "dead": 1,
    "dead_letters": [
        {
            "message_id": "msg_1",
            "type": "customer.changed",
            "subject_id": "cus_002",
            "day": "2026-02-19",
            "attempts": 1,
            "at": "2026-02-19T10:00:00Z",
            "error": "webhook answered 410 to POST https://hooks.example.",
        }
    ],
}
ALERT = {
    "id": 7,
    "at": "2026-02-20T10:00:00Z",
    "day": "2026-02-20",
    "kind": "cancel_mention",
    "severity": "critical",
    "subject_kind": "customer",
    "subject_id": "cus_002",
    "title": "Cancel mention",
    "why": "Wrote of cancelling.",
    "advice": "Call the customer today.",
    "status": "sent",
    "sent_at": None,
}
RUN = {
    "run_id": "11111111-2222-3333-4444-555555555555",
    "job": "sync_stripe",
    "status": "success",
    "first_partition": "2026-02-19",
    "last_partition": "2026-02-19",
    "created_at": "2026-02-20T00:15:00Z",
    "began_at": "2026-02-20T00:15:02Z",
    "ended_at": "2026-02-20T00:16:00Z",
}
