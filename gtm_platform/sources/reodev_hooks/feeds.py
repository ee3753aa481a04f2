"""What Reo.dev's webhooks say of companies: what their developers do."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import SignalFeed

TABLE = "reodev_hooks/activities"
KINDS = ["star", "fork", "issue", "pull_request", "visit"]


def _signals(table: ibis.Table) -> ibis.Table:
    return table.filter(table.kind.isin(KINDS))


FEEDS = (
    SignalFeed(
        source="reodev_hooks",
        table=TABLE,
        kind=lambda table: table.kind,
        signal_id=lambda table: ibis.literal("reodev_hook:") + table.id,
        at=lambda table: table.stated_at.coalesce(table.received_at),
        precedence=31,
        lead="chroma_signal",
        company_domain="company_domain",
        company_name="company_name",
        topics=lambda table: ibis.array([table.repository]),
        evidence="source_url",
        person_email="developer_email",
        person_name="developer_name",
        rows=_signals,
    ),
    CompanyFeed("reodev_hooks", TABLE, precedence=221, domain="company_domain", name="company_name"),
)
