"""What reading the sources costs, on the page of data health, beside what others take for it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gtm_platform.dashboard.tables import show_rows
from gtm_platform.serving.wording import words


def show_costs(fact: Mapping[str, Any], titles: Mapping[str, str]) -> None:
    """Draw what each source took this month, by its title, and the sum beside the prices of the policy."""
    st.subheader("Cost of reading", anchor=False)
    if not fact["sources"]:
        st.caption("Nothing was counted this month yet.")
        return
    currency = fact["currency"].upper()
    st.caption(f"{fact['cost']:,.2f} {currency} since {fact['since']}; at this pace {fact['a_month']:,.2f} a month.")
    columns = st.column_config
    show_rows(
        [{**row, "source": titles.get(row["source"], words(row["source"]))} for row in fact["sources"]],
        {
            "source": columns.TextColumn("Source", width=140),
            "runs": columns.NumberColumn("Runs", width=70),
            "calls": columns.NumberColumn("Calls", width=90),
            "records": columns.NumberColumn("Records", width=90),
            "minutes": columns.NumberColumn("Minutes", format="%.1f", width=80),
            "credits": columns.NumberColumn("Credits", width=80),
            "stored_mb": columns.NumberColumn("MB stored", format="%.1f", width=90),
            "cost": columns.NumberColumn(f"Cost, {currency}", format="%.2f", width=90),
        },
        "What each source took this month",
    )
    for tier in fact["tiers"]:
        prices = dict.fromkeys(f"{tier[end]:,.0f}" for end in ("least", "most"))
        st.caption(f"{words(tier['name'])}, {' to '.join(prices)} {currency} a month: {tier['about']}")
