"""Every page shows what SQL over the lake says, and every filter can be given as a link."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from gtm_platform.dashboard.frame.page import DESTINATION, discover
from gtm_platform.dashboard.pages.at_risk import every_row
from gtm_platform.dashboard.status import AT_RISK as AT_RISK_STATUSES
from gtm_platform.dashboard.status import TITLES
from gtm_platform.dashboard.wording import money
from gtm_platform.health.explanation_text import written
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.serving.snapshot.build import build
from gtm_platform.serving.snapshot.landing import Landing
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import COHORT_NAMES, words
from gtm_platform.settings import settings
from gtm_platform_tests.dashboard.conftest import ALERT, CUSTOMERS, DAYS, WATCHED, Open, opener
from gtm_platform_tests.dashboard.world import DAY, settle
from gtm_platform_tests.intelligence.world import PAINS

AT_RISK = "is_customer and health_status <> 'healthy'"
# Firm i of this lake is in the cohort of customers where i is divisible by four.
OF_CUSTOMERS = f"(select 'com_' || lpad((i * 4)::varchar, 6, '0') from range({CUSTOMERS}) t(i))"


def rows(lake: Lake, query: str, table: str = "core/unified_customers", day: str = str(DAY)) -> list[tuple[Any, ...]]:
    """What SQL over a table of a day says."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(query.format(table=f"({lake.query_day(table, day).sql})")).fetchall()


def cards(app: AppTest) -> Mapping[str, str]:
    """The figures of a page by their titles, as they are read."""
    return {shown(metric.label): shown(metric.value) for metric in app.metric}


def shown(markdown: str) -> str:
    """Markdown as it is read, but for its links and colours."""
    return re.sub(r"\\(.)", r"\1", markdown).replace("**", "")


def texts(app: AppTest) -> str:
    return "\n".join(shown(each.value) for each in [*app.markdown, *app.caption, *app.subheader, *app.info, *app.title])


def listed(app: AppTest, number: int = 0) -> list[dict[str, Any]]:
    return list(app.dataframe[number].value.to_dict("records"))


def of_columns(app: AppTest, *names: str) -> list[list[dict[str, Any]]]:
    """The lists of a page that have some columns, in their order."""
    return [frame.value.to_dict("records") for frame in app.dataframe if {*names} <= {*frame.value.columns}]


@dataclass(frozen=True)
class Drawn:
    """A chart of a page: its description, and the rows that it is drawn from."""

    spec: dict[str, Any]
    data: list[list[dict[str, Any]]]


def drawn(app: AppTest) -> list[Drawn]:
    """The charts of a page, in their order."""
    charts = [element.proto for element in app.get("vega_lite_chart")]
    return [
        Drawn(
            json.loads(chart.spec),
            [pa.ipc.open_stream(each.data.data).read_all().to_pylist() for each in chart.datasets],
        )
        for chart in charts
    ]


@pytest.mark.parametrize("page", list(discover()))
def test_every_page_is_drawn(open_page: Open, page: str) -> None:
    assert open_page(page).title[0].value


