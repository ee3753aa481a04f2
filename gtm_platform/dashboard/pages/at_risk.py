"""Who is at risk, why, and what to do; every filter is part of the address, so that a list can be sent as a link."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import streamlit as st

from gtm_platform.dashboard.customer_table import show_customers, show_total
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.frame.visitor import noted_later
from gtm_platform.dashboard.metric_cards import Figures
from gtm_platform.dashboard.status import AT_RISK, TITLES
from gtm_platform.dashboard.wording import money, plain
from gtm_platform.serving.csv_file import as_csv
from gtm_platform.serving.store import CustomerQuery, Snapshot
from gtm_platform.serving.wording import COHORT_NAMES, words

SHOWN = 1_000
NONE = "None"  # in the address, for customers without an account manager or plan
SORTS = {
    "-mrr": "Most MRR",
    "-churn_risk": "Highest churn risk",
    "health_score": "Lowest health",
    "score_change_7d": "Fell most in 7 days",
}
COLUMNS = (
    "name",
    "mrr_reporting",
    "health_status",
    "health_score",
    "score_change_7d",
    "assigned_am",
    "risk_signals",
    "recommended_actions",
    "company_name",
    "churn_risk",
    "plan_tier",
)
EXPORTED = (*COLUMNS, "email", "country", "currency", "mrr", "last_seen_at", "current_period_end", "customer_id")


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("At risk")
    figures = Figures(snapshot)
    filters, sort = _filters(snapshot, figures)
    query = CustomerQuery(filters, sort=sort, limit=SHOWN)
    page = snapshot.customers(query)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        show_total(page, "customers" if page.total != 1 else "customer", plain(money(page.total_mrr, figures.currency)))
        st.download_button(
            "Download CSV",
            data=noted_later("at_risk download", lambda: as_csv(EXPORTED, every_row(snapshot, filters, sort))),
            file_name=f"at-risk-{snapshot.as_of}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            disabled=not page.total,
        )
    if not page.total:
        st.info("No customer is at risk in this selection.", icon=":material/check_circle:")
        return
    show_customers(page.rows(personal=True), COLUMNS, figures.currency, "list", "Customers at risk")
    st.caption("A click on a row opens the customer. The address of this page has the filters: send it as a link.")


def _filters(snapshot: Snapshot, figures: Figures) -> tuple[Mapping[str, Sequence[Any]], str]:
    """Draw the filters; return what they narrow the list to, and how it is sorted."""
    managers = [*snapshot.members("account_manager"), NONE]
    plans = [*snapshot.members("plan"), NONE]
    signals = [row["signal"] for row in figures.summary["signals"]]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        health = st.pills(
            "Health",
            AT_RISK,
            selection_mode="multi",
            default=AT_RISK,
            format_func=TITLES.__getitem__,
            key="health",
            bind="query-params",
        )
        chosen = {
            "account_manager": _choice("Account manager", managers, "account_manager"),
            "plan": _choice("Plan", plans, "plan", words),
            "cohort": _choice("Cohort", list(COHORT_NAMES), "cohort", COHORT_NAMES.__getitem__),
            "signal": _choice("Reason", signals, "signal", words),
        }
        least = st.number_input("MRR from", 0, value=0, step=100, key="mrr_min", bind="query-params", width=105)
        sort = st.selectbox(
            "Sort", list(SORTS), format_func=SORTS.__getitem__, key="sort", bind="query-params", width=145
        )
    filters: dict[str, Sequence[Any]] = {"health": health or AT_RISK}
    filters |= {name: ["" if value == NONE else value for value in values] for name, values in chosen.items()}
    if least:
        filters["mrr_min"] = [float(least)]
    return filters, sort


def _choice(title: str, options: Sequence[str], key: str, name: Any = str) -> list[str]:
    return st.multiselect(title, options, format_func=name, key=key, bind="query-params", placeholder="All", width=125)


def every_row(
    snapshot: Snapshot, filters: Mapping[str, Sequence[Any]], sort: str, page: int = SHOWN
) -> Iterator[dict[str, Any]]:
    """Yield all customers of a list, page after page of one snapshot."""
    cursor: str | None = None
    while True:
        customers = snapshot.customers(CustomerQuery(filters, sort=sort, limit=page, cursor=cursor))
        yield from customers.rows(personal=True)
        cursor = customers.next_cursor
        if cursor is None:
            return


PAGE = Page("at_risk", "At risk", ":material/warning:", 20, show)
