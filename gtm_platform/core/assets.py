"""The daily tables of core, wired to the tables they are made from."""

import dagster as dg

import gtm_platform.identity.assets  # noqa: F401  declares the tables of identity
from gtm_platform.core import activity, calls, pipeline, profile, revenue, support, unified_customers
from gtm_platform.lake.daily import daily
from gtm_platform.policy import policy

PEOPLE = {"people": "identity/people"}
LINKED = {**PEOPLE, "links": "identity/links"}

ASSETS = [
    daily(
        "core/profile",
        profile.CONTRACT,
        **LINKED,
        companies="identity/companies",
        hubspot="hubspot/contacts",
        owners="hubspot/owners",
        intercom="intercom/contacts",
        admins="intercom/admins",
        stripe="stripe/customers",
        subscriptions="stripe/subscriptions",
    )(profile.table),
    daily(
        "core/revenue",
        revenue.CONTRACT,
        **LINKED,
        intercom="intercom/contacts",
        stripe="stripe/customers",
        subscriptions="stripe/subscriptions",
        products="stripe/products",
        prices="stripe/prices",
        invoices="stripe/invoices",
        charges="stripe/charges",
        refunds="stripe/refunds",
        disputes="stripe/disputes",
        policy=policy,
    )(revenue.table),
    daily("core/activity", activity.CONTRACT, **LINKED, intercom="intercom/contacts")(activity.table),
    daily(
        "core/support",
        support.CONTRACT,
        **LINKED,
        intercom="intercom/contacts",
        conversations="intercom/conversations",
        parts="intercom/conversation_parts",
        tickets="intercom/tickets",
        policy=policy,
    )(support.table),
    daily("core/calls", calls.CONTRACT, **PEOPLE)(calls.table),
    daily(
        "core/pipeline",
        pipeline.CONTRACT,
        **LINKED,
        hubspot="hubspot/contacts",
        deals="hubspot/deals",
        stages="hubspot/pipelines",
        associations="hubspot/associations",
        policy=policy,
    )(pipeline.table),
]


def wide_assets() -> list[dg.AssetsDefinition]:
    """The tables that come last. They read those of health and quality, rooms above this one, which must be declared
    by the time of the call."""
    return [
        daily(
            "core/unified_customers",
            unified_customers.CONTRACT,
            **PEOPLE,
            **{domain: f"core/{domain}" for domain in unified_customers.DOMAINS},
            health="health/customer_health",
            quality="quality/customer_quality",
        )(unified_customers.table)
    ]
