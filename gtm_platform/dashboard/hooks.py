"""Webhooks on the page of data health: which are on, when each came last, what is wrong."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import ago
from gtm_platform.settings import settings

STATES = {"On": "#bfe3d0", "Silent": "#f5d477", "Refused": "#f7c5c5", "Off": "#e7e7e4"}


def show_hooks(fact: Mapping[str, Any]) -> None:
    """Draw the webhooks, those with which something is wrong first, those that are off last."""
    st.subheader("Webhooks", anchor=False)
    hooks = sorted(fact["hooks"], key=lambda hook: (not hook["trouble"], not hook["is_on"], hook["name"]))
    if not any(hook["is_on"] for hook in hooks):
        st.caption("None is on: sources are read by their schedules. `gtm hooks` says how one is switched on.")
        return
    for hook in hooks:
        if hook["trouble"]:
            st.warning(f"{hook['title']}: {hook['about']}", icon=":material/webhook:")
    columns = st.column_config
    show_rows(
        [_row(hook) for hook in hooks],
        {
            "hook": columns.TextColumn("Webhook", width=120),
            "state": columns.MultiselectColumn("State", options=list(STATES), color=list(STATES.values()), width=80),
            "last": columns.TextColumn("Last event", width=110),
            "accepted": columns.NumberColumn("Events in 14 days", width=125),
            "duplicates": columns.NumberColumn("Repeated", width=80),
            "refused": columns.NumberColumn("Refused", width=80),
            "waiting": columns.NumberColumn("Waiting", width=80),
            "about": columns.TextColumn("What it says", width=400),
        },
        "Each webhook, when it came last, and what was refused",
    )


def _row(hook: Mapping[str, Any]) -> dict[str, Any]:
    state = {"refused": "Refused", "silent": "Silent"}.get(hook["trouble"], "On" if hook["is_on"] else "Off")
    return {
        "hook": hook["title"],
        "state": [state],
        "last": ago(hook["last_event_at"], settings().now()) if hook["last_event_at"] else None,
        **{name: hook[name] for name in ("accepted", "duplicates", "refused", "waiting", "about")},
    }
