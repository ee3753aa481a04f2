"""How the business stands this morning."""

from typing import Any

import orjson
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import GOOD, WARN, bars, draw, money_axis, shares, stacked_bars
from gtm_platform.dashboard.customer_table import money_column, rows_of, show_clickable, show_customers
from gtm_platform.dashboard.departures import IN_SHORT, show_churned
from gtm_platform.dashboard.frame.page import Page, link_to
from gtm_platform.dashboard.metric_cards import Figures, cards
from gtm_platform.dashboard.movements import longest_movement, show_movements
from gtm_platform.dashboard.pages.changes import saved_sentence
from gtm_platform.dashboard.status import AT_RISK, COLOURS, TITLES
from gtm_platform.dashboard.tables import table_height
from gtm_platform.dashboard.wording import money, number, percent
from gtm_platform.serving.answers.account_managers import account_managers
from gtm_platform.serving.answers.churned import churned
from gtm_platform.serving.store import CustomerQuery, Snapshot
from gtm_platform.serving.wording import SYMBOLS, counted, words

CARDS = ("customers", "mrr", "mrr_at_risk", "mean_health", "payment_overdue")
CHURN_DAYS, LISTED = 30, 8
TIERS_SHOWN = 8
NO_MANAGER = "None"  # as the list of who is at risk calls customers without one
MANAGER_COLUMNS = ("am", "mrr_at_risk", "mrr", "at_risk", "customers", "mean_health")


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Overview")
    figures = Figures(snapshot)
    cards(figures, CARDS)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _spread(figures, "customers", "Customers by health")
    with right.container(border=True, height="stretch"):
        _spread(figures, "mrr", "MRR by health")
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _by_tier(figures)
    with right.container(border=True, height="stretch"):
        _movements(figures)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _by_manager(snapshot, figures)
    with right.container(border=True, height="stretch"):
        _health_over_time(snapshot)
    with st.container(border=True):
        _at_stake(snapshot, figures)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _churned(snapshot, figures)
    with right.container(border=True, height="stretch"):
        _saved(snapshot, figures)


def _spread(figures: Figures, metric: str, title: str) -> None:
    st.subheader(title)
    by_status = {row["member"]: row[metric] for row in figures.summary["by"]["health"]}
    total = sum(by_status.values()) or 1
    rows = []
    for status, name in TITLES.items():
        value = by_status.get(status, 0)
        rows.append({"name": name, "value": value, "text": f"{figures.text(metric, value)} · {percent(value / total)}"})
    draw(bars(rows, {TITLES[status]: colour for status, colour in COLOURS.items()}), title)


def _by_tier(figures: Figures) -> None:
    st.subheader("MRR and customers by plan tier")
    rows = _parts(_largest(figures.summary["by"]["plan"]), figures.currency)
    if rows:
        draw(stacked_bars(rows, {"Healthy": GOOD, "At risk": WARN}, money_axis(figures.currency)), "MRR by plan tier")


