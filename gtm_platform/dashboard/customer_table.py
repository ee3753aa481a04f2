"""Customers as a table: a click on a row opens the customer."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from gtm_platform.dashboard.charts import ACCENT
from gtm_platform.dashboard.frame.page import Query, on_row
from gtm_platform.dashboard.status import AT_RISK, CHIPS, SHOWN_TITLES
from gtm_platform.dashboard.tables import table_height
from gtm_platform.serving.store import Page as Customers
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import NOTHING, SYMBOLS, small_words, words

Row = Mapping[str, Any]
# The columns by their names in the store: a title, and a width.
COLUMNS = {
    "name": ("Customer", 130),
    "company_name": ("Company", 125),
    "mrr_reporting": ("MRR", 75),
    "health_status": ("Status", 90),
    "health_score": ("Health", 60),
    "score_change_7d": ("7 days", 60),
    "churn_risk": ("Churn risk", 85),
    "risk_signals": ("Why", 215),
    "recommended_actions": ("Do next", 350),
    "assigned_am": ("AM", 110),
    "plan_tier": ("Plan", 90),
    "customer_status": ("Subscription", 95),
    "churned_at": ("Left", 100),
    "churn_reason": ("Why", 260),
    "mrr_before": ("Paid", 75),
    "last_status": ("Last status", 95),
    "warning": ("Warning", 80),
    "was": ("Was", 95),
    "last_seen_at": ("Last seen", 100),
}

# Of who is at risk by the sum of several parts of the score, without a signal.
WITHOUT_CAUSE, LOOK_CLOSER = "no_single_cause", "See which parts of the score are low: there is no single cause."


def money_column(title: str, currency: str, width: int | None = None, signed: bool = False) -> Any:
    """Return the configuration of a column of amounts; of signed ones the title has the symbol."""
    symbol = SYMBOLS.get(currency, "")
    if signed and symbol:
        return st.column_config.NumberColumn(f"{title}, {symbol}", format="%,.0f", width=width)
    return st.column_config.NumberColumn(title, format=f"{symbol}%,.0f" if symbol else "localized", width=width)


def show_customers(rows: Sequence[Row], columns: Sequence[str], currency: str, key: str, about: str) -> None:
    """Draw the table; `about` says what it lists to who cannot see it."""
    show_clickable(
        as_frame(rows, columns),
        key,
        "customer",
        [{"id": row["customer_id"]} for row in rows],
        {name: _configuration(name, currency) for name in columns},
        about,
    )


def show_clickable(
    frame: pd.DataFrame,
    key: str,
    page: str | Sequence[str],
    queries: Sequence[Query],
    columns: Mapping[str, Any],
    about: str,
    height: Literal["content"] | int | None = None,
) -> None:
    """Draw a table; a click on a row opens its page with its query. `about` is for who cannot see it."""
    st.dataframe(
        clickable(frame),
        key=key,
        on_select=on_row(key, page, queries),
        selection_mode="single-cell",
        hide_index=True,
        placeholder=NOTHING,
        height=height or table_height(len(frame)),
        column_config=columns,
        alt=about,
    )


def clickable(frame: pd.DataFrame) -> Styler:
    """Return a table whose first column looks like the link that a click on its rows is."""
    return frame.style.set_properties(subset=[frame.columns[0]], color=ACCENT)


def as_frame(rows: Sequence[Row], columns: Sequence[str]) -> pd.DataFrame:
    """Return the rows as they are shown."""
    return pd.DataFrame([{name: _shown(name, row) for name in columns} for row in rows], columns=list(columns))


def _shown(name: str, row: Row) -> Any:
    value = row.get(name)
    if name == "name":
        return value or row.get("email") or row["customer_id"]
    if name in ("health_status", "last_status"):
        return [SHOWN_TITLES[value]] if value else []
    is_at_risk = row.get("health_status") in AT_RISK
    if name == "risk_signals":
        return [small_words(signal) for signal in value or ([WITHOUT_CAUSE] if is_at_risk else [])]
    if name == "recommended_actions":
        return value[0] if value else LOOK_CLOSER if is_at_risk else None
    if name in ("customer_status", "plan_tier", "churn_reason", "was"):
        return words(value) if value else None
    if name.endswith("_at"):
        return pd.Timestamp(value) if value else pd.NaT
    return value


def _configuration(name: str, currency: str) -> Any:
    title, width = COLUMNS[name]
    columns = st.column_config
    if name in ("mrr_reporting", "mrr_before"):
        return money_column(title, currency, width)
    if name in ("health_status", "last_status"):
        return columns.MultiselectColumn(
            title, width=width, options=list(SHOWN_TITLES.values()), color=list(CHIPS.values())
        )
    if name == "risk_signals":
        return columns.ListColumn(title, width=width)
    if name == "score_change_7d":
        return columns.NumberColumn(title, width=width, format="%+d")
    if name == "churn_risk":
        return columns.NumberColumn(title, width=width, format="%d %%")
    if name.endswith("_at"):
        return columns.DateColumn(title, width=width, format="D MMM YYYY")
    if name == "health_score":
        return columns.NumberColumn(title, width=width, format="%d")
    return columns.TextColumn(title, width=width)


def show_total(page: Customers, what: str, money_text: str, rest_is: str = "; the download has all") -> None:
    """Say how many customers a list has, and that it is cut off where it is."""
    shown = len(page.documents)
    rest = f", of which the first {shown:,} are shown{rest_is}" if page.total > shown else ""
    st.markdown(f"**{page.total:,} {what}** with **{money_text}** MRR{rest}")


def rows_of(snapshot: Snapshot, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of some customers, in this order."""
    customers = [snapshot.customer(id) for id in ids]
    return [customer.row(personal=True) for customer in customers if customer]
