"""`core/profile`: who the customer is, and who looks after it."""

import ibis

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.joins import left_join_all

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "name": Column("string", "HubSpot's, else Intercom's, else Stripe's.", personal=True),
        "company_name": Column("string", "Name of the company; where that is unknown, what HubSpot's contact says."),
        "company_domain": Column("string", "Domain of the company."),
        "country": Column("string", "HubSpot's, else Intercom's, else Stripe's."),
        "city": Column("string", "HubSpot's, else Intercom's, else Stripe's."),
        "timezone": Column("string", "HubSpot's."),
        "assigned_am": Column("string", "Account manager: HubSpot's owner, else Intercom's."),
        "assigned_am_email": Column("string", "The account manager's address."),
        "am_source": Column(
            "string",
            "hubspot, calendly or intercom.",
            rule=lambda v: v.isin(["hubspot", "calendly", "intercom"]),
        ),
        "signup_at": Column("timestamp('UTC', 6)", "Earliest sign-up that Intercom knows of."),
        "is_customer": Column(
            "boolean",
            "Has or had a subscription that came about: in Stripe; where Stripe has no record, in Intercom's copy.",
            nullable=False,
        ),
    },
    key=("customer_id",),
    about="Name, company, place and account manager of each customer.",
    figures={"customers": lambda t: t["is_customer"].sum(), "with_am": lambda t: t["assigned_am"].notnull().sum()},
)

NEVER_CAME_ABOUT = ("incomplete", "incomplete_expired")


def table(
    people: ibis.Table,
    links: ibis.Table,
    companies: ibis.Table,
    hubspot: ibis.Table,
    owners: ibis.Table,
    intercom: ibis.Table,
    admins: ibis.Table,
    stripe: ibis.Table,
    subscriptions: ibis.Table,
) -> ibis.Table:
    known = people.select(
        "customer_id", "company_id", "hubspot_contact_id", "intercom_contact_id", "stripe_customer_id"
    )
    known = left_join_all(known, [_of_hubspot(hubspot, owners)], "hubspot_contact_id")
    known = left_join_all(known, [_of_intercom(intercom, admins)], "intercom_contact_id")
    known = left_join_all(known, [_of_stripe(stripe)], "stripe_customer_id")
    known = left_join_all(known, [_of_company(companies)], "company_id")
    known = left_join_all(known, [_signups(links, intercom), _customers(links, subscriptions)])
    by_copy = known["stripe_customer_id"].isnull() & known["copied"].fill_null(False)
    am = ibis.cases((known["hs_am"].notnull(), "hubspot"), (known["ic_am"].notnull(), "intercom"))
    return known.select(
        "customer_id",
        "timezone",
        "signup_at",
        "company_domain",
        **{what: _first(known, what, "hs", "ic", "st") for what in ("name", "country", "city")},
        company_name=ibis.coalesce(
            known["listed_name"].nullif(known["company_domain"]), known["hs_company"], known["listed_name"]
        ),
        assigned_am=_first(known, "am", "hs", "ic"),
        assigned_am_email=ibis.ifelse(am == "hubspot", known["hs_am_email"], known["ic_am_email"]),
        am_source=am,
        is_customer=known["subscribed"].notnull() | by_copy,
    )


def _first(known: ibis.Table, what: str, *sources: str) -> ibis.Value:
    return ibis.coalesce(*[known[f"{source}_{what}"].nullif("") for source in sources])


def _of_hubspot(contacts: ibis.Table, owners: ibis.Table) -> ibis.Table:
    here = owners.filter(~owners["archived"]).select(
        owner_id="id", first="first_name", last="last_name", am_email="email"
    )
    here = here.mutate(am=ibis.coalesce(_full_name(here["first"], here["last"]), here["am_email"]))
    t = left_join_all(contacts, [here.select("owner_id", "am", "am_email")], "owner_id")
    return t.select(
        hubspot_contact_id="id",
        hs_name=_full_name(t["first_name"], t["last_name"]),
        hs_company=t["company_name"],
        hs_country="country",
        hs_city="city",
        timezone="timezone",
        hs_am="am",
        hs_am_email="am_email",
    )


def _full_name(first: ibis.ir.StringValue, last: ibis.ir.StringValue) -> ibis.ir.StringValue:
    return (first.fill_null("") + " " + last.fill_null("")).strip().nullif("")


def _of_intercom(contacts: ibis.Table, admins: ibis.Table) -> ibis.Table:
    here = admins.select(owner_id="id", am=ibis.coalesce(admins["name"], admins["email"]), am_email="email")
    t = left_join_all(contacts, [here], "owner_id")
    return t.select(
        intercom_contact_id="id",
        ic_name="name",
        ic_country="country",
        ic_city="city",
        ic_am="am",
        ic_am_email="am_email",
        copied=t["stripe_subscription_status"].notin(NEVER_CAME_ABOUT),
    )


def _of_stripe(customers: ibis.Table) -> ibis.Table:
    return customers.select(stripe_customer_id="id", st_name="name", st_country="country", st_city="city")


def _of_company(companies: ibis.Table) -> ibis.Table:
    return companies.select("company_id", listed_name="name", company_domain="domain")


def _signups(links: ibis.Table, intercom: ibis.Table) -> ibis.Table:
    users = _linked(links, "intercom").join(intercom.select(record_id="id", at="signed_up_at"), "record_id")
    return users.group_by("customer_id").agg(signup_at=users["at"].min())


def _customers(links: ibis.Table, subscriptions: ibis.Table) -> ibis.Table:
    began = subscriptions.filter(subscriptions["status"].notin(NEVER_CAME_ABOUT))
    payers = _linked(links, "stripe").semi_join(began.select(record_id="customer_id"), "record_id")
    return payers.select("customer_id").distinct().mutate(subscribed=True)


def _linked(links: ibis.Table, source: str) -> ibis.Table:
    return links.filter(links["source"] == source).select("customer_id", "record_id")


TABLE = DailyTable(
    "core/profile",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "links": "identity/links",
        "companies": "identity/companies",
        "hubspot": "hubspot/contacts",
        "owners": "hubspot/owners",
        "intercom": "intercom/contacts",
        "admins": "intercom/admins",
        "stripe": "stripe/customers",
        "subscriptions": "stripe/subscriptions",
    },
    rule=table,
)
