"""The monthly scorecard of the account managers: what each looks after, what was kept and won, whom to see to next."""

from gtm_platform.reports.cards import metric_card, movement_card
from gtm_platform.reports.content import Chart, Column, Content, Table
from gtm_platform.reports.customer_cells import SHOWN, action, customer, health
from gtm_platform.reports.drawing import bars
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.period import MONTH
from gtm_platform.reports.report import Report
from gtm_platform.reports.spreads import NO_MEMBER, members_by_mrr, mrr_by_health
from gtm_platform.reports.wording import money, number, percent, short_money
from gtm_platform.serving.wording import NOTHING, counted

STATES = ("customers", "mrr", "mean_health", "at_risk", "mrr_at_risk", "payment_overdue", "show_rate")
MOVEMENTS = (
    "net_revenue_retention", "gross_revenue_retention", "new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr",
    "churned_customers",
)  # fmt: skip
EACH = 3  # customers of an account manager that are listed
NEXT = f"""select {SHOWN}, round(now.mrr_reporting::double * now.churn_risk / 100, 2) as expected_loss
    from now where now.is_customer and now.health_status not in ('healthy', 'new')
    qualify row_number() over (partition by coalesce(now.assigned_am, '')
        order by expected_loss desc nulls last, now.churn_risk desc, customer_id) <= {EACH}
    order by now.assigned_am nulls last, expected_loss desc nulls last, now.churn_risk desc, customer_id"""

ByMember = dict[str, dict[str, float | None]]


def content(figures: Figures) -> Content:
    """Return the scorecard of a month."""
    states = {name: figures.by(name, "account_manager") for name in STATES}
    moved = {name: figures.movement_by(name, "account_manager") for name in MOVEMENTS}
    managers = members_by_mrr(figures, "account_manager")
    portfolio = mrr_by_health(figures, "account_manager", "MRR by account manager and health")
    return Content(
        lead=_lead(figures, states, managers),
        cards=[
            metric_card(figures, "customers"),
            metric_card(figures, "mrr"),
            metric_card(figures, "mrr_at_risk"),
            movement_card(figures, "net_revenue_retention"),
        ],
        blocks=[
            portfolio,
            _retention(moved["net_revenue_retention"], managers),
            _portfolios(figures, states, managers),
            _movements(figures, moved, managers),
            _next(figures),
        ],
        columns=["account_manager", *STATES, *MOVEMENTS],
        data=[
            {"account_manager": manager or NO_MEMBER}
            | {name: values.get(manager) for name, values in {**states, **moved}.items()}
            for manager in managers
        ],
        picture=portfolio,
        notes=["Who came, left or moved counts for the account manager of the day that is compared with."],
    )


def _lead(figures: Figures, states: ByMember, managers: list[str]) -> str:
    named = [manager for manager in managers if manager]
    if not named:
        return "No customer has an account manager."
    most = max(named, key=lambda manager: (states["mrr_at_risk"].get(manager) or 0, manager))
    without = states["customers"].get("")
    rest = f" {counted(without, 'customer has', 'customers have')} no account manager." if without else ""
    at_risk = short_money(states["mrr_at_risk"][most], figures.currency)
    whose = counted(states["at_risk"][most] or 0, "customer")
    return f"{most} has most at risk: {at_risk} of MRR with {whose}.{rest}"


def _retention(retained: dict[str, float | None], managers: list[str]) -> Chart:
    points = [
        {"name": manager or NO_MEMBER, "value": retained.get(manager) or 0, "label": percent(retained.get(manager))}
        for manager in managers
    ]
    text = ", ".join(f"{point['name']}: {point['label']}" for point in points)
    return Chart("Net revenue retention", bars(points), text)


def _portfolios(figures: Figures, states: ByMember, managers: list[str]) -> Table:
    def share(manager: str) -> str:
        mrr = states["mrr"].get(manager)
        return percent((states["mrr_at_risk"].get(manager) or 0) / mrr) if mrr else NOTHING

    return Table(
        "What each looks after",
        [
            Column("Account manager"), Column("Customers", "right"), Column("MRR", "right"),
            Column("Mean health", "right"), Column("At risk", "right"), Column("MRR at risk", "right"),
            Column("Share", "right"), Column("Payment overdue", "right"), Column("Show rate", "right"),
        ],
        [
            [
                manager or NO_MEMBER,
                number(states["customers"].get(manager)),
                money(states["mrr"].get(manager), figures.currency),
                number(states["mean_health"].get(manager), 1),
                number(states["at_risk"].get(manager)),
                money(states["mrr_at_risk"].get(manager), figures.currency),
                share(manager),
                number(states["payment_overdue"].get(manager)),
                percent(states["show_rate"].get(manager), 0),
            ]
            for manager in managers
        ],
    )  # fmt: skip


def _movements(figures: Figures, moved: ByMember, managers: list[str]) -> Table:
    amounts = ("new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr")
    return Table(
        "What moved",
        [
            Column("Account manager"), Column("Net retention", "right"), Column("Gross retention", "right"),
            Column("New", "right"), Column("Expansion", "right"), Column("Contraction", "right"),
            Column("Churned", "right"), Column("Customers lost", "right"),
        ],
        [
            [
                manager or NO_MEMBER,
                percent(moved["net_revenue_retention"].get(manager)),
                percent(moved["gross_revenue_retention"].get(manager)),
                *(money(moved[name].get(manager), figures.currency) for name in amounts),
                number(moved["churned_customers"].get(manager)),
            ]
            for manager in managers
        ]
        if figures.before
        else [],
        empty="There is no day to compare with yet.",
    )  # fmt: skip


def _next(figures: Figures) -> Table:
    rows = figures.rows(NEXT)
    shown = [None, *(row["assigned_am"] or NO_MEMBER for row in rows)]
    return Table(
        "Whom to see to next",
        [
            Column("Account manager"), Column("Customer"), Column("MRR", "right"), Column("Risk", "right"),
            Column("Health"), Column("Do next", width="38%"),
        ],
        [
            [
                "" if manager == previous else str(manager),
                customer(row),
                money(row["mrr_reporting"], figures.currency),
                f"{number(row['churn_risk'])} %",
                health(row),
                action(row),
            ]
            for row, previous, manager in zip(rows, shown, shown[1:], strict=False)
        ],
        note=f"Of each account manager the {EACH} customers with the largest expected loss.",
        empty="Every customer is healthy.",
    )  # fmt: skip


REPORT = Report(
    "account_managers",
    "Account manager scorecard",
    "What each account manager looks after, what was kept and won, and whom to see to next.",
    MONTH,
    content,
)
