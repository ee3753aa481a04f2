"""What signals of automation tools say of companies."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import SignalFeed

TABLE = "pushed_signals/signals"
FEEDS = (
    CompanyFeed("pushed_signals", TABLE, precedence=222, domain="company_domain", name="company_name"),
    SignalFeed(
        source="pushed_signals",
        table=TABLE,
        kind=lambda table: table.kind,
        signal_id=lambda table: ibis.literal("pushed:") + table.id,
        at=lambda table: table.occurred_at.coalesce(table.received_at),
        precedence=40,
        lead="inbound",
        company_domain="company_domain",
        company_name="company_name",
        strength=lambda table: table.strength.cast("float64"),
        topics=lambda table: ibis.array([table.name]),
        evidence="url",
        title="name",
        person_email="person_email",
        person_name="person_name",
    ),
)
