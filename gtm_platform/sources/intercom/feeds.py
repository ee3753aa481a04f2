"""What Intercom knows of people and companies, and what it copied of Stripe's subscriptions."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed, Owners, PersonFeed, SubscriptionFeed, Tables, UsageFeed, lasting

PERIODS_A_YEAR = {"month": 12, "year": 1, "week": 52, "day": 365}


def _is_user(contacts: ibis.Table) -> ibis.Value:
    return contacts["role"] == "user"


def _first_company(contacts: ibis.Table) -> ibis.Value:
    companies = contacts["company_ids"]
    return ibis.ifelse(companies.length() > 0, companies[0], ibis.null("string"))


def _subscriptions(tables: Tables, _: ibis.ir.TimestampScalar) -> ibis.Table:
    """Return the copied subscription of each contact that has one. The copy names no currency, and shows no money."""
    contacts = tables["intercom/contacts"]
    contacts = contacts.filter(contacts["stripe_subscription_status"].notnull())
    price = (contacts["stripe_plan_price"] * 100).cast("decimal(24, 6)")
    a_year = contacts["stripe_plan_interval"].cases(*PERIODS_A_YEAR.items()).cast("int64")
    arr = (price * a_year).cast("decimal(24, 6)")
    return contacts.select(
        "plan_tier",
        payer="id",
        subscription_id="id",
        status="stripe_subscription_status",
        phases=lasting((arr / 12).round(), arr),
        plan_name="stripe_plan",
        plan_price=price,
    )


def _payers(tables: Tables, _: ibis.ir.TimestampScalar) -> ibis.Table:
    contacts = tables["intercom/contacts"]
    return contacts.filter(contacts["stripe_delinquent"].notnull()).select(payer="id", owes="stripe_delinquent")


FEEDS = (
    PersonFeed(
        "intercom",
        "intercom/contacts",
        id_column="intercom_contact_id",
        id_about="Its contact in Intercom; a user before a lead, of several the one seen last.",
        precedence=20,
        email="email",
        email_precedence=lambda contacts: ibis.ifelse(_is_user(contacts), 0, 40),  # a user signs in with it
        shared_ids={"stripe": "stripe_id", "product": "external_id"},
        company_id=_first_company,
        name="name",
        country="country",
        city="city",
        owner_id="owner_id",
        owners=Owners(
            "intercom/admins", name=lambda admins: ibis.coalesce(admins["name"], admins["email"]), email="email"
        ),
        signed_up_at="signed_up_at",
        seen_at="last_seen_at",
        mail_bounces="has_hard_bounced",
        rank=lambda contacts: ibis.ifelse(_is_user(contacts), 0, 1),
    ),
    CompanyFeed(
        "intercom",
        "intercom/companies",
        precedence=20,
        id="id",
        name="name",
        domain="website",
        ids_about="Its records in Intercom.",
    ),
    UsageFeed("intercom", "seen", "intercom/contacts", record_id="id", at="last_seen_at"),
    SubscriptionFeed(
        "intercom",
        precedence=40,
        tables=("intercom/contacts",),
        subscriptions=_subscriptions,
        payers=_payers,
        copy_of=("stripe",),
        speaking_record_only=True,
        payer_of={"intercom/contacts": "id"},
    ),
)
