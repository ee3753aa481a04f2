"""Every table and chart of every report, cell by cell, beside SQL over the lake's files; only the wording is shared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.reports.content import Chart, Table
from gtm_platform.reports.drawing import TITLES
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.kinds import discover
from gtm_platform.reports.period import MONTH
from gtm_platform.reports.wording import money, number, percent, short_money, signed
from gtm_platform.serving.wording import words
from gtm_platform_tests.reports.test_reports import BEFORE, NOW, PAID, PAIRS, PAYS, PERIODS, SPANS
from gtm_platform_tests.serving.world import settle

Write = Callable[[Any], str]
# A quarter in which somebody left; those of the other tests say how a whole one reads.
PERIOD_OF = {**PERIODS, "quarter": "2026-Q1"}
DAYS_OF = {**SPANS, "quarter": ("2026-02-15", "2025-12-31")}


def amount(value: Any) -> str:
    return money(value, "usd")


def short(value: Any) -> str:
    return short_money(value, "usd")


def risk(value: Any) -> str:
    return f"{number(value)} %"


def decimal(value: Any) -> str:
    return number(value, 1)


def whole_percent(value: Any) -> str:
    return percent(value, 0)


def text(value: Any) -> str:
    return value or "–"


def member(value: Any) -> str:
    return value or "none"


def plan(value: Any) -> str:
    return words(value) if value else "none"


def change(value: Any) -> str:
    return signed(number(value))


def moved(value: Any) -> str:
    return signed(amount(value))


HELD = (
    """select coalesce({by}, '') as member, count(*) as customers, sum(mrr_reporting)::double as mrr,
        count(*) filter (health_score < 70) as at_risk,
        coalesce(sum(mrr_reporting) filter (health_score < 70), 0)::double as risk, avg(health_score) as health,
        avg(mrr_reporting) filter (mrr_reporting > 0)::double as each, count(*) filter (is_delinquent) as owing,
        coalesce(sum(mrr_reporting::double * churn_risk / 100), 0) as loss,
        sum(calls_held_90d) / nullif(sum(calls_held_90d) + sum(calls_no_show_90d), 0) as shown
    """
    + f"{NOW} group by 1"
)
MOVED = """select coalesce(if(b.is_customer, b.{by}, n.{by}), '') as member,
        sum({pays}) filter ({paid} > 0)::double / nullif(sum({paid}), 0)::double as net,
        sum(least({pays}, {paid})) filter ({paid} > 0)::double / nullif(sum({paid}), 0)::double as gross,
        coalesce(sum({pays}) filter ({paid} <= 0), 0)::double as new,
        coalesce(sum({pays} - {paid}) filter ({paid} > 0 and {pays} > {paid}), 0)::double as more,
        coalesce(sum({paid} - {pays}) filter ({pays} > 0 and {pays} < {paid}), 0)::double as less,
        coalesce(sum({paid}) filter ({pays} <= 0), 0)::double as gone,
        count(*) filter (n.is_customer is null) as lost,
        count(*) filter (n.is_customer is null) / nullif(count(b.is_customer), 0) as churn
    {pairs} group by 1"""


def by(dimension: str, columns: str, order: str = "mrr desc, member") -> str:
    """The members of a dimension with what they hold now and what moved of them, in an order."""
    moves = MOVED.format(by=dimension, pays=PAYS, paid=PAID, pairs=PAIRS)
    return f"""with held as ({HELD.format(by=dimension)}), moves as ({moves})
        select {columns} from held left join moves using (member) order by {order}"""


PERSON, HEALTH = "{0}name, {0}assigned_am", "{0}health_score || ' · ' || {0}health_status"
FELL = """from now n join before b using (customer_id)
    where n.is_customer and b.is_customer and n.health_score < b.health_score"""
ACTION = "n.recommended_actions[1]"
MOST_FIRST = "mrr_reporting desc nulls last, customer_id"


def health(value: Any) -> str:
    score, _, status = str(value).partition(" · ")
    return f"{score} · {TITLES[status]}" if status else "–"


@dataclass(frozen=True)
class Displayed:
    """A table of a report: the query for its rows, and how each column is written."""

    report: str
    title: str
    query: str
    written: Sequence[Write] = field(default=())


TABLES = (
    Displayed(
        "monthly_mrr",
        "By plan",
        by("plan_tier", "member, customers, mrr, mrr / sum(mrr) over (), each, risk, net"),
        (plan, number, amount, percent, amount, amount, percent),
    ),
    Displayed(
        "monthly_mrr",
        "Largest movements",
        f"""select coalesce(n.name, b.name), coalesce(b.assigned_am, n.assigned_am), case
                when {PAID} <= 0 then 'new' when {PAYS} <= 0 then 'churned'
                when {PAYS} > {PAID} then 'expansion' else 'contraction' end, {PAID}, {PAYS}, {PAYS} - {PAID}
            {PAIRS} where {PAYS} <> {PAID} order by abs({PAYS} - {PAID}) desc, customer_id limit 16""",
        (text, text, words, amount, amount, moved),
    ),
    Displayed(
        "weekly_health",
        "By account manager",
        by("assigned_am", "member, customers, mrr, at_risk, risk, health", "risk desc, member"),
        (member, number, amount, number, amount, decimal),
    ),
    Displayed(
        "weekly_health",
        "Who fell this week",
        f"""select {PERSON.format("n.")}, n.mrr_reporting, {HEALTH.format("n.")}, n.health_score - b.health_score,
            {ACTION} {FELL} order by n.health_score - b.health_score, n.{MOST_FIRST} limit 15""",
        (text, text, amount, health, change, text),
    ),
    Displayed(
        "weekly_health",
        "Who left",
        f"""select {PERSON.format("b.")}, b.mrr_reporting, {HEALTH.format("b.")}, w.churn_reason
            from before b left join now w using (customer_id) where b.is_customer and not coalesce(w.is_customer, false)
            order by b.{MOST_FIRST} limit 15""",
        (text, text, amount, health, words),
    ),
    Displayed(
        "weekly_health",
        "Who is new",
        f"""select {PERSON.format("n.")}, n.plan_tier, n.mrr_reporting, {HEALTH.format("n.")}
            from now n left join before b using (customer_id) where n.is_customer and not coalesce(b.is_customer, false)
            order by n.{MOST_FIRST} limit 15""",
        (text, text, words, amount, health),
    ),
    Displayed(
        "quarterly_churn_risk",
        "Where most is at stake",
        f"""select {PERSON.format("n.")}, n.mrr_reporting, n.churn_risk,
                round(n.mrr_reporting::double * n.churn_risk / 100, 2) as loss, {HEALTH.format("n.")}, null, {ACTION}
            from now n where n.is_customer and n.health_score < 70
            order by loss desc nulls last, n.churn_risk desc, customer_id limit 20""",
        (text, text, amount, risk, amount, health, text, text),
    ),
    Displayed(
        "quarterly_churn_risk",
        "Why: the risk signals",
        f"""select signal, count(*), sum(coalesce(mrr_reporting, 0)) as mrr,
                sum(coalesce(mrr_reporting, 0))::double / (select sum(mrr_reporting)::double {NOW})
            from (select unnest(risk_signals) as signal, mrr_reporting {NOW}) group by 1 order by mrr desc, 1""",
        (words, number, amount, percent),
    ),
    Displayed(
        "quarterly_churn_risk",
        "Who left, and what was known on 31 December 2025",
        f"""select {PERSON.format("b.")}, b.mrr_reporting, {HEALTH.format("b.")}, b.risk_signals, w.churn_reason
            from before b left join now w using (customer_id) where b.is_customer and not coalesce(w.is_customer, false)
            order by b.{MOST_FIRST} limit 20""",
        (text, text, amount, health, lambda signals: ", ".join(map(words, signals)) or "–", words),
    ),
    Displayed(
        "quarterly_churn_risk",
        "By plan",
        by("plan_tier", "member, customers, at_risk, risk, loss, churn, gone"),
        (plan, number, number, amount, amount, percent, amount),
    ),
    Displayed(
        "account_managers",
        "What each looks after",
        by("assigned_am", "member, customers, mrr, health, at_risk, risk, risk / mrr, owing, shown"),
        (member, number, amount, decimal, number, amount, percent, number, whole_percent),
    ),
    Displayed(
        "account_managers",
        "What moved",
        by("assigned_am", "member, net, gross, new, more, less, gone, lost"),
        (member, percent, percent, amount, amount, amount, amount, number),
    ),
    Displayed(
        "account_managers",
        "Whom to see to next",
        f"""select if(lag(assigned_am) over ordered is not distinct from assigned_am
                and row_number() over ordered > 1, null, coalesce(assigned_am, 'none')), name, mrr_reporting,
                churn_risk, health, action
            from (select n.assigned_am, n.name, n.mrr_reporting, n.churn_risk, {HEALTH.format("n.")} as health,
                {ACTION} as action, n.customer_id, round(n.mrr_reporting::double * n.churn_risk / 100, 2) as loss
                from now n where n.is_customer and n.health_score < 70
                qualify row_number() over (partition by coalesce(n.assigned_am, '')
                    order by loss desc nulls last, n.churn_risk desc, n.customer_id) <= 3)
            window ordered as (order by assigned_am nulls last, loss desc nulls last, churn_risk desc, customer_id)
            order by assigned_am nulls last, loss desc nulls last, churn_risk desc, customer_id""",
        (lambda value: value or "", text, amount, risk, health, text),
    ),
)
STATUSES = "[('healthy', 70, 101), ('at_risk', 50, 70), ('high_risk', 30, 50), ('critical', 0, 30)]"
# Charts by the sentence that says the same: its parts are a name and a label, each written from a row of the query.
CHARTS = (
    Displayed(
        "monthly_mrr",
        "MRR by plan and health",
        f"select coalesce(plan_tier, ''), sum(mrr_reporting)::double as mrr {NOW} group by 1 order by mrr desc, 1",
        (member, amount),
    ),
    Displayed(
        "monthly_mrr",
        "MRR by the currency that is paid in",
        f"select currency, sum(mrr_reporting)::double as mrr {NOW} group by 1 order by mrr desc, 1",
        (member, short),
    ),
    Displayed(
        "weekly_health",
        "Customers by health",
        f"""select name, count(score), count(score) / sum(count(score)) over ()
            from (select unnest({STATUSES}) as status, status[1] as name, status[2] as least, status[3] as below)
            left join (select health_score as score {NOW}) on score >= least and score < below
            group by name, least order by least desc""",
        (TITLES.__getitem__, number, lambda share: f" ({percent(share, 0)})"),
    ),
    Displayed(
        "weekly_health",
        "MRR by plan and health",
        f"select coalesce(plan_tier, ''), sum(mrr_reporting)::double as mrr {NOW} group by 1 order by mrr desc, 1",
        (member, amount),
    ),
    Displayed(
        "quarterly_churn_risk",
        "Customers by churn risk, with their MRR",
        f"""select least || ' to ' || least(below, 100) || ' %', count(risk), sum(mrr)::double
            from (values (0, 10), (10, 25), (25, 50), (50, 75), (75, 101)) as bands (least, below)
            left join (select churn_risk as risk, mrr_reporting as mrr {NOW}) on risk >= least and risk < below
            group by least, below order by least""",
        (str, number, lambda mrr: f" ({short(mrr)})"),
    ),
    Displayed(
        "quarterly_churn_risk",
        "Expected loss of MRR by plan",
        f"""select coalesce(plan_tier, ''), coalesce(sum(mrr_reporting::double * churn_risk / 100), 0) as loss {NOW}
            group by 1 order by loss desc, 1""",
        (member, short),
    ),
    Displayed(
        "account_managers",
        "MRR by account manager and health",
        f"select coalesce(assigned_am, ''), sum(mrr_reporting)::double as mrr {NOW} group by 1 order by mrr desc, 1",
        (member, amount),
    ),
    Displayed("account_managers", "Net revenue retention", by("assigned_am", "member, net"), (member, percent)),
    Displayed(
        "monthly_mrr",
        "How MRR moved",
        f"""select unnest(['Before', 'New', 'Expansion', 'Contraction', 'Churned', 'Now']),
                unnest([(select sum(mrr_reporting) {BEFORE}), new, more, -less, -gone,
                    (select sum(mrr_reporting) {NOW})])::double
            from (select coalesce(sum({PAYS}) filter ({PAID} <= 0), 0) as new,
                coalesce(sum({PAYS} - {PAID}) filter ({PAID} > 0 and {PAYS} > {PAID}), 0) as more,
                coalesce(sum({PAID} - {PAYS}) filter ({PAYS} > 0 and {PAYS} < {PAID}), 0) as less,
                coalesce(sum({PAID}) filter ({PAYS} <= 0), 0) as gone {PAIRS})""",
        (str, short),
    ),
)
LEVELS = ("Before", "Now")  # of the bridge; its other steps are written with their sign


def figures_of(name: str, lake: Lake) -> Figures:
    cadence = discover()[name].cadence
    return Figures(lake, cadence.named(PERIOD_OF[cadence.name]), policy())


def block_of(name: str, title: str, lake: Lake) -> Chart | Table:
    [block] = [block for block in discover()[name].content(figures_of(name, lake)).blocks if block.title == title]
    return block


def queried(home: Path, name: str, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as db:
        for view, day in zip(("now", "before"), DAYS_OF[discover()[name].cadence.name], strict=True):
            files = f"{home}/lake/core/unified_customers/{day}.*.parquet"
            db.execute(f"create view {view} as from read_parquet('{files}')")
        return db.execute(query).fetchall()


@pytest.mark.parametrize("displayed", TABLES, ids=lambda each: f"{each.report}: {each.title}")
def test_a_table_is_what_sql_says(displayed: Displayed, report_home: Path, report_lake: Lake) -> None:
    table = block_of(displayed.report, displayed.title, report_lake)
    assert isinstance(table, Table)
    expected = [
        [write(value) for write, value in zip(displayed.written, row, strict=True)]
        for row in queried(report_home, displayed.report, displayed.query)
    ]
    assert [[cell if isinstance(cell, str) else cell.text for cell in row] for row in table.rows] == expected
    assert expected


@pytest.mark.parametrize("displayed", CHARTS, ids=lambda each: f"{each.report}: {each.title}")
def test_a_chart_is_what_sql_says(displayed: Displayed, report_home: Path, report_lake: Lake) -> None:
    chart = block_of(displayed.report, displayed.title, report_lake)
    assert isinstance(chart, Chart)
    parts = []
    for name, *values in queried(report_home, displayed.report, displayed.query):
        written = "".join(write(value) for write, value in zip(displayed.written[1:], values, strict=True))
        is_step = displayed.title == "How MRR moved" and name not in LEVELS
        parts.append(f"{displayed.written[0](name)}: {signed(written) if is_step else written}")
    assert chart.text == ", ".join(parts)
    assert len(parts) > 1


def points(chart: Chart) -> list[dict[str, Any]]:
    """What a chart is drawn from."""
    drawn = chart.drawing.to_dict()
    data = drawn["data"] if "data" in drawn else drawn["layer"][0]["data"]
    return list(data["values"])


@pytest.mark.parametrize(
    ("name", "title", "column"),
    [
        ("weekly_health", "MRR by plan and health", "plan_tier"),
        ("monthly_mrr", "MRR by plan and health", "plan_tier"),
        ("account_managers", "MRR by account manager and health", "assigned_am"),
    ],
)
def test_stacked_bars_are_what_sql_says(
    name: str, title: str, column: str, report_home: Path, report_lake: Lake
) -> None:
    chart = block_of(name, title, report_lake)
    assert isinstance(chart, Chart)
    query = f"""select coalesce({column}, 'none'), health_status, sum(mrr_reporting)::double {NOW} group by all"""
    expected = {(who, TITLES[status]): mrr or 0 for who, status, mrr in queried(report_home, name, query)}
    drawn = {(point["name"], point["status"]): point["value"] for point in points(chart)}
    assert {key: value for key, value in drawn.items() if value} == pytest.approx(
        {key: value for key, value in expected.items() if value}
    )


def days_of(home: Path, query: str) -> list[tuple[Any, ...]]:
    """What SQL says of each day of the wide table."""
    with duckdb.connect() as db:
        db.execute(f"create view days as from read_parquet('{home}/lake/core/unified_customers/*.parquet')")
        return db.execute(query).fetchall()


def test_health_day_by_day_is_what_sql_says(report_home: Path, report_lake: Lake) -> None:
    chart = block_of("weekly_health", "Health, day by day", report_lake)
    assert isinstance(chart, Chart)
    counted = days_of(
        report_home,
        """select as_of, health_status, count(*) from days
            where is_customer and as_of between date '2026-02-15' - 13 and date '2026-02-15' group by all""",
    )
    drawn = {(date.fromisoformat(point["day"]), point["status"]): point["value"] for point in points(chart)}
    assert {key: value for key, value in drawn.items() if value} == {
        (day, TITLES[status]): count for day, status, count in counted
    }


def test_mrr_day_by_day_is_what_sql_says(tmp_path: Path) -> None:
    """The lake of these tests has one day of its month: here it has four."""
    home = tmp_path
    settle(Lake(home / "lake"), [date(2026, 1, 31), date(2026, 2, 3), date(2026, 2, 27), date(2026, 2, 28)], people=20)
    lake = Lake(home / "lake")
    content = discover()["monthly_mrr"].content(Figures(lake, MONTH.named("2026-02"), policy()))
    [chart] = [block for block in content.blocks if block.title == "MRR, day by day"]
    assert isinstance(chart, Chart)
    paid = days_of(home, "select as_of, sum(mrr_reporting)::double from days where is_customer group by 1 order by 1")
    assert [(point["day"], point["value"]) for point in points(chart)] == [
        (str(day), pytest.approx(mrr)) for day, mrr in paid
    ]
    assert chart.text == f"MRR, day by day: from {short(paid[0][1])} to {short(paid[-1][1])}."


def test_mrr_at_risk_week_by_week_is_what_sql_says(report_home: Path, report_lake: Lake) -> None:
    chart = block_of("quarterly_churn_risk", WEEKLY, report_lake)
    assert isinstance(chart, Chart)
    at_risk = days_of(
        report_home,
        """select as_of, sum(mrr_reporting)::double from days where is_customer and health_score < 70
            and (date '2026-02-15' - as_of) % 7 = 0 and as_of > date '2026-02-15' - 14 * 7 group by 1 order by 1""",
    )
    assert len(at_risk) > 1
    assert [(point["day"], point["value"]) for point in points(chart)] == [
        (str(day), pytest.approx(mrr)) for day, mrr in at_risk
    ]
    assert chart.text == f"{WEEKLY}: from {short(at_risk[0][1])} to {short(at_risk[-1][1])}."


WEEKLY = "MRR at risk, week by week"
ELSEWHERE = {
    WEEKLY,
    "Companies by cohort", "Companies that moved", "Companies with customers at risk", "What readers think of alerts",
    "Movements by definition of MRR", "Why other definitions differ from ours", "Forecast of MRR",
    "Does it work by the test of November 2025", "Data quality: figures that were odd", "Health, day by day",
    "What is true in HubSpot", "Why movements differ by other definitions", "Success", "Activity beside outcomes",
    "What the platform changes: Spring", "Webhooks that came",
    "How soon what customers do is seen",
}  # fmt: skip


@pytest.mark.parametrize("name", list(discover()))
def test_everything_that_is_displayed_is_compared(name: str, report_lake: Lake) -> None:
    titles = {block.title for block in discover()[name].content(figures_of(name, report_lake)).blocks}
    assert titles == {each.title for each in (*TABLES, *CHARTS) if each.report == name} | (titles & ELSEWHERE)