@pytest.mark.parametrize("page", list(discover()))
def test_a_home_without_a_snapshot_has_a_sentence(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opener(tmp_path / "empty", monkeypatch)(page)
    assert [title.value for title in app.title] == ["Nothing to show yet"]
    assert "gtm demo" in app.info[0].value


def test_the_overview_says_what_the_lake_says(open_page: Open, lake: Lake) -> None:
    [(customers, mrr, risk, health, owing)] = rows(
        lake,
        f"""select count(*), sum(mrr_reporting)::double, sum(mrr_reporting) filter ({AT_RISK})::double,
            avg(health_score), count(*) filter (is_delinquent) from {{table}} where is_customer""",
    )
    figures = cards(open_page("overview"))
    assert figures == {
        "Customers": f"{customers:,}",
        "MRR": money(mrr, "usd"),
        "MRR at risk": money(risk, "usd"),
        "Mean health": f"{health:.1f}",
        "Payment overdue": str(owing),
    }


def test_the_overview_spreads_customers_and_mrr_by_health_and_tier(open_page: Open, lake: Lake) -> None:
    by_health = rows(
        lake,
        "select health_status, count(*), sum(mrr_reporting)::double from {table} where is_customer group by 1",
    )
    customers, mrr, tiers, *_ = drawn(open_page("overview"))
    assert {row["name"]: row["value"] for row in customers.data[0]} == {TITLES[name]: n for name, n, _ in by_health}
    assert {row["name"]: row["value"] for row in mrr.data[0]} == pytest.approx(
        {TITLES[name]: amount for name, _, amount in by_health}
    )
    by_tier = rows(
        lake,
        f"""select plan_tier, sum(mrr_reporting) filter (not ({AT_RISK}))::double,
            sum(mrr_reporting) filter ({AT_RISK})::double from {{table}} where is_customer group by 1""",
    )
    assert {(row["name"], row["part"]): row["value"] for row in tiers.data[0]} == pytest.approx(
        {(words(name), "Healthy"): healthy or 0 for name, healthy, _ in by_tier}
        | {(words(name), "At risk"): risk or 0 for name, _, risk in by_tier}
    )


def test_the_trends_of_the_overview_are_those_of_the_days(open_page: Open, lake: Lake) -> None:
    days = lake.partitions("core/unified_customers")
    query = f"""select count(*), sum(mrr_reporting)::double, sum(mrr_reporting) filter ({AT_RISK})::double,
        avg(health_score) from {{table}} where is_customer"""
    expected = zip(*(rows(lake, query, day=day)[0] for day in days), strict=True)
    app = open_page("overview")
    trends = {metric.label: list(metric.proto.chart_data) for metric in app.metric}
    assert len(days) == DAYS
    for name, values in zip(("Customers", "MRR", "MRR at risk", "Mean health"), expected, strict=True):
        assert trends[name] == pytest.approx(list(values)), name
    by_day = [row for chart in drawn(app) for row in chart.data[0] if "status" in row and "day" in row]
    shares = rows(lake, "select health_status, count(*) from {table} where is_customer group by 1", day=days[0])
    assert {row["status"]: row["value"] for row in by_day if str(row["day"].date()) == days[0]} == dict(shares)


def test_the_overview_splits_by_account_manager(open_page: Open, lake: Lake) -> None:
    query = f"""select coalesce(assigned_am, 'None'), count(*), sum(mrr_reporting)::double,
        coalesce(sum(mrr_reporting) filter ({AT_RISK}), 0)::double from {{table}} where is_customer group by 1"""
    table = listed(open_page("overview"))
    expected = sorted(rows(lake, query))
    assert sorted((row["am"], row["customers"]) for row in table) == [row[:2] for row in expected]
    for row, (_, _, mrr, risk) in zip(sorted(table, key=lambda row: row["am"]), expected, strict=True):
        assert (row["mrr"], row["mrr_at_risk"]) == (pytest.approx(mrr), pytest.approx(risk))


def test_the_overview_shows_the_movements_of_the_window(open_page: Open, lake: Lake) -> None:
    before = lake.query_day("core/unified_customers", "2026-02-23").sql
    [(then, now)] = rows(
        lake,
        f"""select (select sum(mrr_reporting)::double from ({before}) where is_customer),
            (select sum(mrr_reporting)::double from {{table}} where is_customer)""",
    )
    text = texts(open_page("overview"))
    assert "MRR movements in 7 days" in text
    assert f"{money(then, 'usd')} became {money(now, 'usd')}, net" in text


def test_who_churned_and_who_was_saved_are_on_the_overview(open_page: Open, lake: Lake, snapshot: Snapshot) -> None:
    query = """select count(*) from {table} where customer_status = 'churned'
        and churned_at::date > date '2026-03-02' - 30"""
    [(churned,)] = rows(lake, query)
    saved = orjson.loads(snapshot.fact("saved"))["customers"]
    app = open_page("overview")
    text = texts(app)
    assert churned
    assert f"Churned in 30 days: {churned}" in text
    assert f"Saved in 30 days: {saved}" in text
    links = {link.proto.label: link.proto.page for link in app.get("page_link")}
    assert links["All who left"].endswith("changes")
    assert ("All who were saved" in links) == bool(saved)


def test_who_left_is_no_customer_and_had_a_paid_subscription(open_page: Open, lake: Lake) -> None:
    query = """select name from {table} where customer_status = 'churned' and not is_customer
        and churned_at::date > date '2026-03-02' - 30"""
    app = open_page("changes", days="30 days")
    left = next(table for number in range(len(app.dataframe)) if "warning" in (table := listed(app, number))[0])
    assert sorted(row["name"] for row in left) == sorted(name for (name,) in rows(lake, query))


def test_the_list_has_everybody_at_risk_with_reasons_and_actions(open_page: Open, lake: Lake) -> None:
    query = f"""select name, mrr_reporting::double, health_score, risk_signals, recommended_actions[1]
        from {{table}} where {AT_RISK} order by mrr_reporting desc"""
    expected = rows(lake, query)
    app = open_page("at_risk")
    table = listed(app)
    assert f"{len(expected):,} customers with {money(sum(row[1] for row in expected), 'usd')} MRR" in texts(app)
    assert [row["mrr_reporting"] for row in table] == [row[1] for row in expected]
    reasons = {(name, mrr, score): (signals, action) for name, mrr, score, signals, action in expected}
    for row in table:
        signals, action = reasons[row["name"], row["mrr_reporting"], row["health_score"]]
        named = [signal.replace("_", " ").replace("csat", "CSAT") for signal in signals]
        assert sorted(row["risk_signals"]) == (named or ["no single cause"])
        assert row["recommended_actions"] == (
            action or "See which parts of the score are low: there is no single cause."
        )
    assert {bool(signals) for signals, _ in reasons.values()} == {True, False}


def test_who_is_at_risk_without_a_signal_is_shown_what_costs_most(open_page: Open, lake: Lake) -> None:
    query = f"select customer_id from {{table}} where {AT_RISK} and len(risk_signals) = 0"
    text = texts(open_page("customer", id=rows(lake, query)[0][0]))
    assert "What to do" in text
    assert re.search(r"no single cause\. What costs most: \d+ of \d+ points in \w+ and \d+ of \d+ points in", text)


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ({"health": ["Critical"]}, "health_status = 'critical'"),
        ({"health": ["Critical", "High risk"]}, "health_status in ('critical', 'high_risk')"),
        ({"account_manager": ["Sam Lee"]}, "assigned_am = 'Sam Lee'"),
        ({"account_manager": ["Sam Lee", "None"]}, "coalesce(assigned_am, '') in ('Sam Lee', '')"),
        ({"plan": ["Scale"]}, "plan_tier = 'scale'"),
        ({"signal": ["Low CSAT"]}, "list_contains(risk_signals, 'low_csat')"),
        ({"mrr_min": "1000"}, "mrr_reporting >= 1000"),
        ({"cohort": ["Current customer"]}, f"company_id in {OF_CUSTOMERS}"),
        ({"plan": ["Scale"], "health": ["At risk"]}, "plan_tier = 'scale' and health_status = 'at_risk'"),
    ],
)
def test_every_filter_is_a_link(open_page: Open, lake: Lake, query: dict[str, Any], condition: str) -> None:
    [(count, mrr)] = rows(
        lake, f"select count(*), coalesce(sum(mrr_reporting), 0)::double from {{table}} where {AT_RISK} and {condition}"
    )
    [(everybody,)] = rows(lake, f"select count(*) from {{table}} where {AT_RISK}")
    app = open_page("at_risk", **query)
    assert 0 < count < everybody
    assert f"{count:,} customer{'s' * (count != 1)} with {money(mrr, 'usd')} MRR" in texts(app)
    assert len(listed(app)) == count


