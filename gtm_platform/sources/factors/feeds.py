"""What Factors.ai says of companies: who visits the website."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import SignalFeed

MANY = 10  # pages, of which more make a visit no stronger


def _strength(visits: ibis.Table) -> ibis.Value:
    return (visits["page_views"].fill_null(1) / MANY).clip(0.0, 1.0)


FEEDS = (
    CompanyFeed("factors", "factors/visits", precedence=130, domain="company_domain", name="company_name"),
    SignalFeed(
        "factors",
        "factors/visits",
        kind="visit",
        signal_id=lambda visits: ibis.literal("visit:") + visits["id"],
        at="visited_at",
        company_domain="company_domain",
        company_name="company_name",
        strength=_strength,
        topics="pages",
        title="referral_source",
        person_email="user_email",
    ),
)
