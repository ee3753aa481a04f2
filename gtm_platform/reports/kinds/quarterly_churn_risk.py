"""The quarterly report on churn: what is at stake, why, who left, and whether it could be seen coming."""

from collections.abc import Sequence

from gtm_platform.reports.cards import metric_card, movement_card
from gtm_platform.reports.companies import companies_at_stake
from gtm_platform.reports.competition import activity
from gtm_platform.reports.content import Chart, Column, Content, Table
from gtm_platform.reports.customer_cells import SHOWN, action, customer, health
from gtm_platform.reports.drawing import LOSS, bars
from gtm_platform.reports.effect import effect, success
from gtm_platform.reports.figures import Figures, Row
from gtm_platform.reports.period import QUARTER
from gtm_platform.reports.report import Report
from gtm_platform.reports.spreads import NO_MEMBER, members_by_mrr, money_by, trend_of_money
from gtm_platform.reports.trust import does_it_work
from gtm_platform.reports.wording import day, money, number, percent, short_money
from gtm_platform.serving.wording import NOTHING, counted, words

WEEKS_DRAWN, LISTED = 14, 20
BANDS = ((0, 10), (10, 25), (25, 50), (50, 75), (75, 101))  # of the churn risk, in percent
AT_STAKE = f"""select {SHOWN}, round(now.mrr_reporting::double * now.churn_risk / 100, 2) as expected_loss,
        now.current_period_end
    from now where now.is_customer and now.health_status not in ('healthy', 'new')
    order by expected_loss desc nulls last, now.churn_risk desc, customer_id"""
LEFT = f"""select {SHOWN.replace("now.", "before.")}, now.churned_at, now.churn_reason
    from before left join now using (customer_id) where before.is_customer and not coalesce(now.is_customer, false)
    order by before.mrr_reporting desc nulls last, customer_id"""
SIGNALS = """select signal, count(*) as customers, sum(coalesce(mrr_reporting, 0)) as mrr
    from (select unnest(risk_signals) as signal, mrr_reporting from now where is_customer)
    group by signal order by mrr desc, signal"""
BAND = "churn_risk >= {least} and churn_risk < {below}"


def content(figures: Figures) -> Content:
    """Return the report of a quarter."""
    at_stake, left = figures.rows(AT_STAKE), figures.rows(LEFT)
    weeks = figures.days(WEEKS_DRAWN, step=7)
    trend = trend_of_money(figures, "mrr_at_risk", weeks, "MRR at risk, week by week", colour=LOSS)
    bands = _bands(figures)
    return Content(
        lead=_lead(figures, left),
        cards=[
            metric_card(figures, "mrr_at_risk"),
            metric_card(figures, "expected_mrr_loss"),
            movement_card(figures, "churned_customers"),
            movement_card(figures, "mrr_churn"),
        ],
        blocks=[
            bands,
            money_by(figures, figures.by("expected_mrr_loss", "plan"), "Expected loss of MRR by plan"),
            *([trend] if len(weeks) > 1 else []),
            _at_stake(figures, at_stake),
            *companies_at_stake(figures),
            _signals(figures),
            _left(figures, left),
            _plans(figures),
            *activity(figures),
            *does_it_work(figures),
            effect(figures),
            success(figures),
        ],
        columns=[
            "customer_id", "name", "company_name", "assigned_am", "plan_tier", "mrr_reporting", "churn_risk",
            "expected_loss", "health_score", "health_status", "current_period_end", "risk_signals",
            "recommended_actions",
        ],
        data=at_stake,
        picture=bands,
        notes=["Expected loss is MRR × churn risk: what churn within 90 days would cost on average."],
    )  # fmt: skip


def _lead(figures: Figures, left: Sequence[Row]) -> str:
    loss = short_money(figures.value("expected_mrr_loss"), figures.currency)
    first = f"{loss} of MRR is expected to be lost within 90 days."
    if not figures.before:
        return first
    seen = sum(row["health_status"] not in (None, "healthy", "new") for row in left)
    if not left:
        return f"{first} Nobody left."
    return f"{first} {counted(len(left), 'customer')} left; {number(seen)} of them had not been healthy when it began."


