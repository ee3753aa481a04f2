"""What stands beside every page: the search, as of when everything is, and how fresh the sources are."""

import orjson
import streamlit as st

from gtm_platform.dashboard.frame.page import go_to
from gtm_platform.dashboard.wording import ago, day, plain
from gtm_platform.serving.answers.freshness import freshness
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import words
from gtm_platform.settings import settings

SEARCH, SOUGHT = "search", "sought"
TITLES = {"hubspot": "HubSpot", "posthog": "PostHog", "chartmogul": "ChartMogul", "listkit_admin": "ListKit"}


def title_of(source: str) -> str:
    """Return how people write the name of a system."""
    return TITLES.get(source, words(source))


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
    now = settings().now()
    lines = []
    for source in freshness(snapshot, now).sources:
        mark = ":red[:material/error:]" if source.is_late else ":green[:material/check_circle:]"
        lines.append(f"{mark} {title_of(source.source)} :gray[{ago(source.synced_at, now)}]")
    st.markdown("  \n".join(lines) or "No source was read yet.")