@pytest.mark.parametrize("query", [{"health": "nonsense"}, {"mrr_min": "much"}, {"sort": "'; drop table"}])
def test_a_link_with_nonsense_is_the_whole_list(open_page: Open, query: dict[str, str]) -> None:
    everybody = [row["name"] for row in listed(open_page("at_risk"))]
    assert [row["name"] for row in listed(open_page("at_risk", **query))] == everybody


def test_a_customer_is_explained(open_page: Open, lake: Lake) -> None:
    query = (
        f"select customer_id, name, health_score, mrr_reporting::double, company_name from {{table}} where {AT_RISK}"
    )
    id, name, score, mrr, company = rows(lake, query)[0]
    app = open_page("customer", id=id)
    figures, text = cards(app), texts(app)
    assert (figures["Health"], figures["MRR"]) == (str(score), money(mrr, "usd"))
    assert app.title[0].value == name
    assert company in text
    for part in ("What to do", "How the score is made", "Why it moved", "Timeline", f"gives] {score}"):
        assert part in text


def test_what_moved_a_score_is_shown_by_span(open_page: Open, lake: Lake) -> None:
    query = "select customer_id, health_score, points_7d::int from {table} join {changes} using (customer_id)"
    changes = lake.query_day("health/score_changes", str(DAY)).sql
    id, score, moved = rows(lake, query.replace("{changes}", f"({changes})"))[0]
    app = open_page("customer", id=id)
    text = texts(app)
    assert f"From {score - moved} on" in text
    assert f"to {score}" in text.replace("*", "")
    assert "activity: days_since_seen 3 → 9" in app.code[0].value


def test_a_score_is_written_down_as_the_command_does(open_page: Open, snapshot: Snapshot) -> None:
    customer = snapshot.customer(WATCHED)
    assert customer is not None
    explanation = snapshot.explanation(customer)
    assert explanation is not None
    [code] = open_page("customer", id=WATCHED).code
    assert code.value == written(explanation)
    assert "days ago" in code.value


