"""Actions on the page of data health: what the platform does by itself for customers at risk, and how often."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import ago
from gtm_platform.serving.wording import words
from gtm_platform.settings import settings

STATES = {"On": "#bfe3d0", "Dry": "#f5d477", "Off": "#e7e7e4"}


def show_actions(fact: Mapping[str, Any]) -> None:
    """Draw a row for each action of the policy."""
    st.subheader("Actions", anchor=False)
    if not fact["actions"]:
        st.caption("The policy has none: [[actions.rules]] says what may be done for customers at risk.")
        return
    columns = st.column_config
    show_rows(
        [_row(action) for action in fact["actions"]],
        {
            "action": columns.TextColumn("Action", width=190),
            "does": columns.TextColumn("Does", width=200),
            "state": columns.MultiselectColumn("State", options=list(STATES), color=list(STATES.values()), width=70),
            "standing": columns.NumberColumn("Stands for", width=85),
            "done": columns.NumberColumn("Done in 30 days", width=115),
            "refused": columns.NumberColumn("Refused", width=75),
            "undone": columns.NumberColumn("Taken back", width=90),
            "last": columns.TextColumn("Last done", width=110),
            "about": columns.TextColumn("Why it is not on", width=330),
        },
        "What the platform does by itself for customers at risk, and how often",
    )


def _row(action: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "action": words(action["rule"]),
        "does": f"{words(action['does'])}: {action['text']}",
        "state": [action["state"].capitalize()],
        **{name: action[name] for name in ("standing", "done", "refused", "undone", "about")},
        "last": ago(action["last_at"], settings().now()) if action["last_at"] else None,
    }
