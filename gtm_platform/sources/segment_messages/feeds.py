"""What Segment says of companies: that they have an account, and that their people look at pages."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import SignalFeed


def _visits(table: ibis.Table) -> ibis.Table:
    return table.filter((table.type == "page") & table.email.notnull())


FEEDS = (
    CompanyFeed("segment_messages", "segment_messages/companies", precedence=125, domain="domain", name="name"),
    SignalFeed(
        source="segment_messages",
        table="segment_messages/happenings",
        kind="visit",
        signal_id=lambda table: ibis.literal("segment:") + table.id,
        at=lambda table: table.happened_at.coalesce(table.received_at),
        precedence=12,
        lead="inbound",
        topics=lambda table: ibis.array([table.url]),
        title="name",
        person_email="email",
        rows=_visits,
    ),
)