def test_a_customer_is_reached_by_address_id_and_domain(open_page: Open, lake: Lake) -> None:
    [(id, email, domain, name, firm)] = rows(
        lake, "select customer_id, email, company_domain, name, company_name from {table} where is_customer limit 1"
    )
    for sought, title in ((email.upper(), name), (id, name), (domain, firm)):
        app = open_page("overview")
        app.text_input(key="search").set_value(sought).run()
        assert [shown(each.value) for each in app.title] == [title]


def test_nobody_by_that_address_is_a_sentence(open_page: Open) -> None:
    app = open_page("overview")
    app.text_input(key="search").set_value("nobody@nowhere.example").run()
    assert "Nobody has the address" in app.warning[0].value
    assert "no customer with this id" in open_page("customer", id="cus_none").info[0].value
    assert "no company with this id" in open_page("company", id="com_none").info[0].value


def test_a_company_has_its_people(open_page: Open, lake: Lake) -> None:
    [(id, people, customers, mrr)] = rows(
        lake,
        """select company_id, count(*), count(*) filter (is_customer),
            sum(mrr_reporting) filter (is_customer)::double from {table} group by 1 order by 4 desc limit 1""",
    )
    app = open_page("company", id=id)
    figures = cards(app)
    assert (figures["People"], figures["Customers"], figures["MRR"]) == (str(people), str(customers), money(mrr, "usd"))
    assert len(listed(app, -1)) == people


def test_companies_are_listed_by_what_they_pay(open_page: Open, lake: Lake) -> None:
    query = "select sum(mrr_reporting) filter (is_customer)::double from {table} group by company_id order by 1 desc"
    table = listed(open_page("company"))
    assert [row["mrr_reporting"] for row in table] == [pytest.approx(mrr) for (mrr,) in rows(lake, query)]


COHORT_QUERY = """select customer_cohort, count(*)::int, sum(chroma_cloud_mrr)::double from {table} group by 1"""


def test_cohorts_are_those_of_the_lake(open_page: Open, lake: Lake) -> None:
    app = open_page("cohorts")
    sizes = {
        COHORT_NAMES[cohort]: f"{count:,}" for cohort, count, _ in rows(lake, COHORT_QUERY, "core/unified_companies")
    }
    assert cards(app) == sizes
    moved = rows(lake, "select company_id from {table} order by 1", "cohorts/transitions")
    assert len(listed(app, 1)) == len(moved) == 12
    health = rows(
        lake,
        """select customer_cohort, round(avg(mean_health), 1), count(*) filter (chroma_customer_status = 'dormant')
            from {table} group by 1 order by 1""",
        "core/unified_companies",
    )
    assert sorted((row["cohort"], row["mean_health"], row["dormant"]) for row in listed(app)) == sorted(
        (COHORT_NAMES[cohort], mean, dormant) for cohort, mean, dormant in health
    )
    assert [row["companies"] for row in listed(app, 2)] == [
        count
        for (count,) in rows(
            lake,
            "select count(*) from {table} group by customer_cohort, field order by customer_cohort",
            "cohorts/validation_errors",
        )
    ]


@pytest.mark.parametrize("cohort", list(COHORT_NAMES))
def test_the_companies_of_a_cohort_by_a_link(open_page: Open, lake: Lake, cohort: str) -> None:
    query = f"""select cohort_priority_score from {{table}} where customer_cohort = '{cohort}' order by 1 desc"""
    table = listed(open_page("company", cohort=COHORT_NAMES[cohort], highest="priority"))
    assert {row["customer_cohort"] for row in table} == {COHORT_NAMES[cohort]}
    priorities = [score for (score,) in rows(lake, query, "core/unified_companies")]
    assert [row["cohort_priority_score"] for row in table] == priorities


def test_a_company_says_where_it_stands(open_page: Open) -> None:
    app = open_page("company", id="com_000003")
    assert "With a competitor" in texts(app)
    assert "Uses: Pinecone" in texts(app)
    assert listed(app)[0]["trigger"] == "Signed up"


