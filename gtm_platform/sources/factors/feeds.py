"""What Factors.ai says of companies: who visits the website."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import SignalFeed

FEEDS = (
    CompanyFeed("factors", "factors/visits", precedence=130, domain="company_domain", name="company_name"),
    SignalFeed(
        "factors",
        "factors/visits",
        kind="visit",
        signal_id=lambda visits: ibis.literal("visit:") + visits["id"],
        at="visited_at",
        lead="inbound",
        company_domain="company_domain",
        company_name="company_name",
        strength=lambda visits: visits["page_views"].fill_null(1).cast("float64"),
        topics="pages",
        title="referral_source",
        person_email="user_email",
    ),
)