def _largest(members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the members with the most MRR, and the others as one."""
    ranked = sorted(members, key=lambda member: -member["mrr"])
    shown, rest = ranked[:TIERS_SHOWN], ranked[TIERS_SHOWN:]
    if not rest:
        return shown
    sums = {name: sum(member[name] or 0 for member in rest) for name in ("mrr", "mrr_at_risk", "customers")}
    return [*shown, {"member": f"{len(rest)} others", **sums}]


def _parts(members: list[dict[str, Any]], currency: str) -> list[dict[str, Any]]:
    """Return for each member what is healthy, and what is at risk, of its MRR."""
    rows = []
    for member in members:
        name, at_risk = words(member["member"]) if member["member"] else "No plan", member["mrr_at_risk"] or 0
        text = f"{money(member['mrr'], currency)} · {number(member['customers'])}"
        common = {"name": name, "text": text}
        rows.append({**common, "part": "Healthy", "place": 0, "value": member["mrr"] - at_risk})
        rows.append({**common, "part": "At risk", "place": 1, "value": at_risk})
    return rows


def _movements(figures: Figures) -> None:
    movement = longest_movement(figures)
    st.subheader(f"MRR movements in {movement.days} days" if movement else "MRR movements")
    show_movements(movement, figures)
    link_to("revenue", "Revenue in detail")


def _by_manager(snapshot: Snapshot, figures: Figures) -> None:
    st.subheader("Account managers by MRR at risk")
    managers = account_managers(snapshot)
    if not managers:
        st.caption("There is no customer yet.")
        return
    columns, sign = st.column_config, SYMBOLS.get(figures.currency)
    amount = f"{sign}%,.0f" if sign else "localized"
    rows = [{**each.model_dump(), "am": each.account_manager or NO_MANAGER} for each in managers]
    show_clickable(
        pd.DataFrame(rows, columns=list(MANAGER_COLUMNS)),
        "managers",
        "at_risk",
        [{"account_manager": row["am"]} for row in rows],
        {
            "am": columns.TextColumn("AM", width=100),
            "mrr_at_risk": columns.ProgressColumn(
                "MRR at risk",
                format=amount,
                min_value=0,
                max_value=max([each.mrr_at_risk for each in managers]) or 1,
                color=WARN,
                width=110,
            ),
            "mrr": money_column("MRR", figures.currency, 75),
            "at_risk": columns.NumberColumn("At risk", format="%d", width=60),
            "customers": columns.NumberColumn("Customers", format="%d", width=75),
            "mean_health": columns.NumberColumn("Health", format="%.0f", width=60),
        },
        "MRR at risk, MRR, customers and mean health of each account manager",
        height=table_height(len(managers), 9, 330),
    )
    st.caption("A click opens the customers at risk of an account manager.")


def _health_over_time(snapshot: Snapshot) -> None:
    st.subheader("Health over time")
    values = snapshot.metric("customers", "health")
    rows = [{"day": each.day, "status": each.member, "value": each.value} for each in values if each.member]
    if len({row["day"] for row in rows}) > 1:
        draw(shares(rows, height=300), "Share of customers by health on each day")
    else:
        st.caption("Shown once two days were made.")


def _at_stake(snapshot: Snapshot, figures: Figures) -> None:
    st.subheader("Most MRR at stake")
    page = snapshot.customers(CustomerQuery({"health": AT_RISK}, limit=LISTED))
    if not page.total:
        st.caption("No customer is at risk.")
        return
    columns = ("name", "mrr_reporting", "health_status", "company_name", "assigned_am", "recommended_actions")
    show_customers(page.rows(personal=True), columns, figures.currency, "at_stake", "Customers at risk who pay most")
    link_to("at_risk", f"All {counted(page.total, 'customer')} at risk")


def _churned(snapshot: Snapshot, figures: Figures) -> None:
    left = churned(snapshot, CHURN_DAYS, personal=True, limit=LISTED)
    st.subheader(f"Churned in {CHURN_DAYS} days: {left.total:,}")
    show_churned(left, figures.currency, "churned", IN_SHORT)
    link_to("changes", "All who left", {"days": str(CHURN_DAYS)})


def _saved(snapshot: Snapshot, figures: Figures) -> None:
    saved = orjson.loads(snapshot.fact("saved"))
    st.subheader(f"Saved in {saved['days']} days: {saved['customers']:,}")
    st.markdown(saved_sentence(saved, figures.currency))
    if rows := rows_of(snapshot, [each["customer_id"] for each in saved["listed"][:LISTED]]):
        columns = ("name", "mrr_reporting", "health_score", "assigned_am")
        show_customers(rows, columns, figures.currency, "saved", "Customers who were saved")
        link_to("changes", "All who were saved", {"days": str(CHURN_DAYS)})


PAGE = Page("overview", "Overview", ":material/dashboard:", 10, show)
