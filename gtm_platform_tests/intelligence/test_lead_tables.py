"""What came of each lead, and what is known of it: of the day alone, companies and people without one alike."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from gtm_platform.intelligence.leads import features, outcomes
from gtm_platform.policy import policy
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled

TODAY = DAY


def outcomes_on_day(**rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    tables = {
        "people": "identity/people",
        "companies": "identity/companies",
        "links": "identity/links",
        "profile": "core/profile",
        "revenue": "core/revenue",
        "deals": "intelligence/pipeline_deals",
        "associations": "hubspot/associations",
    }
    inputs = {name: filled(table, *rows.get(name, [])) for name, table in tables.items()}
    return by("lead_id", computed(outcomes.table, outcomes.TABLE.key, **inputs, policy=policy(), day=DAY))


def linked(deal: str, to: str, *records: str) -> dict[str, Any]:
    links = [{"to_id": record} for record in records]
    return {"from_type": "deals", "from_id": deal, "to_type": to, "links": links}


def test_a_company_is_won_by_a_payment_or_a_deal_and_lost_by_lost_deals_alone() -> None:
    people = [
        {"customer_id": "p1", "company_id": "com_paid"},
        {"customer_id": "p2", "company_id": "com_paid"},
        {"customer_id": "p3", "company_id": "com_lost"},
        {"customer_id": "alone"},
    ]
    companies = [
        *({"company_id": name} for name in ("com_paid", "com_lost", "com_none")),
        {"company_id": "com_won", "hubspot_company_ids": ["77"]},
    ]
    rows = outcomes_on_day(
        people=people,
        companies=companies,
        links=[{"source": "hubspot", "record_id": "h3", "customer_id": "p3"}],
        profile=[
            {"customer_id": "p1", "is_customer": True},
            {"customer_id": "p2", "is_customer": False, "churned_at": days_ago(20)},
            {"customer_id": "alone", "is_customer": False, "churned_at": days_ago(9)},
        ],
        revenue=[
            {
                "customer_id": "p1",
                "mrr_reporting": Decimal(30),
                "ltv": Decimal(90),
                "currency": "usd",
                "first_paid_at": days_ago(70),
            },
            {"customer_id": "p2", "ltv": Decimal(10), "currency": "usd", "first_paid_at": days_ago(400)},
            {"customer_id": "alone", "ltv": Decimal(5), "currency": "usd", "first_paid_at": days_ago(99)},
        ],
        deals=[
            {"deal_id": "d1", "closed_on": TODAY - timedelta(days=3), "is_won": True},
            {"deal_id": "d2", "closed_on": TODAY - timedelta(days=5), "is_won": False},
            {"deal_id": "d3", "closed_on": None, "is_won": False},
        ],
        associations=[
            linked("d1", "companies", "77"),
            linked("d2", "contacts", "h3"),
            linked("d2", "companies", "77"),
            linked("d3", "contacts", "h3"),
        ],
    )
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "com_paid": "won",
        "com_won": "won",
        "com_lost": "lost",
        "com_none": "open",
        "alone": "won",
    }
    paid = rows["com_paid"]
    assert (paid["people"], paid["mrr"], paid["ltv"]) == (2, Decimal("30.00"), Decimal("100.00"))
    assert (paid["first_paid_on"], paid["left_on"]) == (days_ago(400).date(), None)
    assert (rows["alone"]["kind"], rows["alone"]["left_on"]) == ("person", days_ago(9).date())
    assert (rows["com_lost"]["lost_deals"], rows["com_lost"]["open_deals"], rows["com_won"]["won_deals"]) == (1, 1, 1)
    assert rows["com_won"]["lost_deals"] == 1


def features_on_day(**rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    tables = {
        "outcomes": "intelligence/lead_outcomes",
        "companies": "core/unified_companies",
        "people": "identity/people",
        "profile": "core/profile",
        "activity": "core/activity",
        "support": "core/support",
        "calls": "core/calls",
        "signals": "market/signals",
    }
    inputs = {name: filled(table, *rows.get(name, [])) for name, table in tables.items()}
    return by("lead_id", computed(features.table, features.TABLE.key, **inputs, day=DAY))


def test_features_of_a_lead_are_rates_of_its_people_and_what_the_market_shows() -> None:
    rows = features_on_day(
        outcomes=[
            {"lead_id": "com_1", "kind": "company", "outcome": "lost"},
            {"lead_id": "com_won", "kind": "company", "outcome": "won"},
            {"lead_id": "com_partner", "kind": "company", "outcome": "open"},
            {"lead_id": "alone", "kind": "person", "outcome": "open"},
        ],
        companies=[
            {
                "company_id": "com_1",
                "industry": "Software",
                "country": "US",
                "employee_count": 40,
                "signal_points": 7.5,
                "newest_signal_at": days_ago(4),
                "use_case_detected": "rag",
                "introducers": ["a.example", "b.example"],
            },
            {"company_id": "com_partner", "customer_cohort": "cohort_4_si_partner"},
        ],
        people=[
            {"customer_id": "a", "company_id": "com_1"},
            {"customer_id": "b", "company_id": "com_1"},
            {"customer_id": "alone"},
        ],
        profile=[
            {"customer_id": "a", "signup_at": days_ago(12)},
            {"customer_id": "b", "country": "France"},
            {"customer_id": "alone", "country": "Germany"},
        ],
        activity=[
            {"customer_id": "a", "logins_7d": 7, "logins_30d": 30, "logins_14d": 9, "logins_14d_before": 3},
            {"customer_id": "b", "logins_7d": 7, "logins_30d": 30, "days_since_seen": 2},
        ],
        support=[{"customer_id": "a", "conversations_90d": 3}],
        calls=[{"customer_id": "a", "calls_held_90d": 6, "next_call_at": days_ago(-2), "last_call_at": days_ago(8)}],
        signals=[
            {"company_id": "com_1", "signal_id": "1", "kind": "visit", "at": days_ago(3), "strength": 4.0},
            {"company_id": "com_1", "signal_id": "2", "kind": "visit", "at": days_ago(40), "strength": 9.0},
            {"company_id": "com_1", "signal_id": "3", "kind": "star", "at": days_ago(5)},
        ],
    )
    one = rows["com_1"]
    assert (one["industry"], one["country"], one["use_case"], one["employees"]) == ("software", "us", "rag", 40.0)
    assert (one["people"], one["people_signed_up"], one["days_since_signup"], one["days_since_seen"]) == (2, 1, 12, 2)
    assert (one["logins_a_day_7d"], one["logins_a_day_30d"], one["login_change_14d"]) == (2.0, 2.0, 0.5)
    assert (one["calls_held_a_month"], one["calls_ahead"], one["days_since_call"]) == (2.0, 1, 8)
    assert (one["pages_visited_30d"], one["developer_acts_30d"], one["days_since_signal"]) == (4.0, 1, 4)
    assert (one["signal_points"], one["introducers"], one["conversations_a_month"]) == (7.5, 2, 1.0)
    assert {name: row["in_scope"] for name, row in rows.items()} == {
        "com_1": True,
        "com_won": False,
        "com_partner": False,
        "alone": True,
    }
    assert rows["com_won"]["is_won"]
    assert (rows["alone"]["country"], rows["alone"]["logins_a_day_7d"]) == ("germany", None)


def test_the_day_is_that_of_the_features() -> None:
    row = features_on_day(outcomes=[{"lead_id": "x", "kind": "person", "outcome": "open"}])["x"]
    assert row["day"] == date(2026, 11, 20)
