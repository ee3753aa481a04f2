"""Webhooks on the page of data health: who is sent what, whether it arrives, and what was given up."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import moment
from gtm_platform.serving.wording import counted, small_words, words

STATES = {"Active": "#bfe3d0", "Failing": "#f5d477", "Paused": "#e7e7e4", "Off": "#f7c5c5"}


def show_triggers(triggers: Mapping[str, Any]) -> None:
    """Draw a row for each subscription, and below it what was given up."""
    st.subheader("Webhooks to others", anchor=False)
    subscribed = triggers["subscriptions"]
    if not subscribed:
        st.caption("Nobody has subscribed to changes: `gtm trigger add` does.")
        return
    for each in subscribed:
        if each["status"] == "off":
            st.warning(f"{each['receiver']} is off. {each['why']}", icon=":material/link_off:")
    columns = st.column_config
    show_rows(
        [_row(each) for each in subscribed],
        {
            "receiver": columns.TextColumn("Receiver", width=200),
            "state": columns.MultiselectColumn("State", options=list(STATES), color=list(STATES.values()), width=80),
            "asks": columns.TextColumn("Asks for", width=330),
            "delivered": columns.NumberColumn("Delivered", width=85),
            "waiting": columns.NumberColumn("Waiting", width=75),
            "dead": columns.NumberColumn("Given up", width=80),
            "last": columns.TextColumn("Last taken", width=170),
            "id": columns.TextColumn("Subscription", width=160),
        },
        "Subscriptions to changes, and what became of their messages",
    )
    _show_dead(subscribed)


def _row(subscription: Mapping[str, Any]) -> dict[str, Any]:
    filters = [f"{small_words(name)} {' or '.join(values)}" for name, values in subscription["filters"].items()]
    failing = subscription["failing_since"] and subscription["status"] == "active"
    delivered_at = subscription["delivered_at"]
    return {
        "receiver": subscription["receiver"],
        "state": ["Failing" if failing else words(subscription["status"])],
        "asks": "; ".join([", ".join(small_words(kind) for kind in subscription["kinds"]), *filters]),
        "delivered": subscription["delivered"],
        "waiting": subscription["waiting"],
        "dead": subscription["dead"],
        "last": moment(delivered_at) if delivered_at else None,
        "id": subscription["id"],
    }


def _show_dead(subscribed: list[dict[str, Any]]) -> None:
    """List what is tried no more, with the command that sends it again."""
    rows = [
        {"subscription": each["id"], "type": letter["type"], "subject": letter["subject_id"], "day": letter["day"],
         "attempts": letter["attempts"], "error": letter["error"]}
        for each in subscribed
        for letter in each["dead_letters"]
    ]  # fmt: skip
    if not rows:
        return
    dead = sum(each["dead"] for each in subscribed)
    st.markdown(f":red[{counted(dead, 'message')} given up.] `gtm trigger replay SUBSCRIPTION` sends them again.")
    columns = st.column_config
    show_rows(
        rows,
        {
            "subscription": columns.TextColumn("Subscription", width=160),
            "type": columns.TextColumn("Type", width=140),
            "subject": columns.TextColumn("About", width=120),
            "day": columns.TextColumn("Day", width=95),
            "attempts": columns.NumberColumn("Attempts", width=80),
            "error": columns.TextColumn("Why", width=480),
        },
        "Messages that are tried no more, and why",
    )
