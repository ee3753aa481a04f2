"""The weekly health summary: how customers do, who fell, who came and who left."""

from collections.abc import Sequence

from gtm_platform.health.customer_health import STATUSES
from gtm_platform.reports.cards import metric_card
from gtm_platform.reports.companies import cohort_sections
from gtm_platform.reports.content import Chart, Column, Content, Table
from gtm_platform.reports.customer_cells import SHOWN, action, change, customer, health
from gtm_platform.reports.drawing import TITLES, bars, shares, status_scale
from gtm_platform.reports.figures import Figures, Row
from gtm_platform.reports.period import WEEK
from gtm_platform.reports.report import Report
from gtm_platform.reports.spreads import NO_MEMBER, mrr_by_health
from gtm_platform.reports.trust import canaries, data_quality, hubspot_truth, webhooks
from gtm_platform.reports.wording import money, number, percent, short_money
from gtm_platform.serving.wording import NOTHING, counted, words

DAYS_DRAWN, LISTED = 14, 15
FELL = f"""select {SHOWN}, now.health_score - before.health_score as change
    from now join before using (customer_id)
    where now.is_customer and before.is_customer and now.health_score < before.health_score
    order by change, now.mrr_reporting desc nulls last, customer_id"""
LEFT = f"""select {SHOWN.replace("now.", "before.")}, now.churned_at, now.churn_reason
    from before left join now using (customer_id) where before.is_customer and not coalesce(now.is_customer, false)
    order by before.mrr_reporting desc nulls last, customer_id"""
NEW = f"""select {SHOWN} from now left join before using (customer_id)
    where now.is_customer and not coalesce(before.is_customer, false) and (select count(*) from before) > 0
    order by now.mrr_reporting desc nulls last, customer_id"""


def content(figures: Figures) -> Content:
    """Return the report of a week."""
    fell, left, new = (figures.rows(query) for query in (FELL, LEFT, NEW))
    spread = _customers_by_health(figures)
    return Content(
        lead=_lead(figures, fell, left),
        cards=[
            metric_card(figures, "customers"),
            metric_card(figures, "mrr"),
            metric_card(figures, "mrr_at_risk"),
            metric_card(figures, "mean_health"),
        ],
        blocks=[
            spread,
            mrr_by_health(figures, "plan", "MRR by plan and health"),
            _shares(figures),
            _fell(figures, fell),
            _left(figures, left),
            _new(figures, new),
            _managers(figures),
            *cohort_sections(figures),
            data_quality(figures),
            hubspot_truth(figures),
            webhooks(figures),
            canaries(figures),
        ],
        columns=[
            "customer_id", "name", "company_name", "assigned_am", "plan_tier", "mrr_reporting", "health_score",
            "health_status", "change", "churn_risk", "risk_signals", "recommended_actions",
        ],
        data=fell,
        picture=_shares(figures),
    )  # fmt: skip


def _lead(figures: Figures, fell: Sequence[Row], left: Sequence[Row]) -> str:
    at_risk, customers = figures.value("at_risk") or 0, figures.value("customers") or 0
    share = percent(at_risk / customers, 0) if customers else NOTHING
    risk = short_money(figures.value("mrr_at_risk"), figures.currency)
    first = f"{counted(at_risk, 'of the customers is', 'of the customers are')} at risk ({share}), with {risk} of MRR."
    if not figures.before:
        return first
    return f"{first} The score of {number(len(fell))} fell; {counted(len(left), 'customer')} left."


def _customers_by_health(figures: Figures) -> Chart:
    counts = figures.by("customers", "health")
    total = sum(value or 0 for value in counts.values()) or 1
    points = [
        {
            "name": TITLES[status],
            "value": counts.get(status) or 0,
            "label": f"{number(counts.get(status) or 0)} ({percent((counts.get(status) or 0) / total, 0)})",
        }
        for status in STATUSES
    ]
    text = ", ".join(f"{point['name']}: {point['label']}" for point in points)
    return Chart("Customers by health", bars(points, colours=status_scale()), text)


def _shares(figures: Figures) -> Chart:
    points = [
        {"day": day, "status": TITLES[status], "order": order, "value": counts.get(status) or 0}
        for day in figures.days(DAYS_DRAWN)
        for counts in [figures.by("customers", "health", day)]
        for order, status in enumerate(STATUSES)
    ]
    text = f"The share of the customers in each health status on each of {DAYS_DRAWN} days."
    return Chart("Health, day by day", shares(points), text, wide=True)


def _fell(figures: Figures, rows: Sequence[Row]) -> Table:
    more = len(rows) - LISTED
    return Table(
        "Who fell this week",
        [
            Column("Customer"), Column("Account manager"), Column("MRR", "right"), Column("Health"),
            Column("Change", "right"), Column("Do next", width="30%"),
        ],
        [
            [
                customer(row), row["assigned_am"] or NOTHING, money(row["mrr_reporting"], figures.currency),
                health(row), change(row["change"]), action(row),
            ]
            for row in rows[:LISTED]
        ],
        note=f"and {number(more)} more; the CSV file has all." if more > 0 else "",
        empty="Nobody's score fell.",
    )  # fmt: skip


def _left(figures: Figures, rows: Sequence[Row]) -> Table:
    return Table(
        "Who left",
        [
            Column("Customer"), Column("Account manager"), Column("MRR before", "right"), Column("Health before"),
            Column("Why", width="30%"),
        ],
        [
            [
                customer(row), row["assigned_am"] or NOTHING, money(row["mrr_reporting"], figures.currency),
                health(row), words(row["churn_reason"]),
            ]
            for row in rows[:LISTED]
        ],
        note=f"and {number(len(rows) - LISTED)} more." if len(rows) > LISTED else "",
        empty="Nobody left.",
    )  # fmt: skip


def _new(figures: Figures, rows: Sequence[Row]) -> Table:
    return Table(
        "Who is new",
        [Column("Customer"), Column("Account manager"), Column("Plan"), Column("MRR", "right"), Column("Health")],
        [
            [
                customer(row), row["assigned_am"] or NOTHING, words(row["plan_tier"]),
                money(row["mrr_reporting"], figures.currency), health(row),
            ]
            for row in rows[:LISTED]
        ],
        note=f"and {number(len(rows) - LISTED)} more." if len(rows) > LISTED else "",
        empty="Nobody is new.",
    )  # fmt: skip


def _managers(figures: Figures) -> Table:
    names = ("customers", "mrr", "at_risk", "mrr_at_risk", "mean_health")
    values = {name: figures.by(name, "account_manager") for name in names}
    members = sorted(values["mrr"], key=lambda member: (-(values["mrr_at_risk"][member] or 0), member))
    return Table(
        "By account manager",
        [
            Column("Account manager"), Column("Customers", "right"), Column("MRR", "right"),
            Column("At risk", "right"), Column("MRR at risk", "right"), Column("Mean health", "right"),
        ],
        [
            [
                member or NO_MEMBER,
                number(values["customers"][member]),
                money(values["mrr"][member], figures.currency),
                number(values["at_risk"][member]),
                money(values["mrr_at_risk"][member], figures.currency),
                number(values["mean_health"][member], 1),
            ]
            for member in members
        ],
    )  # fmt: skip


REPORT = Report(
    "weekly_health",
    "Weekly customer health",
    "How customers do, whose score fell and what to do, who came and who left.",
    WEEK,
    content,
)
