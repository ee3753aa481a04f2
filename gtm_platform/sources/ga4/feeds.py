"""What Google Analytics knows of companies: their visits, where a custom dimension says whose they are."""

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import TrafficFeed, daily_visits

FEEDS = (
    CompanyFeed("ga4", "ga4/company_visits", precedence=230, domain="company_domain"),
    daily_visits("ga4", "ga4/company_visits", precedence=30),
    TrafficFeed("ga4", "ga4/traffic", precedence=30, conversions="conversions"),
)
