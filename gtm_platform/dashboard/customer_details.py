"""The columns of a customer, a domain at a time, each with its meaning; what is empty is left out."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from gtm_platform.dashboard.wording import moment
from gtm_platform.serving.snapshot.layout import SHOWN
from gtm_platform.serving.wording import words
from gtm_platform.unified.customers import DOMAINS

SCORE = ("match_confidence", "completeness_score", "data_quality_score")


def show_details(row: Mapping[str, Any]) -> None:
    """Draw one of the domains, the ids or the quality: the browser takes long to draw all."""
    domains = {words(name): list(columns) for name, columns in DOMAINS.items()}
    syncs = [name for name in SHOWN if name.endswith("_sync")]
    ids = [name for name in SHOWN if name.endswith(("_id", "_uuid", "_ids")) or name == "all_emails"]
    tabs = {**domains, "Ids": ids, "Quality": [*SCORE, *syncs]}
    chosen = st.segmented_control(
        "Details", list(tabs), default=next(iter(tabs)), required=True, key="details", label_visibility="collapsed"
    )
    _show_fields(row, tabs[chosen])


def _show_fields(row: Mapping[str, Any], names: Iterable[str]) -> None:
    filled = [(name, row[name]) for name in names if name in SHOWN and row.get(name) not in (None, [], "")]
    if not filled:
        st.caption("Nothing is known.")
        return
    st.dataframe(
        pd.DataFrame(
            [
                {"Field": words(name), "Value": _text(name, value), "Meaning": SHOWN[name].about}
                for name, value in filled
            ]
        ),
        hide_index=True,
        height="content",
        column_config={
            "Field": st.column_config.TextColumn(width=160),
            "Value": st.column_config.TextColumn(width=220),
        },
        alt="Fields with their values and meanings",
    )


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if "timestamp" in SHOWN[name].type:
        return moment(value)
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
