"""Addresses of the same record in the systems that it comes from, where their account is known."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import streamlit as st

from gtm_platform.serving.store import Snapshot
from gtm_platform.settings import settings

Link = tuple[str, str]  # what it is called, and where it leads
CONTACT, COMPANY = "0-1", "0-2"  # HubSpot's types


def customer_links(row: Mapping[str, Any], snapshot: Snapshot) -> Iterator[Link]:
    """Yield the pages of a customer in the systems that know it."""
    accounts = _accounts(snapshot)
    hubspot, stripe, intercom = (accounts.get(name) for name in ("hubspot", "stripe", "intercom"))
    if hubspot and row["hubspot_contact_id"]:
        yield "HubSpot", f"https://app.hubspot.com/contacts/{hubspot}/record/{CONTACT}/{row['hubspot_contact_id']}"
    if stripe and row["stripe_customer_id"]:
        mode = "test/" if stripe.endswith("/test") else ""
        yield "Stripe", f"https://dashboard.stripe.com/{mode}customers/{row['stripe_customer_id']}"
    if intercom and row["intercom_contact_id"]:
        yield "Intercom", f"https://app.intercom.com/a/apps/{intercom}/users/{row['intercom_contact_id']}"


def company_links(company: Mapping[str, Any], snapshot: Snapshot) -> Iterator[Link]:
    """Yield the pages of a company in the systems that know it."""
    accounts = _accounts(snapshot)
    if (hubspot := accounts.get("hubspot")) and company["hubspot_company_ids"]:
        id = company["hubspot_company_ids"][0]
        yield "HubSpot", f"https://app.hubspot.com/contacts/{hubspot}/record/{COMPANY}/{id}"
    if (intercom := accounts.get("intercom")) and company["intercom_company_ids"]:
        id = company["intercom_company_ids"][0]
        yield "Intercom", f"https://app.intercom.com/a/apps/{intercom}/companies/{id}"


def run_link(run_id: str) -> str:
    """Return the page of a run in the Dagster UI."""
    return f"{settings().gtm_ui_url.rstrip('/')}/runs/{run_id}"


def asset_link(table: str) -> str:
    """Return the page of a table in the Dagster UI."""
    return f"{settings().gtm_ui_url.rstrip('/')}/assets/{table}"


def show_links(links: Iterator[Link]) -> None:
    """Draw links as buttons side by side."""
    with st.container(horizontal=True):
        for name, address in links:
            st.link_button(name, address, icon=":material/open_in_new:")


def _accounts(snapshot: Snapshot) -> dict[str, str]:
    accounts: dict[str, dict[str, str]] = orjson.loads(snapshot.fact("accounts"))
    return {system: account["account_id"] for system, account in accounts.items()}
