"""`market/partner_overlaps`: the companies that a partner and we both have in our books; none of them is a referral."""

import ibis

from gtm_platform.identity import normalise
from gtm_platform.ingest.feeds import read
from gtm_platform.ingest.market_feeds import OverlapFeed
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.market.mentioned_companies import COMPANIES, Tables, mentions, with_company
from gtm_platform.sources.feeds import market_feeds

FEEDS = market_feeds(OverlapFeed)

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company that both have.", nullable=False),
        "partner_id": Column("string", "The partner, as a company.", nullable=False),
        "is_their_customer": Column(
            "boolean", "Whether it is a customer of the partner, who could introduce us.", nullable=False
        ),
        "sources": Column("array<string>", "All sources that show it, sorted.", nullable=False),
    },
    key=("company_id", "partner_id"),
    about="One row per company and partner who has it in its books, as we have.",
    figures={"introductions": lambda t: t["is_their_customer"].sum()},
)


def table(records: Tables, companies: ibis.Table) -> ibis.Table:
    """Return a row per company and partner, both of which are companies that there are."""
    rows = with_company((_shared(feed, records) for feed in FEEDS), companies)
    rows = rows.rename(account_id="company_id", domain="partner_domain").mutate(
        record=ibis.null("string"), name=ibis.null("string")
    )
    both = with_company([rows], companies).rename(partner_id="company_id", company_id="account_id")
    both = both.filter(both["partner_id"] != both["company_id"])
    return both.group_by("company_id", "partner_id").agg(
        is_their_customer=both["is_their_customer"].any(), sources=both["source"].collect(distinct=True).sort()
    )


def _shared(feed: OverlapFeed, tables: Tables) -> ibis.Table:
    def columns(rows: ibis.Table) -> dict[str, ibis.Value]:
        return {
            "partner_domain": normalise.site(read(rows, feed.partner_domain)),
            "is_their_customer": read(rows, feed.is_their_customer, "boolean").cast("boolean").fill_null(False),
            "source": ibis.literal(feed.source),
        }

    return mentions(feed, tables, columns)


TABLE = DailyTable(
    "market/partner_overlaps",
    CONTRACT,
    inputs={"records": {feed.table: feed.table for feed in FEEDS}, "companies": COMPANIES},
    rule=table,
    per="company",
)
