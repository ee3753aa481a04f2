"""Everything about one customer; without one in the address, the list of all."""

import re

import streamlit as st

from gtm_platform.dashboard.customer_details import show_details
from gtm_platform.dashboard.customer_history import show_history
from gtm_platform.dashboard.customer_score import show_movement, show_score
from gtm_platform.dashboard.customer_table import show_customers, show_total
from gtm_platform.dashboard.customer_timeline import show_timeline
from gtm_platform.dashboard.frame.page import Page, link_to
from gtm_platform.dashboard.links import customer_links, show_links
from gtm_platform.dashboard.metric_cards import Figures, card_row, plain_card
from gtm_platform.dashboard.status import AT_RISK, BADGES, SHOWN_TITLES
from gtm_platform.dashboard.wording import ago, day, moment, money, number, plain
from gtm_platform.health.explanation import Explanation, RiskSignal
from gtm_platform.health.explanation_text import signal_line
from gtm_platform.serving.store import Customer, CustomerQuery, Snapshot
from gtm_platform.serving.store.customer_query import Population
from gtm_platform.serving.wording import NOTHING, words
from gtm_platform.settings import settings

SHOWN = 1_000
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
POPULATIONS: tuple[Population, ...] = ("current", "former", "all")
LISTED = (
    "name",
    "mrr_reporting",
    "health_status",
    "health_score",
    "churn_risk",
    "company_name",
    "assigned_am",
    "plan_tier",
    "customer_status",
    "last_seen_at",
)


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    id = st.query_params.get("id", "")
    if not id:
        _show_all(snapshot)
        return
    customer = snapshot.customer(id)
    if customer is None:
        st.title("Customer")
        st.info("There is no customer with this id: it may have been merged or erased.", icon=":material/person_off:")
        return
    _show_one(snapshot, customer)


def _show_all(snapshot: Snapshot) -> None:
    st.title("Customers")
    status = st.selectbox(
        "Who",
        POPULATIONS,
        format_func={"current": "Current customers", "former": "Former customers", "all": "Everybody"}.__getitem__,
        key="who",
        bind="query-params",
        width=220,
    )
    currency = Figures(snapshot).currency
    page = snapshot.customers(CustomerQuery(limit=SHOWN, customers=status))
    what = {"current": "customers", "former": "former customers", "all": "people"}[status]
    show_total(page, what, plain(money(page.total_mrr, currency)), "")
    show_customers(page.rows(personal=True), LISTED, currency, "everybody", "Customers by MRR")


def _show_one(snapshot: Snapshot, customer: Customer) -> None:
    row, figures = customer.row(personal=True), Figures(snapshot)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.title(plain(row["name"] or row["email"] or customer.customer_id), anchor=False, width="content")
            if row["health_status"]:
                st.badge(SHOWN_TITLES[row["health_status"]], color=BADGES[row["health_status"]])
            st.badge(words(row["customer_status"]), color="gray")
            if row["plan_tier"]:
                st.badge(plain(words(row["plan_tier"])), color="gray")
        with st.container(width="content"):
            show_links(customer_links(row, snapshot))
    _show_who(row)
    _show_cards(row, figures.currency)
    explanation = snapshot.explanation(customer)
    if explanation is not None:
        _show_actions(explanation)
    left, right = st.columns([5, 4])
    with left.container(border=True):
        show_history(snapshot, customer)
    with right.container(border=True):
        show_score(explanation)
    if explanation is not None:
        with right.container(border=True):
            show_movement(explanation)
    with left.container(border=True):
        show_timeline(snapshot, customer)
    show_details(row)


def _show_who(row: dict[str, object]) -> None:
    parts = [
        plain(row["company_name"]) if row["company_name"] else "",
        plain(row["email"]) if row["email"] else "",
        f"account manager {plain(row['assigned_am'])}" if row["assigned_am"] else "no account manager",
        f"customer since {day(str(row['customer_since']))}" if row["customer_since"] else "",
        f"left on {day(str(row['churned_at']))}" if row["churned_at"] else "",
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" · ".join(part for part in parts if part), width="content")
        if row["company_id"]:
            link_to("company", "Company", {"id": str(row["company_id"])}, icon=":material/domain:")
    if row["churn_reason"]:
        st.caption(f"Why it left: {plain(row['churn_reason'])}")


def _show_cards(row: dict[str, object], currency: str) -> None:
    score, change, risk = row["health_score"], row["score_change_7d"], row["churn_risk"]
    seen = str(row["last_seen_at"]) if row["last_seen_at"] else None
    moved = change if isinstance(change, int) else None
    with card_row():
        since = "in 7 days" if moved is not None else None
        plain_card("Health", NOTHING if score is None else f"{score}", delta=moved, delta_description=since)
        plain_card("Churn risk", NOTHING if risk is None else f"{risk} %", "Probability of churning within 90 days.")
        plain_card("MRR", plain(_amount(row["mrr_reporting"], currency)))
        plain_card(
            "Lifetime value",
            plain(_amount(row["ltv"], str(row["currency"] or currency))),
            "Payments net of refunds and lost disputes, in the currency of the customer.",
        )
        plain_card("Last seen", ago(seen, settings().now()), moment(seen) if seen else None)


def _amount(value: object, currency: str) -> str:
    return money(value, currency) if isinstance(value, int | float) else number(None)


def _show_actions(explanation: Explanation) -> None:
    """Draw what to do, and the signals with the figures that show them."""
    if not explanation.signals:
        if explanation.health_status in AT_RISK:
            with st.container(border=True):
                st.subheader("What to do", anchor=False)
                st.markdown(_low_parts(explanation))
        return
    with st.container(border=True):
        st.subheader("What to do", anchor=False)
        actions = enumerate(explanation.recommended_actions, 1)
        st.markdown("\n".join(f"{number}. {plain(action)}" for number, action in actions))
        st.markdown("  \n".join(map(_signal, explanation.signals)))


def _low_parts(explanation: Explanation) -> str:
    """Say which parts of the score cost most, where no signal says why it is low."""
    by_cost = sorted(explanation.components, key=lambda part: part.missed or 0, reverse=True)
    parts = [f"{part.missed:.0f} of {part.possible:.0f} points in {part.component}" for part in by_cost if part.missed]
    return f"There is no single cause. What costs most: {' and '.join(parts[:2])}."


def _signal(signal: RiskSignal) -> str:
    """Return a signal with its figures, as a line; columns read as words, moments as days."""
    _, _, figures = signal_line(signal).replace("_", " ").partition(": ")
    figures = MOMENT.sub(lambda at: day(at[0]), figures)
    return f":orange-badge[{plain(words(signal.signal))}] :gray[{plain(figures)}]"


PAGE = Page("customer", "Customers", ":material/person:", 30, show)