def test_the_track_record_is_that_of_the_lake(open_page: Open, lake: Lake) -> None:
    tested = dict(
        rows(
            lake,
            """select measure, value from {table} where tested_until = (select max(tested_until) from {table})""",
            "health/backtest",
            "2025-11-01",
        )
    )
    app = open_page("track_record")
    assert cards(app) == {
        "At risk, and churned": f"{tested['precision_at_risk'] * 100:.0f} %",
        "Base rate": f"{tested['base_rate'] * 100:.0f} %",
        "Flagged 42 days ahead": f"{tested['flagged_42_days_ahead'] * 100:.0f} %",
        "Healthy at churn": f"{tested['green_at_churn'] * 100:.0f} %",
        "Days ahead": f"{tested['median_days_ahead']:.0f}",
        "Missed churns": f"{tested['count_missed']:.0f}",
    }
    assert "20 to 30 %" in app.metric[0].help
    alerts, missed = listed(app), listed(app, 1)
    assert [(row["kind"], row["sent"], row["useful"], row["not_useful"]) for row in alerts] == [
        ("Cancel mention", 5, 2, 1),
        ("Health drop", 4, 0, 0),
    ]
    names = rows(
        lake, "select name from {table} where customer_id in ('cus_0000002', 'cus_0000003') order by customer_id"
    )
    assert [(row["name"], row["days_ahead"]) for row in missed] == [
        (names[0][0], 12),
        (names[1][0], pytest.approx(float("nan"), nan_ok=True)),
    ]
    assert "1 churn: not seen for 7 days would have caught it, for 9 more alarms a month." in texts(app).replace(
        "*", ""
    )


def test_models_are_shown_with_verdict_figures_and_reasons(open_page: Open, lake: Lake) -> None:
    app = open_page("models")
    assert {name: cards(app)[name] for name in ("AUC", "Brier")} == {"AUC": "0.80", "Brier": "0.100"}
    assert "A signal: the scores rank and foretell better than chance." in texts(app).replace("*", "")
    assert "call show rate" in texts(app).lower()
    names = dict(rows(lake, "select customer_id, name from {table}"))
    scores, months = listed(app), listed(app, 1)
    assert [(row["name"], row["score"]) for row in scores] == [
        (names["cus_0000003"], pytest.approx(0.8)),
        (names["cus_0000002"], pytest.approx(0.4)),
    ]
    assert scores[0]["why"].endswith("(+1.50), Tenure days unknown (-0.25)")
    assert [row["stage"] for row in months] == ["Shown", "Shadow"]


def test_leads_are_shown_as_the_second_model(open_page: Open, lake: Lake) -> None:
    app = open_page("models", model="Leads")
    scores, months = listed(app), listed(app, 1)
    company = "select name from {table} where company_id = 'com_000000'"
    [(first,)] = rows(lake, company, "identity/companies")
    [(person,)] = rows(lake, "select name from {table} where customer_id = 'cus_0000004'")
    assert [row["name"] for row in scores][::2] == [first, person]
    assert scores[0]["why"] == "Industry software (+1.25), Signal points 16 (+0.50)"
    assert [row["verdict"] for row in months] == ["Signal", "Signal"]


def test_the_ideal_customer_is_that_of_the_lake(open_page: Open, lake: Lake) -> None:
    app = open_page("icp", trait="Size")
    [(won, lost)] = rows(
        lake,
        "select count(*) filter (outcome = 'won'), count(*) filter (outcome = 'lost') from {table}",
        "intelligence/icp_companies",
    )
    assert cards(app)["Win rate"].startswith(f"{100 * won / (won + lost):.0f} % (")
    groups, fits, leads = listed(app), listed(app, 1), listed(app, 2)
    expected = rows(
        lake,
        "select size, count(*) from {table} where size is not null group by all order by 2 desc, 1",
        "intelligence/icp_companies",
    )
    assert [(row["value"], row["companies"]) for row in groups] == expected
    assert len(fits) in (1, 2)  # of the companies that fit best, those that the snapshot has
    assert "Industry software" in fits[0]["why"]
    assert len(leads) == 3
    assert leads[0]["score"] == pytest.approx(0.8)


def test_revenue_moves_as_the_lake_does(open_page: Open, lake: Lake) -> None:
    before = lake.query_day("core/unified_customers", "2026-02-23").sql
    [(kept, started)] = rows(
        lake,
        f"""select sum(if(n.is_customer, n.mrr_reporting, 0))::double, sum(b.mrr_reporting)::double
            from ({before}) b left join {{table}} n using (customer_id) where b.is_customer""",
    )
    figures = cards(open_page("revenue"))
    assert figures["Net revenue retention, 7 days"] == f"{kept / started * 100:.1f} %"


PERIOD = "from {table} where mrr_policy = '%s' order by period_start desc limit 1"
SIGNED = {
    "New": "new",
    "Back": "reactivation",
    "Expansion": "expansion",
    "Contraction": "-contraction",
    "Churn": "-churn",
}


