"""A company with its people; without one in the address, the companies by MRR or priority."""

from typing import Any

import orjson
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.cohorts import COHORT_OF, show_transitions
from gtm_platform.dashboard.customer_table import money_column, show_clickable, show_customers
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.links import company_links, show_links
from gtm_platform.dashboard.metric_cards import Figures, card_row, plain_card
from gtm_platform.dashboard.wording import day, money, number, percent, plain
from gtm_platform.serving.answers.cohorts import transitions_of
from gtm_platform.serving.snapshot.layout import HISTORY_DAYS
from gtm_platform.serving.store import CompanyQuery, CompanySort, CustomerQuery, Snapshot
from gtm_platform.serving.wording import COHORT_NAMES, counted, words

SHOWN = 1_000
TRANSITIONS = 50
SORTS: dict[str, CompanySort] = {"MRR": "mrr_reporting", "priority": "priority"}
# What is said of a company in its cohort, where there is something to say.
FACTS = {
    "cohort_priority_score": "Priority",
    "chroma_customer_status": "Product",
    "chroma_usage_tier": "Plan",
    "chroma_expansion_potential": "May buy more",
    "q1_revenue_potential": "Revenue potential",
    "champion_left": "Main contact left",
    "single_user": "One person alone uses it",
    "active_users": "Seen in 30 days",
    "next_renewal_at": "Next renewal",
    "in_market_signals": "Signs of interest",
    "signal_strength": "Strength",
    "signal_source": "Seen by",
    "ai_hiring_status": "Hiring",
    "use_case_detected": "Builds",
    "current_vector_db": "Uses",
    "competitor_pain_points": "Complains of",
    "displacement_play": "Play",
    "si_partner_status": "Partner",
    "si_partner_tier": "Tier",
    "si_specializations": "Good at",
    "icp_fit": "Fit",
    "win_fit": "Would be won",
    "win_fit_reasons": "As",
    "lead_score": "Becomes a customer soon",
    "lead_score_reasons": "Because",
    "lead_source": "Came by",
    "industry": "Industry",
    "employee_count": "Employees",
    "country": "Country",
}
PROBABILITIES = ("win_fit", "lead_score")
COLUMNS = ("name", "mrr_reporting", "health_status", "health_score", "customer_status", "risk_signals", "assigned_am")
LISTED = (
    "name",
    "customer_cohort",
    "cohort_priority_score",
    "mrr_reporting",
    "customers",
    "at_risk",
    "health_score",
    "signal_strength",
    "current_vector_db",
    "account_managers",
    "domain",
)


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    id = st.query_params.get("id", "")
    if not id:
        _show_all(snapshot)
        return
    body = snapshot.company(id)
    if body is None:
        st.title("Company")
        st.info("There is no company with this id or domain.", icon=":material/domain_disabled:")
        return
    _show_one(snapshot, orjson.loads(body))


def _show_all(snapshot: Snapshot) -> None:
    st.title("Companies")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        cohort = st.selectbox(
            "Cohort",
            list(COHORT_OF),
            index=None,
            key="cohort",
            bind="query-params",
            placeholder="All",
            width=220,
        )
        sort = st.segmented_control(
            "Highest",
            list(SORTS),
            default=next(iter(SORTS)),
            required=True,
            key="highest",
            bind="query-params",
        )
    cohort_id = COHORT_OF[cohort] if cohort else None
    page = snapshot.companies(CompanyQuery(limit=SHOWN, cohort=cohort_id, sort=SORTS[sort]))
    companies = [orjson.loads(body) for body, _ in page]
    total, currency = snapshot.count_companies(cohort_id), Figures(snapshot).currency
    rest = f", of which the first {len(companies):,} are shown" if total > len(companies) else ""
    st.markdown(f"**{counted(total, 'company', 'companies')}**{rest}")
    if not companies:
        return
    columns = st.column_config
    show_clickable(
        pd.DataFrame([_listed(company) for company in companies]),
        "companies",
        "company",
        [{"id": company["company_id"]} for company in companies],
        {
            "name": columns.TextColumn("Company", width=160),
            "domain": columns.TextColumn("Domain", width=180),
            "mrr_reporting": money_column("MRR", currency, 90),
            "customers": columns.NumberColumn("Customers", width=90),
            "customer_cohort": columns.TextColumn("Cohort", width=125),
            "cohort_priority_score": columns.NumberColumn("Priority", format="%.0f", width=70),
            "signal_strength": columns.TextColumn("Signals", width=95),
            "current_vector_db": columns.TextColumn("Uses", width=95),
            "at_risk": columns.NumberColumn("At risk", width=75),
            "health_score": columns.NumberColumn("Mean health", format="%.0f", width=100),
            "account_managers": columns.ListColumn("Account managers", width=200),
        },
        "Companies, a row each",
    )


def _listed(company: dict[str, Any]) -> dict[str, Any]:
    shown = {name: company[name] for name in LISTED}
    words_of = {name: words(shown[name]) if shown[name] else None for name in ("signal_strength", "current_vector_db")}
    return {**shown, **words_of, "customer_cohort": COHORT_NAMES.get(shown["customer_cohort"] or "")}


def _show_one(snapshot: Snapshot, company: dict[str, Any]) -> None:
    currency = Figures(snapshot).currency
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(plain(company["name"] or company["domain"] or company["company_id"]), anchor=False, width="content")
        with st.container(width="content"):
            show_links(company_links(company, snapshot))
    managers = ", ".join(company["account_managers"])
    parts = [*company["domains"], f"account manager {managers}" if managers else "no account manager"]
    st.markdown(" · ".join(plain(part) for part in parts))
    figures = {
        "MRR": plain(money(company["mrr_reporting"], currency)),
        "Customers": number(company["customers"]),
        "People": number(company["people"]),
        "At risk": number(company["at_risk"]),
        "Health, by MRR": number(company["mean_health"], 0),
        "Lowest health": number(company["lowest_health"], 0),
    }
    with card_row():
        for title, value in figures.items():
            plain_card(title, value)
    _show_market(snapshot, company)
    page = snapshot.customers(CustomerQuery({"company": [company["company_id"]]}, limit=SHOWN, customers="all"))
    st.subheader("People", anchor=False)
    show_customers(page.rows(personal=True), COLUMNS, currency, "people", "People of the company")


def _show_market(snapshot: Snapshot, company: dict[str, Any]) -> None:
    """Draw the company's cohort, what speaks for it, and how it moved."""
    cohort = company["customer_cohort"]
    if not cohort:
        return
    st.subheader(COHORT_NAMES[cohort], anchor=False)
    facts = {title: _text(name, company[name]) for name, title in FACTS.items() if company[name]}
    lines = [f"**{title}**: {plain(text)}" for title, text in facts.items()]
    st.markdown("  \n".join(lines) or "Nothing more is known.")
    if moved := transitions_of(snapshot, HISTORY_DAYS, TRANSITIONS, company["company_id"]):
        show_transitions(moved, "transitions")


def _text(name: str, value: Any) -> str:
    if name.endswith("_at"):
        return day(value)
    if isinstance(value, list):
        return ", ".join(words(each) for each in value)
    if isinstance(value, bool):
        return "yes"
    if name in PROBABILITIES:
        return percent(value)
    if isinstance(value, float):
        return f"{value:.2f}" if name == "icp_fit" else f"{value:.0f}"
    return words(value) if isinstance(value, str) and value.islower() else str(value)


PAGE = Page("company", "Companies", ":material/domain:", 40, show)
