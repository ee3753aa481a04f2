"""What ListKit knows of people, and of what they do in it. An account's use is its owner's."""

import ibis

from gtm_platform.ingest.feeds import PersonFeed, SeatFeed, UsageFeed


def _is_completed(exports: ibis.Table) -> ibis.Value:
    return (exports["status"] == "completed").fill_null(False).cast("int64")


FEEDS = (
    PersonFeed(
        "listkit_admin",
        "listkit_admin/accounts",
        id_column="listkit_account_id",
        id_about="Its account of ListKit; of several the one used last.",
        precedence=100,
        email="email",
        shared_ids={"stripe": "stripe_customer_id"},
        company_name="company_name",
        signed_up_at="created_at",
        seen_at="last_active_at",
        is_account=True,
    ),
    SeatFeed("listkit_admin", "listkit_admin/accounts", "member_emails", "deactivated_emails"),
    UsageFeed("listkit_admin", "seen", "listkit_admin/accounts", record_id="id", at="last_active_at"),
    UsageFeed(
        "listkit_admin",
        "credits_left",
        "listkit_admin/accounts",
        record_id="id",
        at="updated_at",
        value="credits_balance",
    ),
    UsageFeed(
        "listkit_admin",
        "logins",
        "listkit_admin/daily_usage",
        record_id="account_id",
        at="day",
        value="logins",
        precedence=20,  # it counts the logins to one of the products
    ),
    UsageFeed(
        "listkit_admin",
        "credits_used",
        "listkit_admin/daily_usage",
        record_id="account_id",
        at="day",
        value="credits_used",
    ),
    UsageFeed(
        "listkit_admin",
        "exports",
        "listkit_admin/exports",
        record_id="account_id",
        at="created_at",
        value=_is_completed,
    ),
)
