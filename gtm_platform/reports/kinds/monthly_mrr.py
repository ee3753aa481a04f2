"""The monthly analysis of MRR: how it moved, what was retained, where it comes from."""

from collections.abc import Sequence

from gtm_platform.reports.cards import metric_card, movement_card
from gtm_platform.reports.competition import competitors
from gtm_platform.reports.content import Cell, Chart, Column, Content, Table
from gtm_platform.reports.customer_cells import customer
from gtm_platform.reports.drawing import ACCENT, COLOURS, LOSS, MUTED, steps
from gtm_platform.reports.effect import success
from gtm_platform.reports.figures import Figures, Row
from gtm_platform.reports.icp import ideal_customer
from gtm_platform.reports.period import MONTH
from gtm_platform.reports.report import Report
from gtm_platform.reports.revenue import by_definition, forecast
from gtm_platform.reports.spreads import NO_MEMBER, members_by_mrr, money_by, mrr_by_health, trend_of_money
from gtm_platform.reports.trust import data_quality
from gtm_platform.reports.wording import money, number, percent, short_money, signed
from gtm_platform.serving.wording import NOTHING, counted, symbol, words

DAYS_DRAWN, LISTED = 31, 16
GAIN = COLOURS["healthy"]
SIDES = """(select *, if(is_customer, coalesce(mrr_reporting, 0), 0) as paid from now) as n
    full join (select *, if(is_customer, coalesce(mrr_reporting, 0), 0) as paid from before) as b using (customer_id)"""
MOVED = f"""select customer_id, coalesce(n.name, b.name) as name,
        coalesce(n.company_name, b.company_name) as company_name,
        coalesce(b.assigned_am, n.assigned_am) as assigned_am, coalesce(n.plan_tier, b.plan_tier) as plan_tier,
        coalesce(b.paid, 0) as before_mrr, coalesce(n.paid, 0) as now_mrr, now_mrr - before_mrr as change,
        case when before_mrr <= 0 then 'new' when now_mrr <= 0 then 'churned'
            when change > 0 then 'expansion' else 'contraction' end as movement
    from {SIDES} where change <> 0 and (select count(*) from before) > 0 order by abs(change) desc, customer_id"""


def content(figures: Figures) -> Content:
    """Return the report of a month."""
    moved = figures.rows(MOVED)
    bridge = _bridge(figures)
    days = figures.days(DAYS_DRAWN)
    return Content(
        lead=_lead(figures),
        cards=[
            metric_card(figures, "mrr"),
            movement_card(figures, "net_revenue_retention"),
            movement_card(figures, "gross_revenue_retention"),
            movement_card(figures, "churned_mrr"),
        ],
        blocks=[
            *([bridge] if bridge else []),
            *([trend_of_money(figures, "mrr", days, "MRR, day by day", colour=ACCENT)] if len(days) > 1 else []),
            mrr_by_health(figures, "plan", "MRR by plan and health"),
            _sources(figures),
            _plans(figures),
            _largest(figures, moved),
            *by_definition(figures),
            forecast(figures),
            *ideal_customer(figures),
            success(figures),
            *competitors(figures),
            data_quality(figures),
        ],
        columns=[
            "customer_id", "name", "company_name", "assigned_am", "plan_tier", "movement", "before_mrr", "now_mrr",
            "change",
        ],
        data=moved,
        picture=bridge or mrr_by_health(figures, "plan", "MRR by plan and health"),
        notes=["The axis of how MRR moved does not begin at 0."] if bridge else [],
    )  # fmt: skip


def _lead(figures: Figures) -> str:
    now, change = figures.value("mrr"), figures.change("mrr")
    if change is None:
        return f"MRR is {short_money(now, figures.currency)}."
    direction = "grew" if change > 0 else "shrank" if change < 0 else "moved"
    new, gone = figures.movement("new_mrr"), figures.movement("churned_mrr")
    customers = counted(figures.movement("churned_customers") or 0, "customer")
    return (
        f"MRR {direction} by {short_money(abs(change), figures.currency)} to {short_money(now, figures.currency)}: "
        f"{short_money(new, figures.currency)} is new, {short_money(gone, figures.currency)} left with {customers}."
    )


