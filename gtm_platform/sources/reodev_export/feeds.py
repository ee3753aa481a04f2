"""What exports of Reo.dev say of companies: what their developers do."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import SignalFeed

KINDS = {"star": "star", "fork": "fork", "issue": "issue", "pr": "pull_request", "page_visit": "visit"}


def _signals(table: ibis.Table) -> ibis.Table:
    return table.filter(table.activity_type.isin(list(KINDS)))


def _kind(table: ibis.Table) -> ibis.Value:
    return table.activity_type.cases(*KINDS.items())


FEEDS = (
    SignalFeed(
        source="reodev_export",
        table="reodev_export/activities",
        kind=_kind,
        signal_id="activity_key",
        at="activity_date",
        precedence=30,
        lead="chroma_signal",
        company_domain="account_domain",
        company_name="account_name",
        topics=lambda table: ibis.array([table.repo]),
        evidence="activity_info",
        person_email="developer_email",
        person_name="developer_name",
        rows=_signals,
    ),
    CompanyFeed(
        "reodev_export", "reodev_export/activities", precedence=220, domain="account_domain", name="account_name"
    ),
)
