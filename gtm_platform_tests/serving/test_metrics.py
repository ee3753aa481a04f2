"""Each metric against SQL of its own over the lake's files."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from gtm_platform.policy import policy
from gtm_platform.serving.metrics import DIMENSIONS, dimensions, discover
from gtm_platform.serving.store import Snapshot
from gtm_platform_tests.serving.world import DAYS, TODAY

CURRENT = {
    "customers": "select count(*) from now where is_customer",
    "mrr": "select sum(mrr_reporting) from now where is_customer",
    "paying_customers": "select count(*) from now where is_customer and mrr_reporting > 0",
    "mrr_per_customer": "select avg(mrr_reporting::double) from now where is_customer and mrr_reporting > 0",
    "payment_overdue": "select count(*) from now where is_customer and is_delinquent",
    "mean_health": "select sum(health_score) / count(health_score) from now where is_customer",
    "at_risk": "select count(*) from now where is_customer and health_status in ('at_risk', 'high_risk', 'critical')",
    "mrr_at_risk": "select coalesce(sum(mrr_reporting), 0) from now where is_customer and health_score < 70",
    "expected_mrr_loss": "select coalesce(sum(mrr_reporting::double * churn_risk / 100), 0) from now where is_customer",
    "mean_data_quality": "select avg(data_quality_score) from now where is_customer",
    "show_rate": """select sum(calls_held_90d) / nullif(sum(calls_held_90d) + sum(calls_no_show_90d), 0)
        from now where is_customer""",
}
BOTH = """with n as (select customer_id, coalesce(mrr_reporting, 0) as m, assigned_am from now where is_customer),
    b as (select customer_id, coalesce(mrr_reporting, 0) as m, assigned_am from before where is_customer) """
LEFT, CAME = "b anti join n using (customer_id)", "n anti join b using (customer_id)"
PAID = "(select coalesce(n.m, 0) as now_m, coalesce(b.m, 0) as was_m from n full join b using (customer_id))"
WAS = "nullif((select sum(m) from b), 0)"
WINDOW = {
    "new_customers": f"select count(*) from {CAME}",
    "churned_customers": f"select count(*) from {LEFT}",
    "customer_churn": f"select (select count(*) from {LEFT}) / (select count(*) from b)",
    "new_mrr": f"select coalesce(sum(now_m), 0) from {PAID} where now_m > 0 and was_m <= 0",
    "expansion_mrr": f"select coalesce(sum(now_m - was_m), 0) from {PAID} where was_m > 0 and now_m > was_m",
    "contraction_mrr": f"select coalesce(sum(was_m - now_m), 0) from {PAID} where now_m > 0 and now_m < was_m",
    "churned_mrr": f"select coalesce(sum(was_m), 0) from {PAID} where was_m > 0 and now_m <= 0",
    "mrr_churn": f"select (select coalesce(sum(was_m), 0) from {PAID} where now_m <= 0)::double / {WAS}",
    "net_revenue_retention": f"select (select sum(now_m) from {PAID} where was_m > 0)::double / {WAS}",
    "gross_revenue_retention": f"select (select sum(least(now_m, was_m)) from {PAID})::double / {WAS}",
}
SCORES = "from now n join before b using (customer_id) where n.is_customer and b.is_customer"
WINDOW_OF_SCORES = {
    "scores_fell": f"select count(*) {SCORES} and n.health_score - b.health_score <= -5",
    "scores_rose": f"select count(*) {SCORES} and n.health_score - b.health_score >= 5",
    "newly_at_risk": f"select count(*) {SCORES} and b.health_score >= 70 and n.health_score < 70",
    "recovered": f"select count(*) {SCORES} and b.health_score < 70 and n.health_score >= 70",
}
IN_COHORT = "from companies where customer_cohort is not null"
PAYING = """from now join companies using (company_id) where customer_cohort is not null and is_customer"""
COMPANIES = {
    "companies": f"select count(*) {IN_COHORT}",
    "company_mrr": f"select sum(mrr_reporting) {PAYING}",
    "companies_at_risk": f"select count(distinct company_id) {PAYING} and health_score < 70",
    "mean_company_health": f"select avg(mean_health) {IN_COHORT}",
    "mean_priority": f"select avg(cohort_priority_score) {IN_COHORT}",
    "dormant_companies": f"select count(*) {IN_COHORT} and chroma_customer_status = 'dormant'",
    "strong_signals": f"select count(*) {IN_COHORT} and signal_strength in ('strong', 'very_strong')",
    "champions_left": f"select count(*) {IN_COHORT} and champion_left",
    "incomplete_companies": "select count(distinct company_id) from errors semi join companies using (company_id)",
    "company_completeness": f"select avg(completeness_score) {IN_COHORT}",
}
MOVED = """select count(*) from moved where "at" > date '{since}'"""
CUSTOMER = "cohort_1_current_customer"
WINDOW_OF_COHORTS = {
    "companies_moved": MOVED,
    "companies_won": f"{MOVED} and to_cohort = '{CUSTOMER}' and coalesce(from_cohort, '') <> '{CUSTOMER}'",
    "companies_left": f"{MOVED} and to_cohort is null",
    "companies_fell_dormant": f"{MOVED} and trigger = 'Fell dormant'",
    "companies_came_back": f"{MOVED} and trigger = 'Came back'",
}
HUBSPOT = {
    "hubspot_truth": "select sum(true_values + healed_values) / sum(wanted) from truth",
    "hubspot_healed": "select sum(healed_values) from truth",
    "hubspot_withheld": "select sum(withheld_values) from truth",
}
WEBHOOKS = {
    "webhooks_delivered": "select sum(delivered) / sum(messages) from webhooks",
    "webhooks_dead": "select sum(dead) from webhooks",
}
COSTS = {
    "source_calls": "select sum(calls) from costs",
    "source_credits": "select sum(credits) from costs",
    "source_cost": "select sum(cost) from costs",
}
ACTIONS = {
    "actions_done": "select sum(done) from acted",
    "actions_refused": "select sum(refused) from acted",
}
HOOKS = {
    "hooks_received": "select sum(received) from hooks",
    "hooks_refused": "select sum(refused) from hooks",
    "hook_to_window": "select sum(seconds_to_window * read_events) / sum(read_events) from hooks",
    "hooks_lost": "select sum(lost) / sum(changed) from hooks",
    "canary_minutes": "select (6 + 8 + 9 + 60 + day(max(day))) / 4 * 60 from canaries",
    "canary_slowest": "select max(epoch(seen_at)) / 60 - min(epoch(seen_at)) / 60 from canaries",
    "canaries_lost": "select count(*) from canaries where state = 'failed'",
    "hot_values": "select fields from hot",
    "hot_path_p50": "select p50_seconds from hot",
    "hot_path_p99": "select p99_seconds from hot",
    "hot_runs_left": "select (left_runs + failed) / runs from hot",
}
TESTED = f"""select value from tested where month = '2025-11-01' and policy_hash = '{policy().hash}' and measure = """
JUDGED = f"from sent where day::date > date '{TODAY - timedelta(days=30)}'"
TRACK_RECORD = {
    "at_risk_precision": f"{TESTED} 'precision_at_risk'",
    "churn_base_rate": f"{TESTED} 'base_rate'",
    "churns_flagged_early": f"{TESTED} 'flagged_42_days_ahead'",
    "green_at_churn": f"{TESTED} 'green_at_churn'",
    "median_days_ahead": f"{TESTED} 'median_days_ahead'",
    "missed_churns": f"{TESTED} 'count_missed'",
    "alerts_sent_30d": f"select sum(sent) {JUDGED}",
    "alert_precision_30d": f"select sum(useful) / sum(useful + not_useful) {JUDGED}",
    "odd_figures": "select count(*) from odd",
    "identity_review": "select count(*) from reviewed",
}
OVER_DAYS = {
    "tested": "health/backtest",
    "sent": "alerts/precision",
    "churn_months": "intelligence/churn_model",
    "lead_months": "intelligence/lead_model",
}
MODELS = {
    f"{kind}_model_{figure}": f"select {figure} from {kind}_months order by month desc limit 1"
    for kind in ("churn", "lead")
    for figure in ("auc", "skill", "ece")
}
ICP = {
    "win_rate": "select count(*) filter (outcome = 'won') / count(*) filter (outcome <> 'open') from icp",
    "company_ltv": "select avg(ltv::double) from icp",
    "first_year_churn": "select count(*) filter (left_in_time) / count(*) filter (is_seasoned) from icp",
}
NEWEST_PERIOD = "from periods where mrr_policy = 'ours' order by period_start desc limit 1"
REVENUE = {
    "period_nrr": f"select (opening + fx + expansion - contraction - churn) / opening {NEWEST_PERIOD}",
    "period_grr": f"select (opening + fx - contraction - churn) / opening {NEWEST_PERIOD}",
    "revenue_forecast_error": "select avg(error) from revenue_forecast",
    "revenue_forecast_naive_error": "select avg(naive_error) from revenue_forecast",
    "pipeline_forecast_error": "select avg(error) from pipeline_forecast where deal_group = 'all'",
    "pipeline_forecast_naive_error": "select avg(naive_error) from pipeline_forecast where deal_group = 'all'",
    "expansion_companies": "select count(distinct company_id) from opportunities",
}
SUCCESS = {
    f"success_{name}": f"select value from success where metric = '{name}'"
    for name in (
        *("churn_rate", "days_of_warning", "mrr_saved", "expansion_from_opportunities"),
        *("manager_minutes", "coverage"),
    )
}
EFFECT = {
    "effect_on_churn": "select difference from effect where outcome = 'churn'",
    "effect_outcomes": "select max(treated + withheld) from effect",
}
COMPETITION = {
    "competitor_win_rate": "select sum(won) / sum(won + lost) from competitors where competitor <> 'none'",
    "displacement_rate": "select sum(displaced) / sum(prospects) from competitors where competitor <> 'none'",
    "companies_with_competitor": "select sum(companies) from used where is_current",
}
ACTIVITY = {
    "customers_met": "select sum(customers_met) / sum(customers) from managers",
    "answered_quickly": "select sum(answered_quickly) / sum(written) from managers",
}
OF_THE_DAY = {
    **CURRENT, **COMPANIES, **HUBSPOT, **WEBHOOKS, **HOOKS, **ACTIONS,
    **TRACK_RECORD, **MODELS, **ICP, **REVENUE, **SUCCESS, **EFFECT,
    **COMPETITION, **ACTIVITY, **COSTS,
}  # fmt: skip
EXPECTED = (
    {name: (query, 0) for name, query in OF_THE_DAY.items()}
    | {f"{name}_{days}d": (BOTH + query, days) for name, query in WINDOW.items() for days in (7, 30)}
    | {f"{name}_{days}d": (query, days) for name, query in WINDOW_OF_SCORES.items() for days in (7, 30)}
    | {
        f"{name}_{days}d": (query.format(since=TODAY - timedelta(days=days)), days)
        for name, query in WINDOW_OF_COHORTS.items()
        for days in (7, 30)
    }
)
NOTHING = {"companies_won_7d", "companies_left_7d"}  # of these no company moved so in the week
OF_TODAY = {
    "companies": "core/unified_companies",
    "errors": "cohorts/validation_errors",
    "truth": "delivery/hubspot_truth",
    "webhooks": "delivery/webhooks",
    "costs": "quality/source_costs",
    "hooks": "quality/hook_days",
    "hot": "quality/hot_path_days",
    "canaries": "quality/canaries",
    "acted": "delivery/actions",
    "reviewed": "identity/review",
    "periods": "intelligence/mrr_periods",
    "revenue_forecast": "intelligence/revenue_forecast",
    "pipeline_forecast": "intelligence/pipeline_forecast",
    "opportunities": "intelligence/expansion_opportunities",
    "icp": "intelligence/icp_companies",
    "success": "intelligence/success",
    "effect": "intelligence/effect",
    "competitors": "intelligence/competitor_rates",
    "used": "intelligence/competitor_usage",
    "managers": "intelligence/activity_by_manager",
}


def in_lake(home: Path, name: str) -> float | None:
    query, days = EXPECTED[name]
    with duckdb.connect() as db:
        for view, day in {"now": TODAY, "before": TODAY - timedelta(days=days)}.items():
            files = f"{home}/lake/core/unified_customers/{day}.*.parquet"
            db.execute(f"create view {view} as from read_parquet('{files}')")
        for view, table in OF_TODAY.items():
            db.execute(f"create view {view} as from read_parquet('{home}/lake/{table}/{TODAY}.*.parquet')")
        db.execute(f"create view odd as from read_parquet('{home}/lake/quality/anomalies/{TODAY}.*.parquet')")
        for view, table in OVER_DAYS.items():
            db.execute(f"create view {view} as from read_parquet('{home}/lake/{table}/*.parquet')")
        db.execute(f"create view moved as from read_parquet('{home}/lake/cohorts/transitions/*.parquet')")
        [row] = db.execute(query).fetchall()
    return None if row[0] is None else float(row[0])


def test_every_metric_is_compared() -> None:
    assert set(discover()) == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_it_is_what_the_lake_says(name: str, snapshot: Snapshot, served_home: Path) -> None:
    [value] = snapshot.metric(name, since=str(TODAY), until=str(TODAY))
    expected = in_lake(served_home, name)
    assert expected is not None
    assert bool(expected) is (name not in NOTHING)
    assert value.value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("dimension", sorted(DIMENSIONS))
@pytest.mark.parametrize("name", ["customers", "mrr", "at_risk", "churned_mrr_7d", "new_customers_30d"])
def test_members_add_up_to_the_whole(name: str, dimension: str, snapshot: Snapshot) -> None:
    [whole] = snapshot.metric(name, since=str(TODAY))
    assert sum(value.value for value in snapshot.metric(name, dimension, since=str(TODAY))) == pytest.approx(
        whole.value
    )


@pytest.mark.parametrize("name", ["companies", "company_mrr", "companies_at_risk", "companies_moved_30d"])
def test_cohorts_add_up_to_the_whole(name: str, snapshot: Snapshot) -> None:
    [whole] = snapshot.metric(name, since=str(TODAY))
    by_cohort = [value.value for value in snapshot.metric(name, "cohort", since=str(TODAY))]
    assert len(by_cohort) > 1
    assert sum(by_cohort) == pytest.approx(whole.value)


def test_a_metric_is_split_by_its_dimensions_only(snapshot: Snapshot) -> None:
    for metric in discover().values():
        for dimension in dimensions():
            values = snapshot.metric(metric.name, dimension, since=str(TODAY))
            assert not values or dimension in metric.over.dimensions


def test_days_without_companies_have_no_value_of_them(snapshot: Snapshot) -> None:
    assert [value.day for value in snapshot.metric("companies")] == [str(TODAY)]


def test_mrr_moves_by_what_came_and_went(snapshot: Snapshot) -> None:
    by_day = {value.day: value.value for value in snapshot.metric("mrr")}
    for days in (7, 30):
        moved = {
            name: snapshot.metric(f"{name}_mrr_{days}d", since=str(TODAY))[0].value
            for name in ("new", "expansion", "contraction", "churned")
        }
        change = by_day[str(TODAY)] - by_day[str(TODAY - timedelta(days=days))]
        assert moved["new"] + moved["expansion"] - moved["contraction"] - moved["churned"] == pytest.approx(change)
        assert all(moved.values())


def test_a_window_without_its_first_day_has_no_value(snapshot: Snapshot) -> None:
    days = {value.day for value in snapshot.metric("net_revenue_retention_30d")}
    assert days == {str(day) for day in DAYS if day - timedelta(days=30) in DAYS}


def test_each_says_what_it_is() -> None:
    for metric in discover().values():
        assert metric.title
        assert metric.formula
        assert metric.about
