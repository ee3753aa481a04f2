"""What Orb knows of people and companies."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed, PersonFeed


def _stripe_customer(customers: ibis.Table) -> ibis.Value:
    """The provider's id is Stripe's only where Stripe collects."""
    collected = customers["payment_provider"].isin(["stripe_charge", "stripe_invoice"])
    return ibis.ifelse(collected, customers["payment_provider_id"], ibis.null("string"))


FEEDS = (
    PersonFeed(
        "orb",
        "orb/customers",
        id_column="orb_customer_id",
        id_about="Its customer at Orb; of several the oldest.",
        precedence=40,
        email="email",
        shared_ids={
            "stripe": _stripe_customer,
            "product": "external_customer_id",
            "hubspot": "hubspot_contact_id",
        },
        company_domain="company_domain",
        name="name",
        country="country",
        city="city",
        timezone="timezone",
    ),
    # The domain that was noted; that of the address may be an accountant's.
    CompanyFeed("orb", "orb/customers", precedence=40, domain="company_domain", name="name"),
)
