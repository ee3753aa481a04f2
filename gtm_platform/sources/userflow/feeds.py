"""What Userflow knows of people, of when they were last seen, and of their onboarding."""

import ibis

from gtm_platform.ingest.feeds import PersonFeed, UsageFeed


def _percent(users: ibis.Table) -> ibis.Value:
    return users["onboarding_progress"] * 100


def _since(users: ibis.Table) -> ibis.Value:
    return ibis.coalesce(users["onboarding_at"], users["created_at"])


FEEDS = (
    PersonFeed(
        "userflow",
        "userflow/users",
        id_column="userflow_user_id",
        id_about="Its user in Userflow, by the product's own id; of several the one seen last.",
        precedence=70,
        email="email",
        shared_ids={"product": "id"},
        company_domain="company_domain",
        company_name="company_name",
        name="name",
        signed_up_at="signed_up_at",
        seen_at="last_seen_at",
    ),
    UsageFeed("userflow", "seen", "userflow/users", record_id="id", at="last_seen_at"),
    UsageFeed("userflow", "onboarding", "userflow/users", record_id="id", at=_since, value=_percent),
)
