"""The hot path on the page of data health: whether it follows webhooks, how soon it delivers, where the time goes."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gtm_platform.dashboard.metric_cards import card_row, plain_card
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import ago, number, plain
from gtm_platform.serving.wording import words
from gtm_platform.settings import settings


def show_hot_path(fact: Mapping[str, Any]) -> None:
    """Draw how the hot path stood when the figures were made."""
    st.subheader("Hot path", anchor=False)
    hot = fact.get("hot_path")
    if not hot:
        st.caption("The figures were made before it was shown here.")
        return
    if hot["is_stopped"]:
        st.error(plain(hot["about"]), icon=":material/block:")
    else:
        st.caption(plain(hot["about"]))
    if hot["runs"]:
        _cards(hot)
        _stages(hot)
    for sentence in (hot["process"] and f"It is {hot['process']}.", hot["last_run"], hot["comparison"]):
        if sentence:
            st.caption(plain(sentence))


def _cards(hot: Mapping[str, Any]) -> None:
    now = settings().now()
    state = "Stopped" if hot["is_stopped"] else "On" if hot["is_on"] and hot["is_running"] else "Off"
    cards = {
        "State": (state, "When the figures were made."),
        "Half within": (f"{number(hot['p50_seconds'], 1)} s", "From the first event to what was read back, in 7 days."),
        "99 % within": (f"{number(hot['p99_seconds'], 1)} s", "The same, of nearly all."),
        "Values delivered": (f"{hot['fields']:,}", f"By {hot['delivered']:,} of {hot['runs']:,} runs."),
        "Waiting events": (f"{hot['waiting']:,}", "Not followed yet when the figures were made."),
        "Last run": (ago(hot["last_run_at"], now), "Of the newest events."),
    }
    with card_row():
        for title, (value, about) in cards.items():
            plain_card(title, value, about)


def _stages(hot: Mapping[str, Any]) -> None:
    rows = [{"what": f"Stage: {words(name)}", "number": f"{seconds:.2f} s"} for name, seconds in hot["stages"].items()]
    left = sorted(hot["left"].items(), key=lambda item: -item[1])
    rows += [{"what": f"Left to the daily tables: {words(cause)}", "number": f"{count:,}"} for cause, count in left]
    columns = st.column_config
    show_rows(
        rows,
        {"what": columns.TextColumn("Where the time goes, and what is left", width=420),
         "number": columns.TextColumn("Mean, or how many", width=130)},
        "Seconds of each stage, and what was left to the daily tables, by cause",
    )  # fmt: skip
