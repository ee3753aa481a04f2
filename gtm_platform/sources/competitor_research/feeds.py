"""What research by hand says of companies: whose product they use."""

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import CompetitorFeed

FEEDS = (
    CompetitorFeed(
        source="competitor_research",
        table="competitor_research/competitor_use",
        channel="manual_research",
        competitor="competitor",
        at="seen_on",
        evidence_id="use_key",
        company_domain="company_domain",
        company_name="company_name",
        confidence="confidence",
        evidence="evidence_url",
        quote="quote",
        pain_points="pain_points",
    ),
    CompanyFeed(
        "competitor_research",
        "competitor_research/competitor_use",
        precedence=210,
        domain="company_domain",
        name="company_name",
    ),
)
