"""Daily tables out of a formula, as many customers and days as wanted, and the snapshot that is served from them."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
from ibis.backends.sql.datatypes import DuckDBType

import gtm_platform.definitions  # noqa: F401  declares the tables
from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.serving.snapshot.build import Built, build
from gtm_platform.serving.snapshot.files import folder_of
from gtm_platform.serving.snapshot.landing import Landing
from gtm_platform_tests.intelligence.registered import settle_leads, settle_models
from gtm_platform_tests.intelligence.shown_effect import with_experiment
from gtm_platform_tests.intelligence.world import settle_intelligence
from gtm_platform_tests.serving.world import settle_track_record

DAY = date(2026, 3, 2)
COMPANY = 10  # people of a company
FIRST_NAMES = ("Ada", "Bo", "Cleo", "Dana", "Eli", "Fay", "Gus", "Hana", "Ivo", "Jana")
LAST_NAMES = ("Alder", "Birch", "Cedar", "Dune", "Elm", "Fern", "Glen", "Heath", "Ivy", "Juniper", "Kelp")
MANAGERS = ("Robin Hale", "Sam Lee", "Noor Haddad", "Jo Lindqvist", "Casey Duarte")
SIGNALS = ("cancel_mentioned", "failed_payments", "renewal_soon", "low_csat", "inactive_30d", "negative_tone")
ACTIONS = ("Call today: the customer spoke of cancelling.", "Ask for a working payment method: charges failed.")

# In these, i is the number of the person, age the days before the newest one.
BASE = "20 + dice(i, 'base', 80)"
SCORE = f"greatest(0, least(100, ({BASE}) + round(12 * sin((i % 60 + age) / 8.0))::int))"
CHURNS = "dice(i, 'leaves', 100) < 6 and age < dice(i, 'when', 60)"
COMES = "dice(i, 'comes', 100) < 8 and age > dice(i, 'since', 45)"
CUSTOMER = f"not ({CHURNS}) and not ({COMES}) and dice(i, 'prospect', 10) > 1"
STATUS = """case when score >= 70 then 'healthy' when score >= 50 then 'at_risk' when score >= 30 then 'high_risk'
    else 'critical' end"""
GREW = "if(dice(i, 'grows', 12) = 0 and age < dice(i, 'grew', 40), 90, 0)"
MRR = f"(19 + pow(dice(i, 'mrr', 100), 3) / 250 + {GREW})::decimal(18, 2)"
SIGNALLED = "score < 70 and i % 29 <> 0"  # the scores of others are low without a signal
TWO_SIGNALS = f"""[{list(SIGNALS)}[1 + i % {len(SIGNALS)}], {list(SIGNALS)}[1 + (i // 7) % {len(SIGNALS)}]]"""
WIDE = {
    "customer_id": "'cus_' || lpad(i::varchar, 7, '0')",
    "as_of": "day",
    "name": f"{list(FIRST_NAMES)}[1 + i % {len(FIRST_NAMES)}] || ' ' || {list(LAST_NAMES)}[1 + i % {len(LAST_NAMES)}]",
    "email": "'person' || i || '@firm' || (i // 10) || '.example'",
    "all_emails": "['person' || i || '@firm' || (i // 10) || '.example']",
    "company_id": "'com_' || lpad((i // 10)::varchar, 6, '0')",
    "company_name": "'Firm ' || (i // 10)",
    "company_domain": "'firm' || (i // 10) || '.example'",
    "hubspot_contact_id": "(1000 + i)::varchar",
    "stripe_customer_id": "'cus_s' || i",
    "intercom_contact_id": "'ic' || i",
    "assigned_am": f"if(i % 23 = 0, null, {list(MANAGERS)}[1 + (i // 10) % {len(MANAGERS)}])",
    "customer_status": f"case when is_customer then 'active' when {CHURNS} then 'churned' else 'prospect' end",
    "is_customer": "is_customer",
    "customer_since": "day - interval 300 day",
    "churned_at": f"if({CHURNS}, (date '{DAY}' - dice(i, 'when', 60)::int + 1)::timestamptz, null)",
    "churn_reason": f"if({CHURNS}, ['too_expensive', 'missing_features', 'unused'][1 + i % 3], null)",
    "mrr": "if(is_customer, mrr, null)",
    "mrr_reporting": "if(is_customer, mrr, null)",
    "ltv": "mrr * 9",
    "currency": "'usd'",
    "plan_tier": "['starter', 'pro', 'scale', 'enterprise'][1 + least(3, (mrr / 300)::int)]",
    "is_delinquent": "dice(i, 'owes', 60) = 0",
    "subscription_status": "if(is_customer, 'active', null)",
    "data_quality_score": "40 + dice(i, 'quality', 60)",
    "days_since_seen": "(dice(i, 'seen', 900) // 24)::int",
    "last_seen_at": "day::timestamptz - to_hours(dice(i, 'seen', 900))",
    "health_score": "if(is_customer, score, null)",
    "health_status": f"if(is_customer, {STATUS}, null)",
    "churn_risk": "if(is_customer, 100 - score, null)",
    "risk_signals": f"if(is_customer, if({SIGNALLED}, list_sort(list_distinct({TWO_SIGNALS})), []), null)",
    "recommended_actions": f"if(is_customer, if({SIGNALLED}, {list(ACTIONS)}, []), null)",
}
HEALTH = {
    "customer_id": WIDE["customer_id"],
    "as_of": "day",
    "activity_score": "score",
    "support_score": "least(100, score + 10)",
    "payment_score": "if(i % 9 = 0, 40, 100)",
    "tenure_score": "40",
    "mrr_score": "30",
    "base_score": "least(100, score + 3)",
    "override_cancel": "if(i % 40 = 0, -30, 0)",
    "override_delinquent": "0",
    "override_inactive": "0",
    "override_critical": "0",
    "health_score": "score",
    "health_status": STATUS,
    "health_confidence": "0.85",
    "churn_risk": "100 - score",
    "churn_risk_model": "'formula'",
    "risk_signals": WIDE["risk_signals"],
    "recommended_actions": WIDE["recommended_actions"],
    "score_change_7d": f"score - ({SCORE.replace('age', '(age + 7)')})",
    "policy_hash": "'{rules}'",
}
CHANGES = {
    "customer_id": WIDE["customer_id"],
    "as_of": "day",
    "cause": "'customer'",
    "component": "'activity'",
    "fact": "'days_since_seen'",
    "points_7d": HEALTH["score_change_7d"],
    "before_7d": "'3'",
    "after": "'9'",
}
MOVED = f"where is_customer and {HEALTH['score_change_7d']} <> 0"
PEOPLE = {"customer_id": WIDE["customer_id"], "aliases": "[]", "all_emails": WIDE["all_emails"], "email": WIDE["email"]}
COMPANIES = {
    "company_id": "'com_' || lpad(i::varchar, 6, '0')",
    "name": "'Firm ' || i",
    "domain": "'firm' || i || '.example'",
    "domains": "['firm' || i || '.example']",
    "hubspot_company_ids": "[(5000 + i)::varchar]",
    "intercom_company_ids": "['ico' || i]",
    "match_method": "'domain'",
    "match_confidence": "1.0",
}
COHORT_OF = f"(list_value({', '.join(map(repr, COHORTS))}))[1 + i % 4]"
UNIFIED_COMPANIES = {
    "company_id": COMPANIES["company_id"],
    "name": COMPANIES["name"],
    "domain": COMPANIES["domain"],
    "as_of": "day",
    "customer_cohort": COHORT_OF,
    "cohort_priority_score": "(dice(i, 'priority', 1000) / 10)::double",
    "completeness_score": "50.0",
    "mean_health": "if(i % 5 = 0, null, 40.0 + i)",
    "people": "1",
    "chroma_cloud_mrr": "(i * 10)::decimal(18, 2)",
    "in_market_signals": "['evaluating']",
    "current_vector_db": "if(i % 4 = 3, 'pinecone', null)",
}
TRANSITIONS = {
    "company_id": COMPANIES["company_id"],
    "at": "day",
    "compared_with": "day - 1",
    "from_cohort": "null",
    "to_cohort": COHORT_OF,
    "trigger": "'Signed up'",
    "evidence": "['evaluating']",
}
COHORT_ERRORS = {
    "company_id": COMPANIES["company_id"],
    "customer_cohort": COHORT_OF,
    "field": "'domain'",
    "error": "'It needs a domain.'",
}
REVIEW = {
    "kind": "if(i = 0, 'company', 'person')",
    "first_id": f"if(i = 0, {COMPANIES['company_id']}, {WIDE['customer_id']})",
    "second_id": "if(i = 0, 'com_000001', 'cus_' || lpad((i + 10)::varchar, 7, '0'))",
    "rule": "if(i = 0, 'similar_name', if(i = 1, 'held_back', 'similar'))",
    "score": "if(i = 1, null, 0.9)",
    "reason": "if(i = 1, 'shared inbox', 'they say much the same')",
}
USUAL = {
    "array": "[]",
    "boolean": "false",
    "string": "'none'",
    "timestamp": "timestamptz '2025-01-01'",
    "date": "date '2025-01-01'",
}


TRUTH = {
    "day": "day",
    "object_type": "'contacts'",
    "property": "'property' || i",
    "wanted": "50",
    "true_values": "44",
    "healed_values": "3",
    "withheld_values": "2",
    "late_values": "1",
    "by_person": "2",
    "by_workflow": "3",
    "finished": "true",
}


def settle(home: Path, customers: int, days: int, last: date = DAY, **more: Any) -> Built:
    """Write the tables of the days, and a snapshot of the newest with `more` of its landing."""
    lake = Lake(home / "lake")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; create macro dice(i, salt, sides) as (hash(i, salt) % sides)::bigint")
        for age in reversed(range(days)):
            day = last - timedelta(days=age)
            _write(connection, lake, "core/unified_customers", day, customers, age, WIDE)
            _write(connection, lake, "health/customer_health", day, customers, age, HEALTH, "where is_customer")
        _write(connection, lake, "health/score_changes", last, customers, 0, CHANGES, MOVED)
        _write(connection, lake, "identity/people", last, customers, 0, PEOPLE)
        companies = -(-customers // COMPANY)
        _write(connection, lake, "identity/companies", last, companies, 0, COMPANIES)
        _write(connection, lake, "core/unified_companies", last, companies, 0, UNIFIED_COMPANIES)
        _write(connection, lake, "cohorts/transitions", last, min(companies, 12), 0, TRANSITIONS)
        _write(connection, lake, "delivery/hubspot_truth", last, 2, 0, TRUTH)
        _write(connection, lake, "identity/review", last, 4, 0, REVIEW)
        _write(connection, lake, "cohorts/validation_errors", last, min(companies, 5), 0, COHORT_ERRORS)
    settle_intelligence(lake, last, [f"com_{number:06d}" for number in range(2)])
    settle_track_record(lake, last, missed=("cus_0000002", "cus_0000003", "cus_forgotten"))
    settle_models(lake, last, ("cus_0000003", "cus_0000002", "cus_forgotten"))
    settle_leads(lake, last, [f"com_{number:06d}" for number in range(2)], "cus_0000004")
    shown = with_experiment(lake, last)
    built = build(Landing(shown, datetime.combine(last, time(23), UTC), policy(), **more), folder_of(home))
    assert built is not None
    return built


def _write(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    table: str,
    day: date,
    rows: int,
    age: int,
    values: dict[str, str],
    where: str = "",
) -> None:
    contract = contract_of(table)
    columns = ", ".join(
        f"({values.get(name) or _usual(str(kind), contract.columns[name].nullable)})::{DuckDBType.to_string(kind)} "
        f'as "{name}"'
        for name, kind in contract.schema.items()
    ).replace("{rules}", policy().hash)
    numbers = f"select i, {age} as age, date '{day}' as day, {SCORE} as score, {MRR} as mrr, {CUSTOMER} as is_customer"
    query = f"select {columns} from ({numbers} from range(0, {rows}) t(i)) {where}"
    lake.write(table, str(day), connection.execute(query).to_arrow_reader(50_000))


def _usual(kind: str, nullable: bool) -> str:
    """Return a value for a column that no formula is for."""
    if nullable:
        return "null"
    return next((value for beginning, value in USUAL.items() if kind.lstrip("!").startswith(beginning)), "0")
