"""Who looks at the dashboard: whoever reaches it on this machine, or who has signed in and has a role."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import streamlit as st

from gtm_platform.serving.page_log import PageLog
from gtm_platform.serving.sign_in import is_on
from gtm_platform.serving.viewer import TRUSTED, Viewer, viewer_by_claims
from gtm_platform.settings import settings

VIEWER = "viewer"  # of the session


def visitor() -> Viewer | None:
    """Return who looks; None where that has to be found out first, and what to do is drawn."""
    if not is_on(settings()):
        return TRUSTED
    claims = claims_of_user()
    if not claims.get("is_logged_in"):
        st.title("GTM platform")
        st.button("Sign in", icon=":material/login:", on_click=st.login)
        return None
    viewer = viewer_by_claims(claims)
    if viewer is None:
        st.title("No access")
        st.info("You are signed in, and nobody has given you a role: [access] in the policy does.")
        st.button("Sign out", on_click=st.logout)
    return viewer


def claims_of_user() -> dict[str, Any]:
    """Return what the identity provider says of who is signed in."""
    return dict(st.user)


def sign_out_button() -> None:
    """Draw the way out, where people sign in."""
    if is_on(settings()):
        st.sidebar.button("Sign out", icon=":material/logout:", on_click=st.logout)


@st.cache_resource(show_spinner=False)
def page_log(url: str) -> PageLog:
    """Return the log of a state, one for each process."""
    return PageLog(url, settings().now)


def noted(what: str) -> AbstractContextManager[None]:
    """Return a block after which the audit has who saw it, and whose personal data was handed out in it."""
    viewer: Viewer = st.session_state[VIEWER]
    return page_log(settings().state_url).showing(viewer, what)


def noted_later(what: str, make: Callable[[], bytes]) -> Callable[[], bytes]:
    """Return what makes a download, to be called after the page was drawn: it is noted when it is made."""
    viewer, log = st.session_state[VIEWER], page_log(settings().state_url)

    def made() -> bytes:
        with log.showing(viewer, what):
            return make()

    return made
