"""Canaries on the page of data health: which stages saw in time what these synthetic customers did."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import ago
from gtm_platform.serving.wording import words
from gtm_platform.settings import settings

STATES = {"Works": "#bfe3d0", "Failed": "#f7c5c5", "Waiting": "#e7e7e4"}


def show_canaries(fact: Mapping[str, Any]) -> None:
    """Draw a row for each stage, with what it did not see in time."""
    st.subheader("Canaries", anchor=False)
    if not fact["stages"]:
        st.caption("There are none: the policy's [canaries] names a domain for them. `gtm canary` says what they are.")
        return
    for stage in fact["stages"]:
        if stage["failed"]:
            st.warning(f"{words(stage['stage'])}: {stage['failed']}", icon=":material/notification_important:")
    columns = st.column_config
    show_rows(
        [_row(stage, fact["acts"]) for stage in fact["stages"]],
        {
            "stage": columns.TextColumn("Stage", width=110),
            "state": columns.MultiselectColumn("State", options=list(STATES), color=list(STATES.values()), width=80),
            "about": columns.TextColumn("What canaries do has to be", width=330),
            "last": columns.TextColumn("Last seen", width=110),
            "seen": columns.NumberColumn("Seen lately", width=95),
            "waiting": columns.NumberColumn("Waiting", width=80),
        },
        "The stages through which canaries go, and when each saw one last",
    )


def _row(stage: Mapping[str, Any], acts: list[Mapping[str, Any]]) -> dict[str, Any]:
    states = [act["stages"].get(stage["stage"]) for act in acts]
    state = "Failed" if stage["failed"] else "Works" if stage["seen_at"] else "Waiting"
    return {
        "stage": words(stage["stage"]),
        "state": [state],
        "about": stage["about"],
        "last": ago(stage["seen_at"], settings().now()) if stage["seen_at"] else None,
        "seen": sum(each in ("seen", "seen_late") for each in states),
        "waiting": states.count("waiting"),
    }
