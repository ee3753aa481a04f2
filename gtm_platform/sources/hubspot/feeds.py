"""What HubSpot knows of people and companies."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed, Owners, PersonFeed
from gtm_platform.ingest.market_feeds import FirmographicFeed


def _full_name(people: ibis.Table) -> ibis.Value:
    return (people["first_name"].fill_null("") + " " + people["last_name"].fill_null("")).strip().nullif("")


FEEDS = (
    PersonFeed(
        "hubspot",
        "hubspot/contacts",
        id_column="hubspot_contact_id",
        id_about="Its contact in HubSpot; of several the oldest that was not merged into another.",
        precedence=10,
        email="email",
        other_emails="additional_emails",
        merged_ids="merged_ids",
        company_id="company_id",
        company_name="company_name",
        name=_full_name,
        country="country",
        city="city",
        timezone="timezone",
        owner_id="owner_id",
        owners=Owners(
            "hubspot/owners",
            name=lambda owners: ibis.coalesce(_full_name(owners), owners["email"]),
            email="email",
            active=lambda owners: ~owners["archived"],
        ),
    ),
    CompanyFeed(
        "hubspot",
        "hubspot/companies",
        precedence=10,
        id="id",
        name="name",
        domain="domain",
        other_domains="additional_domains",
        merged_ids="merged_ids",
        stands_alone=True,
        ids_about="Its records in HubSpot, merged ones included.",
    ),
    FirmographicFeed(
        "hubspot",
        "hubspot/companies",
        precedence=10,
        retrieved_at="updated_at",
        company_id="id",
        country="country",
        industry="industry",
        employee_count="employee_count",
        linkedin_company_url="linkedin_url",
    ),
)
