"""What HubSpot knows of people and companies."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed, Owners, PersonFeed
from gtm_platform.ingest.market_feeds import FirmographicFeed

UNKNOWN_USER = "UNKNOWN_USER"
# By what people change a property: in the app, in bulk, on a phone, with a file. All else are programs.
PEOPLE = ("CRM_UI", "CRM_UI_BULK_ACTION", "MOBILE_IOS", "MOBILE_ANDROID", "IMPORT")


def _full_name(people: ibis.Table) -> ibis.Value:
    return (people["first_name"].fill_null("") + " " + people["last_name"].fill_null("")).strip().nullif("")


def _has_unknown_address(people: ibis.Table) -> ibis.Value:
    """Whether nobody has the address any more; a full mailbox, or mail taken for spam, says no such thing."""
    return (people["email_bounce_reason"] == UNKNOWN_USER).fill_null(False)


def _lead_source_of_a_person(companies: ibis.Table) -> ibis.Value:
    """Return what a person set: what we wrote ourselves is no news to us."""
    return ibis.cases((companies["lead_source_set_by"].isin(PEOPLE), companies["lead_source"]))


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
        mail_bounces=_has_unknown_address,
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
        lead_source=_lead_source_of_a_person,
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
