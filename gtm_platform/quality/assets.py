"""The daily table of quality, wired to the tables it is made from."""

import gtm_platform.core.assets  # noqa: F401  declares the tables of core
from gtm_platform.identity.assets import PERSONS
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.daily import Synced, daily
from gtm_platform.policy import policy
from gtm_platform.quality import customer_quality


def cadences() -> dict[str, int]:
    """How often, in hours, each source of persons is read."""
    return {source: contract_of(table).cadence or 0 for source, table in PERSONS.items()}


ASSETS = [
    daily(
        "quality/customer_quality",
        customer_quality.CONTRACT,
        people="identity/people",
        links="identity/links",
        **{domain: f"core/{domain}" for domain in ("profile", "revenue", "activity", "pipeline")},
        **PERSONS,
        hubspot_rejected="quarantine/hubspot_contacts",
        intercom_rejected="quarantine/intercom_contacts",
        stripe_rejected="quarantine/stripe_customers",
        synced=Synced(),
        cadences=cadences,
        policy=policy,
    )(customer_quality.table),
]
