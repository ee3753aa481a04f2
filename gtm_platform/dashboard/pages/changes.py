"""What changed since last week, or last month: figures, scores that fell, who left, who was saved."""

from typing import Any

import orjson
import streamlit as st

from gtm_platform.dashboard.customer_table import rows_of, show_customers
from gtm_platform.dashboard.departures import show_churned
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import Figures, cards
from gtm_platform.dashboard.movements import show_movements
from gtm_platform.dashboard.wording import money, plain
from gtm_platform.serving.answers.changes import Changes, changes
from gtm_platform.serving.metrics.metric import WINDOWS
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import counted

CARDS = ("customers", "mrr", "mrr_at_risk", "mean_health", "at_risk")
LISTED = 50
FELL = ("name", "score_change_7d", "health_status", "health_score", "mrr_reporting", "risk_signals", "assigned_am")
SAVED = ("name", "mrr_reporting", "health_score", "was", "assigned_am")


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("What changed")
    figures = Figures(snapshot)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.segmented_control(
            "Over",
            list(WINDOWS),
            default=min(WINDOWS),
            required=True,
            format_func="{} days".format,
            key="days",
            bind="query-params",
        )
        manager = st.selectbox(
            "Account manager",
            snapshot.members("account_manager"),
            index=None,
            key="account_manager",
            bind="query-params",
            placeholder="All",
            width=220,
        )
    moved = changes(snapshot, days, personal=True, account_manager=manager, limit=LISTED)
    cards(figures, CARDS, days)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.subheader(f"MRR movements in {days} days", anchor=False)
        show_movements(moved.mrr, figures)
    with right.container(border=True, height="stretch"):
        _fell(moved)
    with st.container(border=True):
        st.subheader(f"Churned in {days} days: {moved.churned.total:,}", anchor=False)
        show_churned(moved.churned, moved.currency, "churned")
    with st.container(border=True):
        _saved(snapshot, moved.currency)


def _fell(moved: Changes) -> None:
    st.subheader(f"Scores that fell in 7 days: {moved.fell.total:,}", anchor=False)
    if not moved.fell.total:
        st.caption("No score fell much.")
        return
    show_customers(moved.fell.rows(personal=True), FELL, moved.currency, "fell", "Customers whose score fell most")
    if moved.fell.total > LISTED:
        st.caption(f"The {LISTED} that fell most.")


def _saved(snapshot: Snapshot, currency: str) -> None:
    """List who was about to leave and is healthy again."""
    saved = orjson.loads(snapshot.fact("saved"))
    st.subheader(f"Saved in {saved['days']} days: {saved['customers']:,}", anchor=False)
    st.markdown(saved_sentence(saved, currency))
    was: dict[str, Any] = {each["customer_id"]: each["was"] for each in saved["listed"]}
    rows = [{**row, "was": was[row["customer_id"]]} for row in rows_of(snapshot, list(was))]
    if rows:
        show_customers(rows, SAVED, currency, "saved", "Customers who were saved")
    if saved["customers"] > len(rows):
        st.caption(f"The {counted(len(rows), 'customer')} that pay most.")


def saved_sentence(saved: dict[str, Any], currency: str) -> str:
    """Say what saved means, and what the saved pay."""
    pays = f" They pay **{plain(money(saved['mrr'], currency))}**." if saved["customers"] else ""
    return f"Healthy now; were at high risk, critical, or set to end.{pays}"


PAGE = Page("changes", "What changed", ":material/change_history:", 15, show)
