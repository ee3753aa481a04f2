"""What stands beside every page: the search, as of when everything is, and how fresh the sources are."""

from datetime import datetime

import orjson
import streamlit as st

from gtm_platform.dashboard.frame.page import go_to, link_to
from gtm_platform.dashboard.wording import ago, day, plain
from gtm_platform.serving.answers.freshness import SourceState, freshness
from gtm_platform.serving.store import Snapshot
from gtm_platform.settings import settings

SEARCH, SOUGHT = "search", "sought"
LATE, FRESH = ":red[:material/error:]", ":green[:material/check_circle:]"
MOST_LISTED = 6  # sources; of more only those that are late


def show_sidebar(snapshot: Snapshot) -> None:
    """Draw it."""
    with st.sidebar:
        st.text_input(
            "Search",
            key=SEARCH,
            label_visibility="collapsed",
            placeholder="e-mail, id or domain",
            icon=":material/search:",
            on_change=_search,
        )
        if sought := st.session_state.pop("not_there", None):
            st.warning(f"Nobody has the address, id or domain {plain(sought)}.")
        st.caption(f"As of the end of {day(snapshot.as_of)}")
        _show_freshness(snapshot)


def _search() -> None:
    """Keep what was typed for the run that follows, and empty the field."""
    st.session_state[SOUGHT] = st.session_state[SEARCH]
    st.session_state[SEARCH] = ""


def follow_search(snapshot: Snapshot) -> None:
    """Go to the customer or company that was searched for."""
    sought = (st.session_state.pop(SOUGHT, None) or "").strip()
    if not sought:
        return
    if customer := snapshot.customer(sought):
        go_to("customer", {"id": customer.customer_id})
    company = snapshot.company(sought.lower()) or snapshot.company(sought)
    if company:
        go_to("company", {"id": orjson.loads(company)["company_id"]})
    st.session_state["not_there"] = sought


def _show_freshness(snapshot: Snapshot) -> None:
    """Draw each source, or of many those that are late, and how many are not."""
    now = settings().now()
    sources = freshness(snapshot, now).sources
    if not sources:
        st.markdown("No source was read yet.")
        return
    few = len(sources) <= MOST_LISTED
    lines = [_line(source, now) for source in sources if few or source.is_late]
    fresh = sum(not source.is_late for source in sources)
    if fresh and not few:
        count = f"All {fresh} sources" if fresh == len(sources) else f"{fresh} of {len(sources)} sources"
        lines.append(f"{FRESH} {count} are fresh")
    st.markdown("  \n".join(lines))
    if not few:
        link_to("data_health", "When each was read")


def _line(source: SourceState, now: datetime) -> str:
    return f"{LATE if source.is_late else FRESH} {plain(source.title)} :gray[{ago(source.synced_at, now)}]"
