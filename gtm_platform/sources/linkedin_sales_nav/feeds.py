"""What lists of Sales Navigator say of companies: that we want them, and how large they are."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import FirmographicFeed, SignalFeed


def _listed(table: ibis.Table) -> ibis.Table:
    """A row that the newest file of its list lacks has left the list when that file came.

    Files of one day are parts of one list.
    """
    newest = table.received_at.max().over(group_by="list_name")
    return table.mutate(left_at=ibis.cases((table.received_at.date() < newest.date(), newest)))


def _signal_id(table: ibis.Table) -> ibis.Value:
    return table.list_name + ibis.literal("|") + table.account_key


FEEDS = (
    SignalFeed(
        source="linkedin_sales_nav",
        table="linkedin_sales_nav/accounts",
        kind="listed",
        signal_id=_signal_id,
        at="as_of",
        company_domain="domain",
        company_name="company_name",
        ends_at="left_at",
        topics=lambda table: ibis.array([table.list_name]),
        title="list_name",
        rows=_listed,
    ),
    FirmographicFeed(
        source="linkedin_sales_nav",
        table="linkedin_sales_nav/accounts",
        precedence=40,
        retrieved_at="received_at",
        company_domain="domain",
        company_name="company_name",
        name="company_name",
        country="country",
        industry="industry",
        employee_count="employees_min",
        linkedin_company_url="linkedin_company_key",
    ),
    CompanyFeed(
        "linkedin_sales_nav", "linkedin_sales_nav/accounts", precedence=200, domain="domain", name="company_name"
    ),
)
