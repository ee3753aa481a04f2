"""What Stripe knows of people and companies."""

from gtm_platform.ingest.feeds import CompanyFeed, Mention, PersonFeed

FEEDS = (
    PersonFeed(
        "stripe",
        "stripe/customers",
        id_column="stripe_customer_id",
        id_about="Its customer at Stripe; of several the oldest.",
        precedence=30,
        email="email",
        company_domain="company_domain",
        name="name",
        country="country",
        city="city",
        # Stripe does not list a deleted customer, but still its bills and subscriptions.
        mentions=(
            Mention("stripe/invoices", record_id="customer_id", email="customer_email"),
            Mention("stripe/subscriptions", record_id="customer_id"),
        ),
    ),
    CompanyFeed("stripe", "stripe/customers", precedence=30, domain="company_domain"),
)