@pytest.mark.parametrize("name", ["ours", "stripe", "chartmogul"])
def test_movements_of_a_period_are_drawn_by_each_definition(open_page: Open, lake: Lake, name: str) -> None:
    columns = ", ".join(f"{column} / 100" for column in ("opening", *SIGNED.values(), "closing"))
    [expected] = rows(lake, f"select {columns} {PERIOD % name}", "intelligence/mrr_periods")
    app = open_page("revenue", mrr_policy={"ours": "Ours", "stripe": "Stripe's", "chartmogul": "ChartMogul's"}[name])
    [steps] = [each.data[0] for each in drawn(app) if each.data[0] and "begin" in each.data[0][0]]
    assert [step["name"] for step in steps] == ["Opening", *SIGNED, "Closing"]
    moved = [step["end"] - start["end"] for start, step in pairwise(steps[:-1])]
    assert [steps[0]["end"], *moved, steps[-1]["end"]] == [pytest.approx(value) for value in expected]


def test_the_triangle_and_the_forecast_are_those_of_the_lake(open_page: Open, lake: Lake) -> None:
    app = open_page("revenue", retention_of="MRR")
    charts = [each.data for each in drawn(app)]
    [cells] = [data[0] for data in charts if data and data[0] and "cohort" in data[0][0]]
    expected = rows(lake, "select mrr_retention from {table} where age = 3", "intelligence/retention_cohorts")
    shares = {round(cell["value"], 6) for cell in cells if cell["age"] == 3}
    assert shares <= {round(share, 6) for (share,) in expected}
    assert shares
    ahead = rows(
        lake,
        "select value / 100, low / 100, high / 100, naive / 100, verdict from {table} order by months_ahead",
        "intelligence/revenue_forecast",
    )
    [steps] = [table for data in charts for table in data if table and "naive" in table[0]]
    names = ("value", "low", "high", "naive")
    assert [tuple(step[name] for name in names) for step in steps[1:]] == [pytest.approx(row[:4]) for row in ahead]
    assert ahead[0][4] in texts(app)


def test_the_pipeline_is_shown_beside_the_naive_forecast(open_page: Open, lake: Lake) -> None:
    app = open_page("pipeline")
    expected = rows(
        lake,
        "select days, value / 100, naive / 100, method from {table} where deal_group = 'all' order by days",
        "intelligence/pipeline_forecast",
    )
    [forecast] = of_columns(app, "naive", "days")
    assert [(row["days"], row["value"], row["naive"], row["method"]) for row in forecast] == expected
    assert cards(app)["Won in 90 days"] == money(expected[-1][1], "usd")
    [companies] = of_columns(app, "at_stake")
    assert [(row["at_stake"], row["mrr"]) for row in companies] == [(450.0, 900.0), (40.0, 200.0)]
    assert "91 % of its limits" in companies[0]["evidence"]
    stages = rows(
        lake, "select stage, count(*) from {table} where closed_on is null group by 1", "intelligence/pipeline_deals"
    )
    bars = [data[0] for each in drawn(app) if (data := each.data) and data[0] and "name" in data[0][0]]
    assert dict(stages) in [{bar["name"]: bar["value"] for bar in each} for each in bars]


def test_competitors_are_shown_with_intervals_and_evidence(open_page: Open, lake: Lake) -> None:
    app = open_page("competition")
    expected = rows(
        lake,
        """select competitor, won + lost, win_rate, displaced_mrr / 100 from {table}
            order by competitor = 'none', won + lost + prospects desc""",
        "intelligence/competitor_rates",
    )
    [table] = of_columns(app, "displaced_mrr")
    names = ["Pinecone", "Qdrant", "No competitor known"]
    assert [(row["competitor"], row["deals"], row["displaced_mrr"]) for row in table] == [
        (name, deals, mrr) for name, (_, deals, _, mrr) in zip(names, expected, strict=True)
    ]
    assert table[0]["won"].startswith("24 % (")
    points = [data for each in drawn(app) for data in each.data if data and "low" in data[0]]
    assert [point["rate"] for point in points[0]] == [pytest.approx(rate) for *_, rate, _ in expected]
    lines = [data for each in drawn(app) for data in each.data if data and "month" in data[0]]
    assert len(lines[0]) == rows(lake, "select count(*) from {table}", "intelligence/competitor_usage")[0][0]
    [evidence] = of_columns(app, "excerpt", "link")
    assert {row["excerpt"] for row in evidence} == {pain[-1] for pain in PAINS}
    assert [row["link"] for row in evidence if isinstance(row["link"], str)] == ["https://tube.example/1"]
    assert "](https://evil.example)" not in "\n".join(each.value for each in [*app.markdown, *app.caption])