def _bands(figures: Figures) -> Chart:
    points = []
    for least, below in BANDS:
        where = BAND.format(least=least, below=below)
        customers, mrr = figures.value("customers", where=where) or 0, figures.value("mrr", where=where)
        label = f"{number(customers)} ({short_money(mrr, figures.currency)})"
        points.append({"name": f"{least} to {min(below, 100)} %", "value": customers, "label": label})
    text = ", ".join(f"{point['name']}: {point['label']}" for point in points)
    return Chart("Customers by churn risk, with their MRR", bars(points, colour=LOSS), text)


def _at_stake(figures: Figures, rows: Sequence[Row]) -> Table:
    more = len(rows) - LISTED
    return Table(
        "Where most is at stake",
        [
            Column("Customer"), Column("Account manager"), Column("MRR", "right"), Column("Risk", "right"),
            Column("Expected loss", "right"), Column("Health"), Column("Renews"), Column("Do next", width="24%"),
        ],
        [
            [
                customer(row),
                row["assigned_am"] or NOTHING,
                money(row["mrr_reporting"], figures.currency),
                f"{number(row['churn_risk'])} %",
                money(row["expected_loss"], figures.currency),
                health(row),
                f"{row['current_period_end']:%-d %b}" if row["current_period_end"] else NOTHING,
                action(row),
            ]
            for row in rows[:LISTED]
        ],
        note=f"and {number(more)} more that are not healthy; the CSV file has all." if more > 0 else "",
        empty="Every customer is healthy.",
    )  # fmt: skip


def _signals(figures: Figures) -> Table:
    total = figures.value("mrr") or 0
    return Table(
        "Why: the risk signals",
        [Column("Signal"), Column("Customers", "right"), Column("MRR", "right"), Column("Share of MRR", "right")],
        [
            [
                words(row["signal"]),
                number(row["customers"]),
                money(row["mrr"], figures.currency),
                percent(float(row["mrr"]) / total) if total else NOTHING,
            ]
            for row in figures.rows(SIGNALS)
        ],
        empty="No customer has a risk signal.",
    )


def _left(figures: Figures, rows: Sequence[Row]) -> Table:
    since = day(figures.before) if figures.before else "the quarter began"
    return Table(
        f"Who left, and what was known on {since}",
        [
            Column("Customer"), Column("Account manager"), Column("MRR then", "right"), Column("Health then"),
            Column("Signals then", width="24%"), Column("Why", width="18%"),
        ],
        [
            [
                customer(row),
                row["assigned_am"] or NOTHING,
                money(row["mrr_reporting"], figures.currency),
                health(row),
                ", ".join(words(signal) for signal in row["risk_signals"] or []) or NOTHING,
                words(row["churn_reason"]),
            ]
            for row in rows[:LISTED]
        ],
        note=f"and {number(len(rows) - LISTED)} more." if len(rows) > LISTED else "",
        empty="Nobody left." if figures.before else "There is no day to compare with yet.",
    )  # fmt: skip


def _plans(figures: Figures) -> Table:
    values = {name: figures.by(name, "plan") for name in ("customers", "at_risk", "mrr_at_risk", "expected_mrr_loss")}
    churn, churned = figures.movement_by("customer_churn", "plan"), figures.movement_by("churned_mrr", "plan")
    return Table(
        "By plan",
        [
            Column("Plan"), Column("Customers", "right"), Column("At risk", "right"), Column("MRR at risk", "right"),
            Column("Expected loss", "right"), Column("Customer churn", "right"), Column("Churned MRR", "right"),
        ],
        [
            [
                words(plan) if plan else NO_MEMBER,
                number(values["customers"][plan]),
                number(values["at_risk"][plan]),
                money(values["mrr_at_risk"][plan], figures.currency),
                money(values["expected_mrr_loss"][plan], figures.currency),
                percent(churn.get(plan)),
                money(churned.get(plan), figures.currency),
            ]
            for plan in members_by_mrr(figures, "plan")
        ],
    )  # fmt: skip


REPORT = Report(
    "quarterly_churn_risk",
    "Quarterly churn risk",
    "What is at stake and why, who left, and whether that could be seen coming.",
    QUARTER,
    content,
)
