"""What Google Analytics knows of companies: their visits, where a custom dimension says whose they are."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import SignalFeed, TrafficFeed


def _visits(rows: ibis.Table) -> ibis.Table:
    """A row per company and day, with the pages that were seen; what the dimension does not know is no company."""
    named = rows.filter(~rows["company_domain"].startswith("("))
    return named.group_by("date", "company_domain").agg(
        day_at=named["day_at"].max(),
        pages=named["page_path"].collect(distinct=True).sort(),
        page_views=named["page_views"].sum(),
    )


def _id(visits: ibis.Table) -> ibis.Value:
    return ibis.literal("ga4:") + visits["company_domain"] + ":" + visits["date"].cast("string")


FEEDS = (
    CompanyFeed("ga4", "ga4/company_visits", precedence=230, domain="company_domain"),
    SignalFeed(
        "ga4",
        "ga4/company_visits",
        kind="visit",
        signal_id=_id,
        at="day_at",
        precedence=30,
        company_domain="company_domain",
        strength="page_views",
        topics="pages",
        rows=_visits,
    ),
    TrafficFeed("ga4", "ga4/traffic", precedence=30, conversions="conversions"),
)
