"""HubSpot on the page of data health: how much is true there, what it was sent in a month, and why some is missing."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import BAD, GOOD, MUTED, WARN, bars, draw
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import day, percent
from gtm_platform.serving.snapshot.facts.hubspot import AUTHORS
from gtm_platform.serving.wording import words

OUTCOMES = {
    "written": ("Written", GOOD),
    "held_back": ("Held back", WARN),
    "rejected": ("Rejected", BAD),
    "unknown": ("Not confirmed", MUTED),
}


def show_hubspot(sent: Mapping[str, Any]) -> None:
    """Draw the fields by what became of them, and the reasons for those that are not there."""
    st.subheader("HubSpot", anchor=False)
    _show_truth(sent["truth"], sent["objective"])
    _show_stopped(sent["deliveries"])
    _show_not_created(sent["deliveries"])
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


def _show_stopped(deliveries: list[dict[str, Any]]) -> None:
    """Say which deliveries wait for consent, with the command that gives it."""
    for delivery in deliveries:
        if delivery["stopped"] and not delivery["approved"]:
            st.warning(f"Stopped: {delivery['why']}", icon=":material/front_hand:")


def _show_not_created(deliveries: list[dict[str, Any]]) -> None:
    """List what is not created in HubSpot before a person decides."""
    rows = [
        {"of": words(delivery["object_type"]), "record": each["record_id"], "reason": each["reason"]}
        for delivery in deliveries
        for each in delivery["not_created"]
    ]
    if not rows:
        return
    st.caption(f"Held back: {len(rows):,} that HubSpot lacks are not created before a person decides.")
    columns = st.column_config
    show_rows(
        rows,
        {
            "of": columns.TextColumn("Of", width=85),
            "record": columns.TextColumn("Our record", width=110),
            "reason": columns.TextColumn("Why not created", width=305),
        },
        "What is not created in HubSpot, and why",
    )


def _show_truth(truth: list[dict[str, Any]], objective: float) -> None:
    """Say how much of what is wanted is true, day by day, and who changed the rest on the newest day."""
    if not truth:
        return
    days = sorted({row["day"] for row in truth})
    shares = [_share([row for row in truth if row["day"] == each]) for each in days]
    newest, share = [row for row in truth if row["day"] == days[-1]], shares[-1]
    enough = share is not None and share >= objective
    st.metric(
        "Of the wanted values true in HubSpot",
        percent(share, 2),
        "as the policy asks" if enough else f"the policy asks for {percent(objective, 1)}",
        delta_color="normal" if enough else "inverse",
        delta_arrow="off",
        chart_data=[value for value in shares if value is not None],
    )
    st.caption(_who_changed(newest, days[-1]))


def _share(rows: list[dict[str, Any]]) -> float | None:
    wanted = sum(row["wanted"] for row in rows)
    return sum(row["true_values"] + row["healed_values"] for row in rows) / wanted if wanted else None


def _who_changed(rows: list[dict[str, Any]], newest: str) -> str:
    """Say which day was compared, and who changed values of ours there."""
    state = f"Values of {day(newest)}" + ("" if all(row["finished"] for row in rows) else ", as far as compared") + "."
    changed = {author: sum(row[name] for row in rows) for name, author in AUTHORS.items()}
    authors = [f"{number:,} by {author}" for author, number in changed.items() if number]
    if not authors:
        return state
    healed = sum(row["healed_values"] for row in rows)
    return f"{state} Changed there: {', '.join(authors)}; {healed:,} set back."


def _show_reasons(reasons: list[dict[str, Any]]) -> None:
    columns = st.column_config
    show_rows(
        pd.DataFrame([{**reason, "outcome": OUTCOMES[reason["outcome"]][0]} for reason in reasons])
        .assign(object_type=lambda frame: frame["object_type"].map(words))
        .loc[:, ["reason", "fields", "outcome", "object_type"]],
        {
            "reason": columns.TextColumn("Why not", width=255),
            "fields": columns.NumberColumn("Fields", width=65),
            "outcome": columns.TextColumn("Outcome", width=95),
            "object_type": columns.TextColumn("Of", width=85),
        },
        "Why fields are not in HubSpot",
    )
