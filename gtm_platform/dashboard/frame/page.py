"""What a page is, which ones there are, and how one leads to another."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from gtm_platform.dashboard import pages
from gtm_platform.serving.store import Snapshot

# Of the session: Streamlit's own page for each of ours, and where a click leads.
ROUTES, DESTINATION = "routes", "destination"
Query = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Page:
    """A page: `name` is its address, `order` its place in the menu, `show` draws it from a snapshot.

    `area` is what it is about: roles open areas.
    """

    name: str
    title: str
    icon: str
    order: int
    show: Callable[[Snapshot], None]
    area: str = "customers"


@cache
def discover() -> dict[str, Page]:
    """Return the pages by name, in the order of the menu."""
    modules = sorted(module.name for module in pkgutil.iter_modules(pages.__path__))
    all_pages: list[Page] = [importlib.import_module(f"{pages.__name__}.{name}").PAGE for name in modules]
    return {page.name: page for page in sorted(all_pages, key=lambda page: page.order)}


def route(name: str) -> StreamlitPage:
    """Return Streamlit's own page, to link to it or to go there."""
    routes: dict[str, StreamlitPage] = st.session_state[ROUTES]
    return routes[name]


def go_to(name: str, query: Query) -> None:
    """Leave this page for another one, where whoever looks may open that."""
    if name not in st.session_state[ROUTES]:
        return
    st.switch_page(route(name), query_params=dict(query))


def on_row(key: str, page: str | Sequence[str], queries: Sequence[Query]) -> Callable[[], None]:
    """Return what a click on a row does: the next run goes to the row's page with the row's query.

    That it is kept until then, and not followed where the table is drawn, saves drawing the page that is left.
    """

    def click() -> None:
        if cells := st.session_state[key].selection.cells:
            row = cells[0][0]
            st.session_state[DESTINATION] = (page if isinstance(page, str) else page[row], queries[row])

    return click


def follow_click() -> None:
    """Go where a click on a row leads."""
    if destination := st.session_state.pop(DESTINATION, None):
        go_to(*destination)


def link_to(name: str, label: str, query: Query | None = None, icon: str = ":material/arrow_forward:") -> None:
    """Show a link to another page, or to a list that is filtered, where whoever looks may open that."""
    if name not in st.session_state[ROUTES]:
        return
    st.page_link(route(name), label=label, icon=icon, query_params=dict(query or {}))
