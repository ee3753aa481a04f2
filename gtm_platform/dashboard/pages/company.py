"""A company with its people; without one in the address, the companies by what they pay."""

from typing import Any

import orjson
import pandas as pd
import streamlit as st

from gtm_platform.dashboard.customer_table import clickable, money_column, show_customers, table_height
from gtm_platform.dashboard.links import company_links, show_links
from gtm_platform.dashboard.metric_cards import Figures, card_row, plain_card
from gtm_platform.dashboard.page import Page, on_row
from gtm_platform.dashboard.wording import money, number, plain
from gtm_platform.serving.store import CompanyQuery, CustomerQuery, Snapshot
from gtm_platform.serving.wording import NOTHING, counted

SHOWN = 1_000
COLUMNS = ("name", "mrr_reporting", "health_status", "health_score", "customer_status", "risk_signals", "assigned_am")
LISTED = ("name", "mrr_reporting", "customers", "at_risk", "health_score", "people", "account_managers", "domain")


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
    companies = [orjson.loads(body) for body, _ in snapshot.companies(CompanyQuery(limit=SHOWN))]
    total, currency = snapshot.count_companies(), Figures(snapshot).currency
    rest = f", of which the {len(companies):,} that pay most are shown" if total > len(companies) else ""
    st.markdown(f"**{counted(total, 'company', 'companies')}**{rest}")
    if not companies:
        return
    columns = st.column_config
    st.dataframe(
        clickable(pd.DataFrame([{name: company[name] for name in LISTED} for company in companies])),
        key="companies",
        on_select=on_row("companies", "company", [{"id": company["company_id"]} for company in companies]),
        selection_mode="single-cell",
        hide_index=True,
        placeholder=NOTHING,
        height=table_height(len(companies)),
        column_config={
            "name": columns.TextColumn("Company", width=160),
            "domain": columns.TextColumn("Domain", width=180),
            "mrr_reporting": money_column("MRR", currency, 90),
            "customers": columns.NumberColumn("Customers", width=90),
            "people": columns.NumberColumn("People", width=75),
            "at_risk": columns.NumberColumn("At risk", width=75),
            "health_score": columns.NumberColumn("Mean health", format="%.0f", width=100),
            "account_managers": columns.ListColumn("Account managers", width=200),
        },
        alt="Companies by MRR",
    )


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
        "Mean health": number(company["health_score"], 0),
    }
    with card_row():
        for title, value in figures.items():
            plain_card(title, value)
    page = snapshot.customers(CustomerQuery({"company": [company["company_id"]]}, limit=SHOWN, customers="all"))
    st.subheader("People", anchor=False)
    show_customers(page.rows(personal=True), COLUMNS, currency, "people", "People of the company")


PAGE = Page("company", "Companies", ":material/domain:", 40, show)
