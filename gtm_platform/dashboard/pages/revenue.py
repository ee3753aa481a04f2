"""How MRR moves and what of it is retained."""

import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import draw, money_axis, trend
from gtm_platform.dashboard.customer_table import money_column
from gtm_platform.dashboard.departures import show_churned
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import Figures, cards
from gtm_platform.dashboard.movements import show_movements
from gtm_platform.dashboard.revenue_forecast import show_forecast
from gtm_platform.dashboard.revenue_movements import show_periods, show_retention_trend, show_triangle
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.serving.answers.churned import churned
from gtm_platform.serving.answers.mrr_movement import mrr_movement, windows
from gtm_platform.serving.answers.revenue import revenue
from gtm_platform.serving.metrics import DIMENSIONS
from gtm_platform.serving.metrics.metric import WINDOWS
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import words

NOW = ("mrr", "paying_customers", "mrr_per_customer", "expected_mrr_loss", "mrr_at_risk")
RETAINED = ("net_revenue_retention", "gross_revenue_retention", "mrr_churn", "customer_churn")
MOVED = {
    "new_mrr": "New",
    "expansion_mrr": "Expansion",
    "contraction_mrr": "Contraction",
    "churned_mrr": "Churn",
    "net_revenue_retention": "NRR",
}
SPLITS = {"plan": "Plan", "account_manager": "Account manager", "currency": "Currency"}


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Revenue")
    figures = Figures(snapshot)
    cards(figures, NOW)
    with st.container(border=True):
        st.subheader("MRR", anchor=False)
        if len(figures.days) > 1:
            draw(trend(figures.days, figures.trend("mrr"), money_axis(figures.currency), "MRR"), "MRR on each day")
        else:
            st.caption("Shown once two days were made.")
    days = _window(figures)
    if days:
        cards(figures, [f"{name}_{days}d" for name in RETAINED])
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.subheader(f"Movements in {days} days" if days else "Movements", anchor=False)
        show_movements(mrr_movement(figures.summary, days) if days else None, figures)
    with right.container(border=True, height="stretch"):
        _by_dimension(snapshot, figures, days)
    _intelligence(snapshot, figures.currency)
    with st.container(border=True):
        span = days or max(WINDOWS)
        st.subheader(f"Who left in {span} days", anchor=False)
        show_churned(churned(snapshot, span, personal=True), figures.currency, "left")


def _intelligence(snapshot: Snapshot, currency: str) -> None:
    """Draw movements by period and definition, what is retained, and what is to come."""
    answer = revenue(snapshot)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        show_periods(answer, currency)
    with right.container(border=True, height="stretch"):
        show_forecast(answer, currency)
        show_retention_trend(answer)
    with st.container(border=True):
        show_triangle(answer, currency)


def _window(figures: Figures) -> int | None:
    """Let the window be chosen where there are several."""
    possible = windows(figures.summary)
    if len(possible) < 2:
        return max(possible, default=None)
    return st.segmented_control(
        "Over",
        possible,
        default=max(possible),
        required=True,
        format_func="{} days".format,
        key="days",
        bind="query-params",
    )


def _by_dimension(snapshot: Snapshot, figures: Figures, days: int | None) -> None:
    st.subheader("Where it moved", anchor=False)
    if days is None:
        st.caption("Shown with the movements.")
        return
    dimension = st.segmented_control(
        "By",
        list(SPLITS),
        default="plan",
        required=True,
        format_func=SPLITS.__getitem__,
        key="by",
        bind="query-params",
        label_visibility="collapsed",
    )
    moved = moved_by(snapshot, dimension, days)
    moved["net_revenue_retention"] *= 100
    show_rows(
        moved,
        {
            "member": st.column_config.TextColumn(SPLITS[dimension], width=105),
            **{name: money_column(title, figures.currency, 72) for name, title in MOVED.items() if name != "nrr"},
            "net_revenue_retention": st.column_config.NumberColumn("NRR", format="%.1f %%", width=72),
        },
        f"Movements of MRR by {SPLITS[dimension].lower()}",
    )


def moved_by(snapshot: Snapshot, dimension: str, days: int) -> pd.DataFrame:
    """Return the movements of a window by the members of a dimension."""
    if dimension not in DIMENSIONS:
        raise LookupError(f"{dimension} is no dimension; there are {', '.join(DIMENSIONS)}.")
    members: dict[str | None, dict[str, float]] = {}
    for name in MOVED:
        for each in snapshot.metric(f"{name}_{days}d", dimension, since=snapshot.as_of):
            members.setdefault(each.member, {})[name] = each.value
    rows = [
        {"member": (words(member) if dimension == "plan" else member) if member else "None", **values}
        for member, values in members.items()
    ]
    frame = pd.DataFrame(rows, columns=["member", *MOVED])
    return frame.sort_values("churned_mrr", ascending=False, kind="stable")


PAGE = Page("revenue", "Revenue", ":material/payments:", 50, show)