def _bridge(figures: Figures) -> Chart | None:
    """Return how the MRR of the day before became that of the last day; None without a day before."""
    begin = figures.value("mrr", figures.before) if figures.before else None
    if begin is None:
        return None
    level, points = begin, [_step(figures, "Before", 0, begin, MUTED, begin)]
    for title, name, sign in (
        ("New", "new_mrr", 1), ("Expansion", "expansion_mrr", 1),
        ("Contraction", "contraction_mrr", -1), ("Churned", "churned_mrr", -1),
    ):  # fmt: skip
        amount = sign * (figures.movement(name) or 0)
        points.append(_step(figures, title, level, level + amount, GAIN if sign > 0 else LOSS, amount))
        level += amount
    now = figures.value("mrr") or 0
    points.append(_step(figures, "Now", 0, now, ACCENT, now))
    text = ", ".join(f"{point['name']}: {point['label']}" for point in points)
    return Chart("How MRR moved", steps(points, symbol(figures.currency)), text, wide=True)


def _step(figures: Figures, name: str, begin: float, end: float, colour: str, amount: float) -> dict[str, object]:
    shown = short_money(amount, figures.currency)
    label = shown if name in ("Before", "Now") else signed(shown)
    return {"name": name, "begin": begin, "end": end, "label": label, "colour": colour}


def _sources(figures: Figures) -> Chart:
    """Return MRR by currency, or by account manager where all pay in the same."""
    by_currency = figures.by("mrr", "currency")
    if len(by_currency) > 1:
        return money_by(figures, by_currency, "MRR by the currency that is paid in")
    return money_by(figures, figures.by("mrr", "account_manager"), "MRR by account manager")


def _plans(figures: Figures) -> Table:
    names = ("customers", "mrr", "mrr_per_customer", "mrr_at_risk")
    values = {name: figures.by(name, "plan") for name in names}
    retained = figures.movement_by("net_revenue_retention", "plan")
    total = figures.value("mrr") or 0
    return Table(
        "By plan",
        [
            Column("Plan"), Column("Customers", "right"), Column("MRR", "right"), Column("Share", "right"),
            Column("MRR per paying customer", "right"), Column("MRR at risk", "right"),
            Column("Net revenue retention", "right"),
        ],
        [
            [
                words(plan) if plan else NO_MEMBER,
                number(values["customers"][plan]),
                money(values["mrr"][plan], figures.currency),
                percent((values["mrr"][plan] or 0) / total) if total else NOTHING,
                money(values["mrr_per_customer"][plan], figures.currency),
                money(values["mrr_at_risk"][plan], figures.currency),
                percent(retained.get(plan)),
            ]
            for plan in members_by_mrr(figures, "plan")
        ],
    )  # fmt: skip


def _largest(figures: Figures, rows: Sequence[Row]) -> Table:
    more = len(rows) - LISTED
    return Table(
        "Largest movements",
        [
            Column("Customer"), Column("Account manager"), Column("Movement"), Column("Before", "right"),
            Column("Now", "right"), Column("Change", "right"),
        ],
        [
            [
                customer(row),
                row["assigned_am"] or NOTHING,
                Cell(words(row["movement"]), status="healthy" if row["change"] > 0 else "critical"),
                money(row["before_mrr"], figures.currency),
                money(row["now_mrr"], figures.currency),
                signed(money(row["change"], figures.currency)),
            ]
            for row in rows[:LISTED]
        ],
        note=f"and {number(more)} more; the CSV file has all." if more > 0 else "",
        empty="No customer's MRR moved.",
    )  # fmt: skip


REPORT = Report(
    "monthly_mrr",
    "Monthly MRR",
    "How MRR moved, what was retained, and which plans and customers it comes from.",
    MONTH,
    content,
)