@pytest.mark.parametrize(("by", "members"), [("Account manager", ["Noor Haddad", "Sam Lee"]), ("Stage", ["active"])])
def test_activity_is_shown_beside_outcomes_as_association(open_page: Open, by: str, members: list[str]) -> None:
    app = open_page("activity", by=by)
    assert "Association, and no effect" in texts(app)
    [won, renewed] = of_columns(app, "difference", "verdict")
    assert [(row["activity"], row["verdict"]) for row in won] == [
        ("Met", "More often"),
        ("Missed", "Too little data"),
    ]
    assert won[0]["difference"] == "+20 points (+10 to +30)"
    assert [row["verdict"] for row in renewed] == ["No clear difference"]
    [table] = of_columns(app, "member")
    assert [row["member"] for row in table] == members
    [managers] = of_columns(app, "logged_calls")
    assert [(row["account_manager"], row["written"]) for row in managers] == [("Noor Haddad", 30), ("–", 8)]


@pytest.mark.parametrize("by", ["Plan", "Account manager", "Currency"])
def test_movements_are_split_by_a_link(open_page: Open, lake: Lake, by: str) -> None:
    column = {"Plan": "plan_tier", "Account manager": "assigned_am", "Currency": "currency"}[by]
    before = lake.query_day("core/unified_customers", "2026-02-23").sql
    expected = rows(
        lake,
        f"""select sum(b.mrr_reporting)::double from ({before}) b join {{table}} n using (customer_id)
            where b.is_customer and not n.is_customer group by b.{column} order by 1 desc""",
    )
    table = listed(open_page("revenue", by=by))
    assert [row["churned_mrr"] for row in table if row["churned_mrr"]] == [pytest.approx(mrr) for (mrr,) in expected]


def test_the_timeline_has_alerts_writes_and_turns(open_page: Open) -> None:
    app = open_page("customer", id=WATCHED)
    text = texts(app)
    for part in (ALERT["title"], "Wrote 1 property to HubSpot", "health score: 61 → 58", "MRR: held, edited by hand"):
        assert part in text
    assert "Paid for the first time" in text
    markdown = "\n".join(each.value for each in app.markdown)
    assert "](https://evil.example)" not in markdown


def test_the_timeline_is_filtered_by_kind(open_page: Open) -> None:
    app = open_page("customer", id=WATCHED)
    app.button_group(key="kinds").set_value(["alert"]).run()
    text = texts(app)
    assert ALERT["title"] in text
    assert "Wrote 1 property to HubSpot" not in text


LINKS = {
    "customer": {
        "HubSpot": "https://app.hubspot.com/contacts/20000007/record/0-1/1002",
        "Stripe": "https://dashboard.stripe.com/test/customers/cus_s2",
        "Intercom": "https://app.intercom.com/a/apps/app7/users/ic2",
    },
    "company": {
        "HubSpot": "https://app.hubspot.com/contacts/20000007/record/0-2/5003",
        "Intercom": "https://app.intercom.com/a/apps/app7/companies/ico3",
    },
}


@pytest.mark.parametrize(("page", "id"), [("customer", WATCHED), ("company", "com_000003")])
def test_a_record_leads_to_the_systems_that_know_it(open_page: Open, page: str, id: str) -> None:
    links = {button.proto.label: button.proto.url for button in open_page(page, id=id).get("link_button")}
    assert links == LINKS[page]


