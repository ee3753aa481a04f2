"""What is unusual in tables, for the page of data health: odd daily figures with their line, and changed fields."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gtm_platform.dashboard.links import asset_link
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import moment
from gtm_platform.serving.wording import counted

KINDS = {"Spike": "#f5d477", "Drop": "#f5d477", "Missing": "#f7c5c5"}
CHANGES = {"New field": "#cfd8f7", "Changed type": "#f5d477", "Vanished field": "#f7c5c5"}


def show_odd_figures(anomalies: Mapping[str, Any]) -> None:
    """Draw the figures that are odd now, and in an expander those of the last days."""
    st.subheader("Odd figures", anchor=False)
    if not anomalies["judged_day"]:
        st.caption("No day was judged yet.")
        return
    now = [figure for figure in anomalies["figures"] if figure["is_now"]]
    past = [figure for figure in anomalies["figures"] if not figure["is_now"]]
    if now:
        _figure_table(now, "Figures that are odd now")
    else:
        st.markdown(":green[:material/check_circle:] Every daily figure is like those of the weeks before.")
    if past:
        with st.expander(f"{counted(len(past), 'figure')} of the last {anomalies['days']} days"):
            _figure_table(past, "Figures that were odd")


def _figure_table(figures: list[dict[str, Any]], about: str) -> None:
    columns = st.column_config
    show_rows(
        [
            {
                "table": figure["table"],
                "metric": figure["metric"],
                "kind": [figure["kind"].capitalize()],
                "day": figure["day"],
                "value": figure["value"],
                "expected": figure["expected"],
                "change": figure["change"],
                "history": [value for value in figure["history"] if value is not None],
                "since": figure["since"],
                "page": asset_link(figure["table"]),
            }
            for figure in figures
        ],
        {
            "table": columns.TextColumn("Table", width=170),
            "metric": columns.TextColumn("Figure", width=170),
            "kind": columns.MultiselectColumn("Kind", options=list(KINDS), color=list(KINDS.values()), width=80),
            "day": columns.TextColumn("Day", width=90),
            "value": columns.NumberColumn("Is", format="compact", width=70),
            "expected": columns.NumberColumn("Expected", format="compact", width=80),
            "change": columns.NumberColumn("Differs by", format="percent", width=80),
            "history": columns.LineChartColumn("8 weeks", width=180),
            "since": columns.TextColumn("Since", width=90),
            "page": columns.LinkColumn("Dagster", display_text="open", width=70),
        },
        about,
    )


def show_schema_changes(changes: Mapping[str, Any]) -> None:
    """Draw the fields that sources send otherwise than before, the open ones first."""
    st.subheader("Changed fields", anchor=False)
    if not changes["changes"]:
        st.markdown(":green[:material/check_circle:] Sources send the fields that they always sent.")
        return
    columns = st.column_config
    show_rows(
        [_change_row(change) for change in changes["changes"]],
        {
            "table": columns.TextColumn("Table", width=170),
            "field": columns.TextColumn("Field", width=220),
            "kind": columns.MultiselectColumn("What", options=list(CHANGES), color=list(CHANGES.values()), width=120),
            "before": columns.TextColumn("Was", width=100),
            "now": columns.TextColumn("Is", width=100),
            "first_seen": columns.TextColumn("First seen", width=170),
            "state": columns.TextColumn("State", width=110),
        },
        "Fields that sources send otherwise than before",
    )
    st.caption(f"Each is warned of for {changes['days']} days, or until `gtm schema acknowledge`.")


def _change_row(change: Mapping[str, Any]) -> dict[str, Any]:
    state = "Open" if change["is_open"] else "Acknowledged" if change["acknowledged_at"] else "Over"
    return {
        "table": change["table"],
        "field": change["field"],
        "kind": [change["kind"].capitalize()],
        "before": change["type_before"],
        "now": change["type_now"],
        "first_seen": moment(change["first_seen"]),
        "state": state,
    }
