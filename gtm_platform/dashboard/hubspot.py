"""What HubSpot was sent in the last month, for the page of data health: fields that arrived, and why some did not."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import BAD, GOOD, MUTED, WARN, bars, draw
from gtm_platform.dashboard.customer_table import table_height
from gtm_platform.dashboard.wording import day, percent
from gtm_platform.serving.wording import NOTHING, words

OUTCOMES = {
    "written": ("Written", GOOD),
    "held_back": ("Held back", WARN),
    "rejected": ("Rejected", BAD),
    "unknown": ("Not confirmed", MUTED),
}


def show_hubspot(sent: Mapping[str, Any]) -> None:
    """Draw the fields by what became of them, and the reasons for those that are not there."""
    st.subheader("HubSpot", anchor=False)
    if not sent["days"]:
        st.caption("Nothing was written to HubSpot in 30 days.")
        return
    totals = {outcome: sum(each[outcome] for each in sent["days"]) for outcome in OUTCOMES}
    everything = sum(totals.values()) or 1
    rows = [
        {"name": OUTCOMES[outcome][0], "value": fields, "text": f"{fields:,} · {percent(fields / everything, 1)}"}
        for outcome, fields in totals.items()
    ]
    draw(bars(rows, dict(OUTCOMES.values())), "Fields for HubSpot by what became of them")
    st.caption(f"Fields that were to change since {day(sent['days'][0]['day'])}.")
    if sent["reasons"]:
        _show_reasons(sent["reasons"])


def _show_reasons(reasons: list[dict[str, Any]]) -> None:
    columns = st.column_config
    st.dataframe(
        pd.DataFrame([{**reason, "outcome": OUTCOMES[reason["outcome"]][0]} for reason in reasons])
        .assign(object_type=lambda frame: frame["object_type"].map(words))
        .loc[:, ["reason", "fields", "outcome", "object_type"]],
        hide_index=True,
        placeholder=NOTHING,
        height=table_height(len(reasons), 9, 330),
        column_config={
            "reason": columns.TextColumn("Why not", width=255),
            "fields": columns.NumberColumn("Fields", width=65),
            "outcome": columns.TextColumn("Outcome", width=95),
            "object_type": columns.TextColumn("Of", width=85),
        },
        alt="Why fields are not in HubSpot",
    )
