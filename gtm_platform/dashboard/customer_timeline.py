"""What happened to a customer, the newest first, filtered by kind."""

import streamlit as st

from gtm_platform.dashboard.links import run_link
from gtm_platform.dashboard.wording import day, plain
from gtm_platform.serving.answers.timeline import KINDS, Event, timeline
from gtm_platform.serving.store import Customer, Snapshot
from gtm_platform.serving.wording import counted

MOST_SHOWN, HEIGHT = 150, 560
LINES_SHOWN = 12  # of the details of an event
ICONS = {
    "call": ":material/call:",
    "conversation": ":material/forum:",
    "payment": ":material/payments:",
    "status": ":material/sync_alt:",
    "score": ":material/monitor_heart:",
    "mrr": ":material/trending_flat:",
    "rules": ":material/gavel:",
    "alert": ":material/notifications:",
    "hubspot": ":material/upload:",
    "milestone": ":material/flag:",
}
TITLES = {
    "call": "Calls",
    "conversation": "Conversations",
    "payment": "Payments",
    "status": "Subscription",
    "score": "Score",
    "mrr": "MRR",
    "rules": "Rules",
    "alert": "Alerts",
    "hubspot": "HubSpot",
    "milestone": "Milestones",
}
COLOURS = {"good": "green", "bad": "red"}


def show_timeline(snapshot: Snapshot, customer: Customer) -> None:
    """Draw it."""
    st.subheader("Timeline", anchor=False)
    by_kind = timeline(snapshot, customer, personal=True, limit=0).by_kind
    if not by_kind:
        st.caption("Nothing is known yet.")
        return
    kinds = st.pills(
        "Kinds",
        [kind for kind in KINDS if kind in by_kind],
        selection_mode="multi",
        format_func=lambda kind: f"{TITLES[kind]} {by_kind[kind]}",
        key="kinds",
        label_visibility="collapsed",
    )
    shown = timeline(snapshot, customer, personal=True, kinds=kinds, limit=MOST_SHOWN)
    with st.container(height=HEIGHT if len(shown.events) > 9 else "content", border=False):
        st.markdown("\n\n".join(map(_line, shown.events)))
    if shown.total > len(shown.events):
        st.caption(f"The newest {counted(len(shown.events), 'event')} of {shown.total:,}.")


def _line(event: Event) -> str:
    """Return an event as a paragraph; what outsiders wrote is escaped."""
    title = f"**{plain(event.title)}**"
    if colour := COLOURS.get(event.tone):
        title = f":{colour}[{title}]"
    if event.run_id:
        title += f", [run]({run_link(event.run_id)})"
    lines = [f"{ICONS[event.kind]} :gray[{day(event.at.isoformat())}] &nbsp; {title}"]
    if event.text:
        lines.append(plain(event.text))
    lines += [f":gray[{plain(line)}]" for line in event.detail[:LINES_SHOWN]]
    return "  \n".join(lines)
