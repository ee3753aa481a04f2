"""The script that Streamlit runs for every click: it opens the newest snapshot and draws the frame and one page."""

import gc
from functools import partial

import streamlit as st

from gtm_platform.dashboard.charts import checked_once
from gtm_platform.dashboard.frame.page import ROUTES, Page, discover, follow_click
from gtm_platform.dashboard.frame.sidebar import follow_search, show_sidebar
from gtm_platform.dashboard.frame.visitor import VIEWER, noted, sign_out_button, visitor
from gtm_platform.keyring import KeyProblem
from gtm_platform.serving.store import NoSnapshot, Snapshot, Store, the_store

FIRST = "overview"
SIDEBAR = 230  # pixels


@st.cache_resource(show_spinner=False)
def _store(home: str) -> Store:  # noqa: ARG001  one for each home
    return the_store()


@st.cache_resource(show_spinner=False)
def _spare_the_collector() -> None:
    """Take what was imported out of the sight of the garbage collector, which Streamlit calls after every click.

    To look through it all takes longer than to draw a page.
    """
    gc.collect()
    gc.freeze()


def main(first: str = FIRST) -> None:
    """Draw the page of the address; without one the first."""
    from gtm_platform.settings import settings

    st.set_page_config(
        page_title="GTM platform", page_icon=":material/monitor_heart:", layout="wide", initial_sidebar_state=SIDEBAR
    )
    viewer = visitor()
    if viewer is None:
        return
    st.session_state[VIEWER] = viewer
    try:
        whole = _store(str(settings().home)).current()
    except (KeyProblem, NoSnapshot) as nothing:
        st.title("Nothing to show yet")
        st.info(str(nothing), icon=":material/hourglass_empty:")
        return
    snapshot = whole.seen(viewer.sight)
    opened = [page for page in discover().values() if page.area in viewer.areas]
    if not opened:
        st.title("Nothing for you here")
        st.info("Your role opens no page of the dashboard. `gtm audit` and /v1/audit have the audit trail.")
        return
    if first not in {page.name for page in opened}:
        first = opened[0].name
    st.session_state[ROUTES] = {
        page.name: st.Page(
            partial(_show, page, snapshot),
            title=page.title,
            icon=page.icon,
            url_path=page.name.replace("_", "-"),
            default=page.name == first,
        )
        for page in opened
    }
    chosen = st.navigation(list(st.session_state[ROUTES].values()), expanded=True)
    follow_click()
    follow_search(snapshot)
    show_sidebar(snapshot)
    sign_out_button()
    with checked_once():
        chosen.run()
    _spare_the_collector()  # after the first page, which imports what is drawn with


def _show(page: Page, snapshot: Snapshot) -> None:
    """Draw a page, and note who saw it and whose personal data was on it."""
    with noted(page.name):
        page.show(snapshot)


if __name__ == "__main__":
    main()