def test_the_history_marks_alerts_and_changes_of_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day before the newest the rules were others, and there was an alert on the day after it."""
    settle(tmp_path, 20, 4)
    lake, changed = Lake(tmp_path / "lake"), DAY - timedelta(days=2)
    scores = lake.partition("health/customer_health", str(changed)).to_pyarrow()
    other = pa.array(["other rules"] * len(scores), scores.schema.field("policy_hash").type)
    place = scores.schema.get_field_index("policy_hash")
    lake.write("health/customer_health", str(changed), scores.set_column(place, "policy_hash", other))
    landing = Landing(lake, datetime(2026, 3, 2, 23, tzinfo=UTC), policy(), [ALERT])
    assert build(landing, tmp_path / "serving") is not None

    app = opener(tmp_path, monkeypatch)("customer", id=WATCHED)
    [(score,)] = rows(lake, f"select health_score from {{table}} where customer_id = '{WATCHED}'", day=ALERT["day"])
    [history] = [chart for chart in drawn(app) if "strokeDash" in json.dumps(chart.spec)]
    [rules] = [data for data in history.data if data and "policy_hash" in data[0]]
    [alerts] = [data for data in history.data if data and "alert" in data[0]]
    assert [(row["day"].date(), row["policy_hash"] == "other rules") for row in rules] == [
        (changed, True),
        (changed + timedelta(days=1), False),
    ]
    assert [(str(row["day"].date()), row["score"], row["alert"]) for row in alerts] == [
        (ALERT["day"], score, ALERT["title"])
    ]
    assert "Points in red are days with an alert; dashed lines are changes of the rules." in texts(app)


def test_who_is_who_lists_pairs_with_the_command_that_decides(open_page: Open) -> None:
    app = open_page("who_is_who")
    figures = cards(app)
    assert (figures["People: held back"], figures["People: alike"], figures["Companies: same name"]) == ("1", "2", "1")
    people, companies = of_columns(app, "if_same")
    assert [(row["rule"], row["evidence"]) for row in people] == [
        ("Held back", "shared inbox"),
        ("Alike", "they say much the same"),
        ("Alike", "they say much the same"),
    ]
    assert people[0]["first"] == "Bo Birch · person1@firm0.example · cus_0000001"
    assert people[0]["if_same"] == "gtm identity merge cus_0000001 cus_0000011 --why REASON"
    assert people[0]["if_not"] == "gtm identity split cus_0000001 cus_0000011 --why REASON"
    assert companies[0]["first"] == "Firm 0 · firm0.example · com_000000"
    assert companies[0]["if_same"] == "gtm identity merge com_000000 com_000001 --why REASON"


def test_data_health_says_what_went_wrong(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_UI_URL", "http://127.0.0.1:3210")
    settings.cache_clear()
    app = open_page("data_health")
    figures = cards(app)
    assert (figures["Checks passed"], figures["Failed runs"]) == ("2 of 3", "1 of 3")
    assert "1 check failed" in texts(app)
    wrong, everything = of_columns(app, "verdict")
    [not_created, reasons], [runs] = of_columns(app, "reason"), of_columns(app, "began")
    assert not_created == [{"of": "Companies", "record": "com_7", "reason": "HubSpot has 2 such companies: 1, 2."}]
    assert "Held back: 1 that HubSpot lacks are not created before a person decides." in texts(app)
    assert [each.value for each in app.warning] == [
        "Stopped: 6 of 10 contacts would change: gtm hubspot approve run-8",
        "hooks.example is off. The receiver answered 410 Gone: it wants nothing more.",
    ]
    assert [(row["table"], row["verdict"][0]) for row in wrong] == [("core/table0", "Failed")]
    assert len(everything) == 3
    assert [row["outcome"][0] for row in runs] == ["Failure", "Success", "Success"]
    assert [(row["reason"], row["fields"], row["outcome"]) for row in reasons] == [("edited by hand", 1, "Held back")]
    assert runs[0]["run"] == "http://127.0.0.1:3210/runs/run-0"
    assert [card.value for card in app.metric if card.label.endswith("true in HubSpot")] == ["94.00 %"]
    assert "Changed there: 4 by a person, 6 by a workflow; 6 set back." in texts(app)
    [subscribed], [dead] = of_columns(app, "receiver"), of_columns(app, "attempts")
    assert [(row["id"], row["state"][0], row["waiting"], row["dead"]) for row in subscribed] == [
        ("sub_1", "Off", 0, 1),
        ("sub_2", "Failing", 3, 0),
    ]
    assert subscribed[0]["asks"] == "health status, cohort; tier scale or enterprise"
    assert [(row["subject"], row["day"]) for row in dead] == [("cus_002", "2026-02-19")]
    assert "1 message given up" in texts(app)


def test_the_download_has_every_row_of_the_list(lake: Lake, snapshot: Snapshot) -> None:
    [(count,)] = rows(lake, f"select count(*) from {{table}} where {AT_RISK} and plan_tier = 'scale'")
    everybody = list(every_row(snapshot, {"health": AT_RISK_STATUSES, "plan": ["scale"]}, "-mrr", page=3))
    assert len({row["customer_id"] for row in everybody}) == len(everybody) == count > 3


def test_a_click_on_a_row_leads_to_its_customer(open_page: Open, lake: Lake) -> None:
    [(id, name)] = rows(lake, "select customer_id, name from {table} where is_customer limit 1")
    app = open_page("at_risk")
    app.session_state[DESTINATION] = ("customer", {"id": id})
    app.run()
    assert [title.value for title in app.title] == [name]
    assert app.query_params["id"] in (id, [id])
