"""What Intercom knows of people and companies."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed, Owners, PersonFeed, UsageFeed


def _is_user(contacts: ibis.Table) -> ibis.Value:
    return contacts["role"] == "user"


def _first_company(contacts: ibis.Table) -> ibis.Value:
    companies = contacts["company_ids"]
    return ibis.ifelse(companies.length() > 0, companies[0], ibis.null("string"))


FEEDS = (
    PersonFeed(
        "intercom",
        "intercom/contacts",
        id_column="intercom_contact_id",
        id_about="Its contact in Intercom; a user before a lead, of several the one seen last.",
        precedence=20,
        email="email",
        email_precedence=lambda contacts: ibis.ifelse(_is_user(contacts), 0, 40),  # a user signs in with it
        shared_ids={"stripe": "stripe_id", "product": "external_id"},
        company_id=_first_company,
        name="name",
        country="country",
        city="city",
        owner_id="owner_id",
        owners=Owners(
            "intercom/admins", name=lambda admins: ibis.coalesce(admins["name"], admins["email"]), email="email"
        ),
        signed_up_at="signed_up_at",
        seen_at="last_seen_at",
        rank=lambda contacts: ibis.ifelse(_is_user(contacts), 0, 1),
    ),
    CompanyFeed(
        "intercom",
        "intercom/companies",
        precedence=20,
        id="id",
        name="name",
        domain="website",
        ids_about="Its records in Intercom.",
    ),
    UsageFeed("intercom", "seen", "intercom/contacts", record_id="id", at="last_seen_at"),
)
