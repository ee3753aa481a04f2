"""What Chroma's panel knows of people, and of when they used it. An account's use is its owner's.

An account without an address is a company's and nobody's record. The panel knows no domain of a company, so that there
is no feed of companies.
"""

import ibis

from gtm_platform.ingest.feeds import AccountFeed, PersonFeed, SeatFeed, UsageFeed


def _owned(accounts: ibis.Table) -> ibis.Table:
    return accounts.filter(accounts["email"].notnull())


FEEDS = (
    PersonFeed(
        "chroma_admin",
        "chroma_admin/accounts",
        id_column="chroma_account_id",
        id_about="Its account of Chroma; of several the one used last.",
        precedence=110,
        email="email",
        company_name="company_name",
        signed_up_at="created_at",
        seen_at=lambda accounts: accounts["last_active_on"].cast("timestamp('UTC', 6)"),
        is_account=True,
        rows=_owned,
    ),
    AccountFeed(
        "chroma_admin",
        "chroma_admin/accounts",
        usage="chroma_admin/daily_usage",
        queries="queries",
        instances="instances",
        collections="collections",
        last_active_on="last_active_on",
    ),
    UsageFeed("chroma_admin", "seen", "chroma_admin/accounts", record_id="id", at="last_active_on"),
    SeatFeed("chroma_admin", "chroma_admin/accounts", "member_emails", "deactivated_emails"),
)
