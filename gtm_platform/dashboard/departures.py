"""Who left, as a table: what they paid, how they stood, and how long there had been a warning."""

from typing import Any

import streamlit as st

from gtm_platform.dashboard.customer_table import show_customers
from gtm_platform.dashboard.wording import money, plain
from gtm_platform.serving.answers.churned import Churned, Departure
from gtm_platform.serving.wording import counted

COLUMNS = ("name", "churned_at", "mrr_before", "warning", "last_status", "churn_reason", "assigned_am")


def show_churned(churned: Churned, currency: str, key: str) -> None:
    """Draw who left, and for how many there had been a warning."""
    if not churned.total:
        st.caption("Nobody left.")
        return
    total, foreseen = churned.total, churned.foreseen
    st.markdown(
        f"They paid **{plain(money(churned.total_mrr, currency))}**; {foreseen:,} of {total:,} had been flagged before."
    )
    rows = [_row(departure, row) for departure, row in churned.listed()]
    show_customers(rows, COLUMNS, currency, key, "Who left, the latest first")
    if len(rows) < total:
        st.caption(f"The latest {counted(len(rows), 'customer')} of {total:,}.")


def _row(departure: Departure, row: dict[str, Any]) -> dict[str, Any]:
    days = departure.days_of_warning
    return {
        **row,
        "mrr_before": departure.mrr_before,
        "last_status": departure.health_status,
        "warning": counted(days, "day") if departure.flagged_since else "none",
    }
