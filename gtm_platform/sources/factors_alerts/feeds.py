"""What alerts of Factors.ai say of companies: that they are on the website."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import SignalFeed

TABLE = "factors_alerts/alerts"
FEEDS = (
    CompanyFeed("factors_alerts", TABLE, precedence=131, domain="company_domain", name="company_name"),
    SignalFeed(
        "factors_alerts",
        TABLE,
        kind="visit",
        signal_id=lambda alerts: ibis.literal("alert:") + alerts["id"],
        at="received_at",
        precedence=11,
        lead="inbound",
        company_domain="company_domain",
        company_name="company_name",
        strength=lambda alerts: alerts["page_views"].fill_null(1).cast("float64"),
        topics=lambda alerts: ibis.array([alerts["page"]]),
        title="title",
    ),
)
