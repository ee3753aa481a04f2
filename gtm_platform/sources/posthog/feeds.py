"""What PostHog knows of people, of their use of the product, and of companies that visit the web site."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed, PersonFeed, UsageFeed
from gtm_platform.ingest.market_feeds import TrafficFeed, daily_visits


def _identified(persons: ibis.Table) -> ibis.Table:
    """Keep who can be told apart: an anonymous visitor is nobody."""
    return persons.filter(
        persons["is_identified"].fill_null(False) | persons["user_id"].notnull() | persons["email"].notnull()
    )


FEEDS = (
    PersonFeed(
        "posthog",
        "posthog/persons",
        id_column="posthog_distinct_id",
        id_about="Its person in PostHog, by UUID; of several the one seen last.",
        precedence=60,
        email=lambda persons: ibis.coalesce(persons["email"], persons["address_id"]),
        shared_ids={"product": "user_id"},
        company_name="company",
        name="name",
        country="country",
        city="city",
        timezone="timezone",
        signed_up_at="signed_up_at",
        seen_at="last_seen_at",
        rows=_identified,
    ),
    UsageFeed("posthog", "seen", "posthog/daily_usage", record_id="person_id", at="last_event_at"),
    UsageFeed("posthog", "logins", "posthog/daily_usage", record_id="person_id", at="day", value="logins"),
    CompanyFeed("posthog", "posthog/company_visits", precedence=240, domain="company_domain"),
    daily_visits("posthog", "posthog/company_visits", precedence=40),
    TrafficFeed("posthog", "posthog/web_traffic", precedence=40, conversions="conversions"),
)
