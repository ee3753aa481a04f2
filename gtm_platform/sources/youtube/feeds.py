"""What YouTube says of companies: who tells in public that they use a competitor's product."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import CompetitorFeed

SURE = 0.8  # from which on an address is taken for a company's


def _sure_domain(videos: ibis.Table) -> ibis.Value:
    return ibis.ifelse(videos["company_confidence"] >= SURE, videos["company_domain"], ibis.null("string"))


def _stories(videos: ibis.Table) -> ibis.Table:
    """Return the videos about a company that uses a competitor's product."""
    has_company = videos["company_domain"].notnull() | videos["company_name"].notnull()
    return videos.filter(has_company, videos["competitor"].notnull())


FEEDS = (
    CompanyFeed("youtube", "youtube/videos", precedence=160, domain=_sure_domain, name="company_name"),
    CompetitorFeed(
        "youtube",
        "youtube/videos",
        channel="youtube",
        competitor="competitor",
        at="published_at",
        evidence_id=lambda videos: ibis.literal("video:") + videos["id"],
        company_domain="company_domain",
        company_name="company_name",
        confidence="company_confidence",
        evidence=lambda videos: ibis.literal("https://www.youtube.com/watch?v=") + videos["id"],
        quote="title",
        pain_points="pain_points",
        rows=_stories,
    ),
)
