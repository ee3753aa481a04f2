"""Who left, as a table: what they paid, how they stood, and how long there had been a warning."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from gtm_platform.dashboard.customer_table import show_customers
from gtm_platform.dashboard.wording import money, plain
from gtm_platform.serving.answers.churned import Churned, Departure
from gtm_platform.serving.wording import counted

COLUMNS = ("name", "churned_at", "mrr_before", "warning", "last_status", "churn_reason", "assigned_am")
IN_SHORT = ("name", "churned_at", "mrr_before", "warning")  # where there is no more room


def show_churned(churned: Churned, currency: str, key: str, columns: Sequence[str] = COLUMNS) -> None:
    """Draw who left, and for how many there had been a warning."""
    if not churned.total:
        st.caption("Nobody left.")
        return
    st.markdown(_sentence(churned, currency))
    rows = [_row(departure, row) for departure, row in churned.listed()]
    show_customers(rows, columns, currency, key, "Who left, the latest first")
    if len(rows) < churned.total:
        st.caption(f"The latest {counted(len(rows), 'customer')} of {churned.total:,}.")


def _sentence(churned: Churned, currency: str) -> str:
    earlier = churned.total - churned.watched
    if not churned.watched:
        return "All of them left before the first day that is shown."
    unknown = f" {earlier:,} left before the first day that is shown." if earlier else ""
    paid = plain(money(churned.total_mrr, currency))
    return f"{churned.watched:,} of them paid **{paid}**, and {churned.foreseen:,} had been flagged before.{unknown}"


def _row(departure: Departure, row: dict[str, Any]) -> dict[str, Any]:
    days = departure.days_of_warning
    return {
        **row,
        "mrr_before": departure.mrr_before,
        "last_status": departure.health_status,
        "warning": counted(days, "day") if departure.flagged_since else "none" if departure.last_day else "unknown",
    }
