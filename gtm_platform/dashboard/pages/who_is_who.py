"""Who is who: customers and companies that may be the same, with the evidence and the command by which one decides."""

from collections.abc import Mapping
from typing import Any

import orjson
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import card_row, plain_card
from gtm_platform.dashboard.tables import table_height
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import NOTHING, counted

KINDS = {"person": "People", "company": "Companies"}
RULES = {
    "held_back": ("Held back", "What they share does not count by the rules: a shared inbox, a cluster too large."),
    "similar": ("Alike", "Their records say much the same."),
    "similar_name": ("Same name", "Their names mean the same."),
    "two_companies": ("One or two", "One customer, of whose records an id alone ties addresses at two companies."),
}
LISTED, PIXELS = 12, 440


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Who is who")
    fact = orjson.loads(snapshot.fact("who_is_who"))
    if not fact["total"]:
        st.markdown(":green[:material/check_circle:] Nobody waits for a decision.")
        return
    with card_row():
        for each in fact["counts"]:
            title, about = RULES[each["rule"]]
            plain_card(f"{KINDS[each['kind']]}: {title.lower()}", f"{each['pairs']:,}", about)
    for kind, title in KINDS.items():
        if pairs := [pair for pair in fact["pairs"] if pair["kind"] == kind]:
            with st.container(border=True):
                _pairs(title, pairs)
    if fact["total"] > len(fact["pairs"]):
        st.caption(f"The first {len(fact['pairs']):,} of {counted(fact['total'], 'pair')}.")
    st.caption(
        "A decision counts from the next daily run on, can be taken back (`gtm identity undo`), and takes the pair off "
        "this list. `gtm why FIRST SECOND` tells more."
    )


def _pairs(title: str, pairs: list[dict[str, Any]]) -> None:
    st.subheader(title, anchor=False)
    columns = st.column_config
    st.dataframe(
        pd.DataFrame([_row(pair) for pair in pairs]),
        hide_index=True,
        placeholder=NOTHING,
        height=table_height(len(pairs), LISTED, PIXELS),
        column_config={
            "first": columns.TextColumn("One", width=190),
            "second": columns.TextColumn("The other", width=190),
            "rule": columns.TextColumn("Why listed", width=90),
            "score": columns.ProgressColumn("Sure", format="percent", min_value=0, max_value=1, width=90),
            "evidence": columns.TextColumn("Evidence", width=300),
            "if_same": columns.TextColumn("If they are the same", width=300),
            "if_not": columns.TextColumn("If they are not", width=300),
        },
        alt=f"{title} that may be the same, with the evidence and the command to decide",
    )


def _row(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "first": _named(pair, "first"),
        "second": _named(pair, "second"),
        "rule": RULES[pair["rule"]][0],
        "score": pair["score"],
        "evidence": pair["reason"],
        "if_same": pair["if_same"],
        "if_not": pair["if_not"],
    }


def _named(pair: Mapping[str, Any], side: str) -> str:
    """Return whom a side of a pair is about: the name and the address, and the id by which commands take it."""
    name, address = pair[f"{side}_name"], pair[f"{side}_address"]
    return " · ".join(part for part in dict.fromkeys((name, address, pair[f"{side}_id"])) if part)


PAGE = Page("who_is_who", "Who is who", ":material/group:", 62, show, area="rules")
