"""HubSpot contacts: a current customer's health, churn risk and MRR; nothing on that of a former one.

A current customer without a contact gets one, unless nothing but shared inboxes is known of it, and each contact is
associated with the customer's company.
"""

import ibis

from gtm_platform.delivery.hubspot.object_type import Link, Matching, MatchKey, ObjectType, Tables
from gtm_platform.delivery.hubspot.properties import Origin, checkboxes, number, select, text
from gtm_platform.identity import normalise
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.policy import policy

HEALTH, CUSTOMERS, DEVELOPERS = "health/customer_health", "core/unified_customers", "reodev/developers"
COMPANIES, COMPANY_RECORDS = "core/unified_companies", "identity/companies"

# Those known beforehand; another one is added as an option when a customer has it.
SIGNALS = (
    "cancel_mentioned",
    "payment_delinquent",
    "critical_ticket_open",
    "failed_payments",
    "inactive_30d",
    "usage_falling",
    "low_csat",
    "negative_tone",
    "low_engagement",
)

PROPERTIES = (
    number(
        "gtm_health_score",
        "Health score",
        "Customer health, 0 to 100.",
        Origin(HEALTH, "health_score", "policy_hash"),
    ),
    select(
        "gtm_health_status",
        "Health status",
        "Customer health in words.",
        Origin(HEALTH, "health_status", "policy_hash"),
        ("healthy", "at_risk", "high_risk", "critical", "new"),
    ),
    number(
        "gtm_churn_risk",
        "Churn risk",
        "Probability in percent of churning within 90 days.",
        Origin(HEALTH, "churn_risk", "churn_risk_model"),
    ),
    checkboxes(
        "gtm_risk_signals",
        "Risk signals",
        "Why the health score is what it is.",
        Origin(HEALTH, "risk_signals", "policy_hash"),
        SIGNALS,
    ),
    number(
        "gtm_mrr",
        "MRR",
        "Monthly recurring revenue in the currency of MRR currency.",
        Origin(CUSTOMERS, "mrr", "mrr_source"),
    ),
    text(
        "gtm_mrr_currency",
        "MRR currency",
        "The currency of MRR, such as EUR.",
        Origin(CUSTOMERS, "currency", "mrr_source"),
    ),
    number(
        "gtm_mrr_reporting",
        "MRR (reporting)",
        "MRR in the reporting currency, to add up and compare; empty without a rate for its currency.",
        Origin(CUSTOMERS, "mrr_reporting", "mrr_source"),
    ),
    text("github_url", "GitHub", "Page at GitHub.", Origin(DEVELOPERS, "github_url", "github_source"), personal=True),
)

MATCHING = Matching(
    keys=(MatchKey("email", "addresses", is_unique=True, further="hs_additional_emails"),),
    created_with={"email": "address", "firstname": "first_name", "lastname": "last_name"},
    id_property=text(
        "gtm_customer_id",
        "Customer id",
        "Which customer the contact was created for.",
        Origin(CUSTOMERS, "customer_id", "customer_id"),
        unique=True,
    ),
    group="customer_status",
)


def plan(tables: Tables) -> ibis.Table:
    """Return a row per customer who has a contact, or is a current one with an address to make one with.

    Health that is shown of nobody, as an experiment withholds it, is in no contact either.
    """
    health = tables[HEALTH].select("customer_id", *OBJECT_TYPE.columns_of(HEALTH), has_health=True)
    customers = tables[CUSTOMERS]
    contact, is_customer = customers["hubspot_contact_id"].nullif(""), customers["is_customer"].fill_null(False)
    address, addresses = _own_addresses(customers)
    customers = customers.filter(contact.notnull() | (is_customer & address.notnull())).select(
        "customer_id",
        "all_emails",
        "customer_status",
        *(name for name in OBJECT_TYPE.columns_of(CUSTOMERS) if name != "currency"),
        **_names(customers["name"]),
        address=address,
        addresses=addresses,
        hubspot_contact_id=contact,
        not_a_customer=~is_customer,
        currency=ibis.ifelse(customers["mrr"].notnull(), customers["currency"].upper(), ibis.null("string")),
    )
    rows = left_join_all(customers, [health, _github_pages(customers, tables[DEVELOPERS])])
    return rows.mutate(has_no_health=rows["has_health"].isnull())


def _own_addresses(customers: ibis.Table) -> tuple[ibis.Value, ibis.Value]:
    """Return the address of the customer alone, and all of them: behind a shared inbox sits somebody else, too."""
    rules = policy().identity
    own = customers["all_emails"].filter(lambda address: ~normalise.is_shared_inbox(address, rules))
    email = customers["email"].nullif("")
    is_own = ~normalise.is_shared_inbox(email, rules)
    return ibis.ifelse(is_own.fill_null(False), email, own[0]), own


def _names(name: ibis.Value) -> dict[str, ibis.Value]:
    """HubSpot has names in two parts; the last word is the family name where there are several."""
    return {
        "first_name": ibis.coalesce(name.re_extract(r"^(.+) \S+$", 1).nullif(""), name),
        "last_name": name.re_extract(r" (\S+)$", 1).nullif(""),
    }


def _github_pages(customers: ibis.Table, developers: ibis.Table) -> ibis.Table:
    """Return [customer_id, github_url, github_source] of customers one of whose addresses is a developer's."""
    addresses = customers.select("customer_id", address=customers["all_emails"].unnest())
    pages = developers.filter(developers["email"].notnull(), developers["github_url"].notnull())
    pages = pages.select("github_url", address=pages["email"].lower())
    owned = addresses.join(pages, "address")
    by_customer = owned.group_by("customer_id").agg(github_url=owned["github_url"].min())
    return by_customer.mutate(github_source=ibis.literal("reodev"))


def company_links(tables: Tables) -> ibis.Table:
    """Return each current customer's contact with its company, in whichever of its records."""
    customers, companies = tables[CUSTOMERS], tables[COMPANIES]
    people = customers.filter(customers["is_customer"].fill_null(False), customers["company_id"].notnull()).select(
        from_subject="customer_id", from_id=customers["hubspot_contact_id"].nullif(""), to_subject="company_id"
    )
    targets = companies.select(to_subject="company_id", to_id=companies["hubspot_company_id"].nullif(""))
    records = tables[COMPANY_RECORDS].select(to_subject="company_id", same_ids="hubspot_company_ids")
    rows = left_join_all(people.join(targets, "to_subject"), [records], "to_subject")
    return rows.mutate(same_ids=ibis.coalesce(rows["same_ids"], NO_TEXTS))


OBJECT_TYPE = ObjectType(
    name="contacts",
    label="contact",
    type_id="0-1",
    key="hubspot_contact_id",
    subject="customer_id",
    properties=PROPERTIES,
    inputs=(HEALTH, CUSTOMERS, DEVELOPERS),
    plan=plan,
    cleared="not_a_customer",
    lacking={HEALTH: "has_no_health"},
    matching=MATCHING,
    links=(Link("companies", (CUSTOMERS, COMPANIES, COMPANY_RECORDS), company_links),),
    about="Health, churn risk and MRR as properties of HubSpot contacts, which are created where they are missing and "
    "associated with their companies; only what changed, only the newest day.",
)
