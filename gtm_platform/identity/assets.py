"""The daily tables of identity, wired to the tables they are made from."""

import gtm_platform.sources.assets  # noqa: F401  declares the source tables
from gtm_platform.identity import companies, links, people
from gtm_platform.lake.daily import Before, daily
from gtm_platform.policy import policy

PERSONS = {"hubspot": "hubspot/contacts", "intercom": "intercom/contacts", "stripe": "stripe/customers"}

ASSETS = [
    daily("identity/links", links.CONTRACT, **PERSONS, yesterday=Before("identity/links"), policy=policy)(links.table),
    daily(
        "identity/companies",
        companies.CONTRACT,
        links="identity/links",
        hubspot="hubspot/companies",
        intercom="intercom/companies",
        stripe_customers="stripe/customers",
        policy=policy,
    )(companies.table),
    daily(
        "identity/people",
        people.CONTRACT,
        links="identity/links",
        **PERSONS,
        companies="identity/companies",
        policy=policy,
    )(people.table),
]
